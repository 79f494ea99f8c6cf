"""Provider health: is each provider's traffic arriving, judged in time and believed?"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, override
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import (
    LIVE_SCRIPT,
    PageAdmin,
    Panel,
    answer_fragment,
    at_cell,
    badge,
    display_at,
    link_cell,
    worded,
)
from apps.core.answer_codes import answer_words
from apps.gateway.selectors import spool_reports
from apps.reports.admin.spool import spool_panel
from apps.reports.health import WINDOWS, Health, health_of_providers
from apps.reports.models import ProviderHealth
from apps.rounds.panels import status_word

_SECONDS: Final = 10
_COLUMNS: Final = [
    "Provider",
    "Deliveries",
    "Rate",
    "p50",
    "p95",
    "p99",
    "Waiting",
    "Repeats",
    "Conflicts",
    "Refused",
    "Parked",
    "Drift",
    "Stuck rounds",
    "Old keys",
]


@admin.register(ProviderHealth)
class ProviderHealthAdmin(PageAdmin[ProviderHealth]):
    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("window", "")
        window = asked if asked in WINDOWS else "15m"
        now = timezone.now()
        found = health_of_providers(WINDOWS[window][1], now)
        context = {
            **self.admin_site.each_context(request),
            "title": "Provider health",
            "opts": self.opts,
            "windows": [(key, label, key == window) for key, (label, _) in WINDOWS.items()],
            "panels": [*_panels(found, window), spool_panel(spool_reports(now), now)],
            "live_seconds": _SECONDS,
            "live_script": LIVE_SCRIPT,
        }
        response = TemplateResponse(request, "reports/provider_health.html", context)
        return answer_fragment(request, response, "admin/panels.html")


def _panels(found: Sequence[Health], window: str) -> list[Panel]:
    label = WINDOWS[window][0]
    cut = [one for one in found if one.traffic is not None and one.traffic.is_cut]
    reach = "; ".join(
        f"{one.code} back to {display_at(one.traffic.reaches_to)}" for one in cut if one.traffic
    )
    return [
        Panel(
            title=f"The last {label}",
            note="Latency is received to judged. Repeats, conflicts, refused and parked count "
            "deliveries with such an event; drift counts players whose balance differs; stuck "
            "rounds were opened over 24 hours ago. Each figure leads to its rows."
            + (f" Of many deliveries the newest 10,000 are counted: {reach}." if reach else ""),
            columns=_COLUMNS,
            rows=[_row(one, window) for one in found],
            empty_text="No provider is active. Load one with manage.py load_provider.",
        ),
        _codes_panel(found, window),
        _refused_panel(found, timezone.now().date()),
        _keys_panel(found, window),
    ]


def _row(one: Health, window: str) -> list[Any]:
    traffic = one.traffic
    log = _log(one, window)
    drift = reverse("admin:rounds_balancedrift_changelist") + f"?provider_id={one.provider_id}"
    rounds = (
        reverse("admin:rounds_round_changelist")
        + f"?provider_id={one.provider_id}&stuck=yes&who=all"
    )
    standing = [
        _figure(one.drifting, drift, "warning"),
        _figure(one.stuck, rounds, "danger"),
        _figure(len(one.old_keys), "#old-keys", "warning"),
    ]
    if traffic is None:
        quiet = badge("silent", "warning")
        return [_name(one), quiet, "-", *["-"] * 8, *standing]
    return [
        _name(one),
        link_cell(log(), f"{traffic.deliveries:,}{'+' if traffic.is_cut else ''}"),
        _rate(one.rate_per_second),
        *(_latency(value) for value in (traffic.p50_ms, traffic.p95_ms, traffic.p99_ms)),
        _figure(traffic.waiting, log(verdict="waiting"), "warning"),
        _figure(traffic.deliveries_with("duplicate"), log(verdict="repeat"), "neutral"),
        _figure(traffic.deliveries_with("conflict"), log(verdict="conflict"), "danger"),
        _figure(traffic.deliveries_with("rejected"), log(verdict="refused"), "warning"),
        _figure(traffic.deliveries_with("parked"), log(verdict="parked"), "warning"),
        *standing,
    ]


def _name(one: Health) -> SafeString:
    page = reverse("admin:providers_provider_change", args=[one.provider_id])
    name = link_cell(page, one.code)
    return name if one.is_active else format_html("{} {}", name, badge("switched off", "danger"))


def _log(one: Health, window: str) -> Any:
    listing = reverse("admin:rounds_delivery_changelist")

    def address(**chosen: str) -> str:
        query: Mapping[str, Any] = {
            "provider_id": one.provider_id,
            "window": window,
            "who": "all",
            **chosen,
        }
        return f"{listing}?{urlencode(query)}"

    return address


def _figure(count: int, url: str, tone: str) -> SafeString | str:
    if count == 0:
        return "0"
    return format_html('<a href="{}">{}</a>', url, badge(f"{count:,}", tone))


def _rate(per_second: Decimal) -> str:
    if per_second >= 1:
        return f"{per_second:,.1f} /s"
    per_minute = per_second * 60
    return (
        f"{per_minute:,.1f} /min" if per_minute >= Decimal("0.1") else f"{per_minute * 60:,.1f} /h"
    )


def _latency(milliseconds: Decimal | None) -> SafeString | str:
    if milliseconds is None:
        return "-"
    return format_html('<span class="pb-at">{} ms</span>', f"{milliseconds:,.1f}")


def _codes_panel(found: Sequence[Health], window: str) -> Panel:
    rows = [
        [
            one.code,
            status_word(status),
            worded(answer_words(code), code),
            link_cell(_answer_link(one, window, status, code), count),
        ]
        for one in found
        if one.traffic is not None
        for status, code, count in one.traffic.answers
        if status in {"rejected", "parked", "conflict"} or code
    ]
    return Panel(
        title="Answers that say more than accepted",
        columns=["Provider", "Answer", "Why", "Deliveries"],
        rows=rows,
        empty_text="Every event in this window was accepted as sent.",
    )


def _answer_link(one: Health, window: str, status: str, code: str) -> str:
    return str(_log(one, window)(answer=f"{status}:{code}"))


def _refused_panel(found: Sequence[Health], today: date) -> Panel:
    listing = reverse("admin:gateway_rejection_changelist")

    def address(one: Health, code: str) -> str:
        where = {"day": today.isoformat(), "provider_id": one.provider_id, "code": code}
        return f"{listing}?{urlencode(where)}"

    return Panel(
        title="Refused today (UTC)",
        note="Counted per day; most were refused before anything was stored.",
        columns=["Provider", "Why", "Times"],
        rows=[
            [
                one.code,
                worded(answer_words(code), code),
                link_cell(address(one, code), f"{count:,}"),
            ]
            for one in found
            for code, count in one.rejected_today
        ],
        empty_text="Nothing was refused today.",
    )


def _keys_panel(found: Sequence[Health], window: str) -> Panel:
    return Panel(
        title="Old keys still used",
        columns=["Provider", "Key", "State", "Valid until", "Deliveries", "Last used"],
        rows=[
            [
                one.code,
                old.use.kid,
                badge(old.state, "warning" if old.state == "active" else "danger"),
                at_cell(old.ends_at),
                link_cell(_log(one, window)(key_id=old.use.kid), f"{old.use.deliveries:,}"),
                at_cell(old.use.last_at),
            ]
            for one in found
            for old in one.old_keys
        ],
        empty_text="Every delivery was signed with its provider's newest key.",
        anchor="old-keys",
    )
