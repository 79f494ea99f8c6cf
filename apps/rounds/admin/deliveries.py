"""The delivery log: what arrived, byte for byte, what we answered and how long it took."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, override
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import (
    DateTimeField,
    IntegerField,
    JSONField,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import (
    LiveListMixin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    badge,
    choice_filter,
    datetime_column,
    display_at,
    download,
    link_cell,
    money_cell,
)
from apps.providers.selectors import provider_choices
from apps.rounds import panels
from apps.rounds.admin import delivery_filters as filters
from apps.rounds.admin.played_filter import RehearsedDeliveryFilter
from apps.rounds.event_actions import DELIVERY_ACTIONS
from apps.rounds.models import Delivery, DeliveryVerdict, RoundEvent, UnjudgedDelivery
from apps.rounds.payloads import readable
from apps.rounds.traffic import (
    delivery_ids_of,
    events_of_delivery,
    unjudged_delivery,
    verdicts_of,
)

_SHOWN_RESULTS = 200
_FACTS = [
    "Provider",
    "Received",
    "Latency, received to judged",
    "Verdict",
    "HTTP",
    "Key used",
    "Address",
]


@admin.register(Delivery)
class DeliveryAdmin(LiveListMixin, PanelsMixin, ReadOnlyAdmin[Delivery]):
    list_empty_text = "No callback arrived."
    list_display = [
        "message",
        "sender",
        datetime_column("received_at", title="received"),
        "verdict",
        "answer",
        "latency",
        "key",
        "route",
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        filters.WindowFilter,
        filters.VerdictFilter,
        filters.HttpFilter,
        filters.KeyFilter,
        filters.AnswerFilter,
        RehearsedDeliveryFilter,
    ]
    list_select_related = ["provider"]
    search_fields = ["pk__exact", "message_id__exact"]
    search_help_text = "Message id, event id or number, exactly"
    ordering = ["-pk"]
    reasoned_actions = DELIVERY_ACTIONS
    fields = ["message_id"]

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        verdict = DeliveryVerdict.objects.filter(delivery_id=OuterRef("pk"))
        rows: QuerySet[Delivery] = super().get_queryset(request).defer("body", "headers")
        return rows.annotate(
            http_status=Subquery(verdict.values("http_status")[:1], output_field=IntegerField()),
            results=Subquery(verdict.values("results")[:1], output_field=JSONField()),
            judged_at=Subquery(verdict.values("judged_at")[:1], output_field=DateTimeField()),
        )

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\x00" in term:
            return queryset.none(), False
        providers = [int(pk) for pk, _ in provider_choices()]
        return queryset.filter(pk__in=delivery_ids_of(term, providers)), False

    @admin.display(description="verdict")
    def verdict(self, delivery: Any) -> Any:
        if delivery.http_status is None:
            return badge("waiting", "warning")
        counts = Counter(str(result.get("status", "")) for result in delivery.results or [])
        if not counts:
            return badge("no event", "neutral")
        return format_html_join(
            " ",
            "{}",
            (
                (badge(_counted(status, count), panels.STATUS_TONES.get(status, "neutral")),)
                for status, count in counts.most_common()
            ),
        )

    @admin.display(description="HTTP")
    def answer(self, delivery: Any) -> str:
        return "-" if delivery.http_status is None else str(delivery.http_status)

    @admin.display(description="latency")
    def latency(self, delivery: Any) -> SafeString | str:
        if delivery.judged_at is None:
            return "-"
        took = (delivery.judged_at - delivery.received_at).total_seconds() * 1000
        return format_html('<span class="pb-at">{} ms</span>', f"{took:,.1f}")

    @admin.display(description="provider", ordering="provider")
    def sender(self, delivery: Delivery) -> str:
        return delivery.provider.code

    @admin.display(description="message id", ordering="pk")
    def message(self, delivery: Delivery) -> str:
        return delivery.message_id or f"delivery {delivery.pk}"

    @admin.display(description="key used")
    def key(self, delivery: Delivery) -> SafeString:
        return format_html('<span class="pb-at">{}</span>', delivery.key_id)

    @admin.display(description="route")
    def route(self, delivery: Delivery) -> str:
        return delivery.path.removeprefix(f"/callbacks/{delivery.provider.code}/")

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:delivery_id>/raw/",
                self.admin_site.admin_view(self.raw_view),
                name="rounds_delivery_raw",
            ),
            *super().get_urls(),
        ]

    def raw_view(self, request: HttpRequest, delivery_id: int) -> HttpResponse:
        """Hand out the bytes as received: as a file, so that no browser runs what is in them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        delivery = Delivery.objects.filter(pk=delivery_id).first() if delivery_id < 2**63 else None
        if delivery is None:
            raise Http404
        return download(bytes(delivery.body), f"delivery-{delivery_id}.bin")

    @override
    def panels(self, request: HttpRequest, obj: Delivery) -> Sequence[Panel]:
        payload = readable(bytes(obj.body))
        verdict = verdicts_of([obj.pk]).get(obj.pk)
        return [
            self._facts_panel(obj),
            _events_panel(obj, verdict),
            Panel(
                title="Body",
                note=payload.note,
                code=payload.text,
                link=reverse("admin:rounds_delivery_raw", args=[obj.pk]),
                link_text=f"Download {len(bytes(obj.body)):,} bytes as received",
                empty_text="The body was empty: everything is in the address.",
            ),
            Panel(
                title="Headers",
                columns=["Name", "Value"],
                rows=[[name, str(value)] for name, value in sorted(obj.headers.items())],
                empty_text="No headers were kept.",
            ),
        ]

    def _facts_panel(self, obj: Delivery) -> Panel:
        query = urlencode({"q": obj.key_id, "provider_id": obj.provider_id})
        keys = reverse("admin:providers_providerkey_changelist")
        return Panel(
            title="How it came in",
            columns=_FACTS,
            rows=[
                [
                    str(obj.provider),
                    at_cell(obj.received_at),
                    self.latency(obj),
                    self.verdict(obj),
                    self.answer(obj),
                    link_cell(f"{keys}?{query}", obj.key_id),
                    obj.path,
                ]
            ],
            note=f"Delivery {obj.pk:,}, stored {display_at(obj.stored_at)}.",
        )


