"""What a proof's evidence says to people: a line per figure, with its unit and the row it is of.

Evidence is kept as it was found, for ever; only its words are chosen here. A figure that has no
words is shown by its own name, so that nothing of an old proof is hidden.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import at_cell, link_cell
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.models import ItemProof
from apps.reconciliation.enums import PullState

RUN_ANCHOR: Final = "acceptance-run"


@dataclass(frozen=True, slots=True)
class Where:
    """Whose proof it is, and which acceptance run the page shows."""

    provider_id: int
    provider_code: str
    shown_run_id: int | None

    def of_provider(self, page: str, **more: str) -> str:
        """Return a list's address, narrowed to the provider."""
        return f"{reverse(page)}?{urlencode({'provider_id': self.provider_id, **more})}"


type Cell = SafeString | str
type Line = tuple[str, Callable[[Any, Where], Cell]]


def evidence_cell(proof: ItemProof, where: Where) -> Cell:
    """Show what a look at an item found, line by line."""
    lines = list(_lines(proof, where))
    if not lines:
        return "Nothing was there to look at."
    shown = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", lines)
    return format_html('<dl class="pb-evidence">{}</dl>', shown)


def _lines(proof: ItemProof, where: Where) -> Iterator[tuple[str, Cell]]:
    words = WORDS[ChecklistItem(proof.item)]
    for name, (label, cell) in words.items():
        if name in proof.evidence:
            yield label, cell(proof.evidence[name], where)
    for name in sorted(proof.evidence.keys() - words.keys()):
        yield name, str(proof.evidence[name])


def _text(value: Any, _where: Where) -> Cell:
    return str(value) or "none"


def _moment(value: Any, _where: Where) -> Cell:
    return at_cell(datetime.fromisoformat(value))


def _counted(unit: str) -> Callable[[Any, Where], Cell]:
    return lambda value, _where: f"{value:,} {unit}"


def _run(run_id: Any, where: Where) -> Cell:
    if run_id == where.shown_run_id:
        return link_cell(f"#{RUN_ANCHOR}", f"Run {run_id}, shown above")
    return f"Run {run_id}, replaced by a newer one"


def _scenarios(counts: Any, _where: Where) -> Cell:
    worst_last = sorted(counts, key=lambda colour: (colour != "green", colour != "red", colour))
    return ", ".join(f"{counts[colour]:,} {colour}" for colour in worst_last)


def _pulled_day(day: Any, where: Where) -> Cell:
    page = where.of_provider("admin:reconciliation_pullcursor_changelist", day=day)
    return link_cell(page, f"{day} (UTC)")


def _pull_state(state: Any, _where: Where) -> Cell:
    return PullState(state).label if state in PullState.values else str(state)


def _payloads(asked: Any, where: Where) -> Cell:
    if not asked:
        return "no answer"
    return _each([_payload(one, where) for one in asked])


def _payload(one: Mapping[str, Any], where: Where) -> Cell:
    page = where.of_provider("admin:rounds_roundevent_changelist", q=one["event_id"])
    return format_html(
        '{}, played {}: {} bytes, SHA-256 <span title="{}">{}…</span>',
        link_cell(page, one["event_id"]),
        at_cell(datetime.fromisoformat(one["occurred_at"])),
        f"{one['bytes']:,}",
        one["sha256"],
        one["sha256"][:12],
    )


def _offers(count: Any, where: Where) -> Cell:
    page = reverse("admin:compliance_coveragematrix_changelist")
    query = urlencode({"provider": where.provider_code})
    return link_cell(f"{page}?{query}", f"{count:,} offers")


def _uncovered(count: Any, where: Where) -> Cell:
    if not count:
        return "none"
    page = reverse("admin:compliance_coveragematrix_gaps")
    query = urlencode({"provider": where.provider_code})
    return link_cell(f"{page}?{query}", f"{count:,} offers")


def _milliseconds(took: Any, _where: Where) -> Cell:
    values = took if isinstance(took, list) else [took]
    return ", ".join(f"{one:,} ms" for one in values) or "none"


def _needed(months: Any, where: Where) -> Cell:
    page = reverse("admin:providers_provider_change", args=[where.provider_id])
    return link_cell(page, f"{months:,} months")


def _keys(kids: Any, where: Where) -> Cell:
    page = "admin:providers_providerkey_changelist"
    return _each([link_cell(where.of_provider(page, q=kid), kid) for kid in kids])


def _used(kids: Any, where: Where) -> Cell:
    page = "admin:rounds_delivery_changelist"
    return _each([link_cell(where.of_provider(page, key_id=kid, who="all"), kid) for kid in kids])


def _names(names: Any, _where: Where) -> Cell:
    return _each(names)


def _each(cells: Sequence[Cell]) -> Cell:
    return format_html_join(SafeString("<br>"), "{}", ((cell,) for cell in cells)) or "none"


WORDS: Final[Mapping[ChecklistItem, Mapping[str, Line]]] = {
    ChecklistItem.ACCEPTANCE: {
        "run_id": ("Run of the kit", _run),
        "played_at": ("Played", _moment),
        "dialect": ("Protocol played", _text),
        "counts": ("Scenarios", _scenarios),
    },
    ChecklistItem.EXPORT_PULL: {
        "day": ("Day pulled", _pulled_day),
        "state": ("Pull", _pull_state),
        "rows": ("Taken", _counted("rows")),
        "at": ("Last page taken", _moment),
        "last_error": ("Last error", _text),
    },
    ChecklistItem.PAYLOAD_BY_ID: {"asked": ("Answered", _payloads)},
    ChecklistItem.CERTIFICATES: {
        "offers": ("On offer", _offers),
        "uncovered": ("Not covered", _uncovered),
        "first": ("The first of them", _names),
    },
    ChecklistItem.PROBES: {
        "took_ms": ("Round trips", _milliseconds),
        "most_ms": ("Median at most", _milliseconds),
        "code": ("Refused with", _text),
    },
    ChecklistItem.RETENTION: {
        "promise_id": ("Promise", lambda number, _where: f"No. {number}"),
        "months": ("Promised", _counted("months")),
        "reference": ("Where it is written", _text),
        "needed": ("Needed", _needed),
    },
    ChecklistItem.KEY_ROTATION: {
        "ended": ("Keys ended", _keys),
        "in_force": ("Keys in force", _keys),
        "used": ("Signed deliveries with", _used),
    },
}