def _counted(status: str, count: int) -> str:
    word = panels.status_word(status)
    if count == 1:
        return word
    return f"{count:,} {word}s" if word in {"repeat", "conflict"} else f"{count:,} {word}"


def _events_panel(delivery: Delivery, verdict: DeliveryVerdict | None) -> Panel:
    if verdict is None:
        return _not_judged_panel(unjudged_delivery(delivery.pk))
    results = [result for result in verdict.results if isinstance(result, dict)]
    named = [str(result.get("event_id", "")) for result in results[:_SHOWN_RESULTS]]
    events = events_of_delivery(delivery.provider_id, named, limit=_SHOWN_RESULTS)
    more = len(results) - _SHOWN_RESULTS
    return Panel(
        title=f"Events and answers: {len(results):,}, answered HTTP {verdict.http_status}",
        columns=["Event", "Answered", "Balance", "Round", "Operation", "Bet", "Win", "Money now"],
        rows=[
            _result_row(result, events.get(str(result.get("event_id", ""))))
            for result in results[:_SHOWN_RESULTS]
        ],
        empty_text="The answer named no event: the message asked for a balance or moved nothing.",
        note=f"The first {_SHOWN_RESULTS}; {more:,} more are in the body." if more > 0 else "",
    )


def _not_judged_panel(failed: UnjudgedDelivery | None) -> Panel:
    if failed is None:
        return Panel(
            title="Events and answers",
            empty_text="Stored and not judged yet. The sweeper applies it within a minute; nothing "
            "is lost.",
            tone="warning",
        )
    times = "once" if failed.tries == 1 else f"{failed.tries:,} times"
    return Panel(
        title="Events and answers",
        empty_text=f"Stored and not judged: applying it failed {times}, first "
        f"{display_at(failed.first_failed_at)}, last {display_at(failed.last_failed_at)} "
        f"({failed.error}). It is tried again, in the end every hour; nothing is lost. Once the "
        "cause is mended, Re-process applies it at once.",
        tone="danger",
    )


def _result_row(result: dict[str, Any], event: RoundEvent | None) -> list[Any]:
    answered = panels.status_cell(str(result.get("status", "")), str(result.get("code") or ""))
    balance = str(result.get("balance") or "-")
    if event is None:
        return [str(result.get("event_id") or "-"), answered, balance, "not stored", *["-"] * 4]
    return [
        panels.event_link(event),
        answered,
        f"{balance} {event.currency}" if balance != "-" else "-",
        panels.round_link(event.round),
        f"{event.operation}, {event.get_round_type_display().lower()}",
        money_cell(event.bet_minor, event.currency),
        money_cell(event.win_minor, event.currency),
        panels.money_state_cell(event),
    ]
