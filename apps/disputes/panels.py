"""A case's evidence as panels, in the order in which somebody who decides reads it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html

from apps.bonuses.wording import explain
from apps.core.admin import Panel, at_cell, badge, link_cell, money_cell
from apps.core.money import display_money
from apps.disputes import selectors
from apps.disputes.evidence import Evidence
from apps.disputes.models import Case
from apps.rounds import panels as rounds
from apps.staff.selectors import approvals_of_subject

if TYPE_CHECKING:
    from apps.rounds.models import RoundEvent
    from apps.rounds.proving import RoundProof

_APPROVAL_TONES = {
    "pending": "warning",
    "executed": "success",
    "rejected": "danger",
    "cancelled": "neutral",
    "void": "danger",
    "expired": "neutral",
}

# What both sides state, in the words of the statement.
_COMPARED = (
    ("player", "Player"),
    ("occurred_at", "Played"),
    ("currency", "Currency"),
    ("game_code", "Game"),
    ("round_type", "Type"),
    ("bet_minor", "Bet"),
    ("win_minor", "Win"),
    ("balance_before_minor", "Balance before"),
    ("balance_after_minor", "Balance after"),
    ("status", "Status"),
)


def evidence_panels(evidence: Evidence) -> list[Panel]:
    return [
        rounds.round_panel(
            evidence.round_events, marked_id=evidence.event.pk if evidence.event else None
        ),
        _ledger_panel(evidence),
        sides_panel(evidence),
        _breaks_panel(evidence),
        _wagering_panel(evidence),
        rounds.attempts_panel(evidence.attempts),
        rounds.conflicts_panel(evidence.conflicts),
        _cover_panel(evidence.proof),
        rounds.payload_panel(evidence.attempts, evidence.event_id),
    ]


def _ledger_panel(evidence: Evidence) -> Panel:
    note = ", ".join(
        f"{event.event_id} ({display_money(event.win_minor, event.currency)})"
        for event in evidence.corrections
    )
    panel = rounds.ledger_panel(evidence.subject)
    return Panel(
        title=panel.title,
        columns=panel.columns,
        rows=panel.rows,
        empty_text=panel.empty_text,
        note=f"Corrected by {note}." if note else "",
    )


def sides_panel(evidence: Evidence) -> Panel:
    """Set our event against the provider's statement, field by field."""
    if evidence.statement_problem:
        return Panel(
            title="Our event and the provider's statement",
            empty_text=evidence.statement_problem,
            tone="danger",
        )
    if not evidence.statement:
        return Panel(
            title="Our event and the provider's statement",
            empty_text="No statement in use names this event: none was imported for the day yet, "
            "or the provider left it out.",
            tone="warning",
        )
    row = evidence.statement[0]
    ours = _our_values(evidence.event)
    rows = [
        [
            label,
            _shown(ours.get(name), name, ours.get("currency")),
            _shown(row.values.get(name), name, row.values.get("currency")),
            badge("differs", "danger") if _differs(ours, row.values, name) else "",
        ]
        for name, label in _COMPARED
    ]
    again = f" It is there {len(evidence.statement)} times." if len(evidence.statement) > 1 else ""
    return Panel(
        title="Our event and the provider's statement",
        note=f"{row.file_name}, line {row.line}, day {row.day}.{again}",
        columns=["", "Ours", "Provider's statement", ""],
        rows=rows,
    )


def _our_values(event: "RoundEvent | None") -> dict[str, object]:
    if event is None:
        return {}
    return {
        "player": event.player_ref,
        "occurred_at": event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "currency": event.currency,
        "game_code": event.game_code,
        "round_type": event.round_type,
        "bet_minor": event.bet_minor,
        "win_minor": event.win_minor,
        "balance_before_minor": event.balance_before_minor,
        "balance_after_minor": event.balance_after_minor,
        "status": {"rolled_back": "rolled_back", "held": "open"}.get(event.money_state, "settled"),
    }


def _differs(ours: dict[str, object], theirs: dict[str, object], name: str) -> bool:
    value = theirs.get(name)
    return bool(ours) and value is not None and str(value) != str(ours.get(name))


def _shown(value: object, name: str, currency: object) -> str:
    if value is None:
        return "-"
    if name.endswith("_minor") and isinstance(value, int) and currency:
        return display_money(value, str(currency))
    return str(value)


def _breaks_panel(evidence: Evidence) -> Panel:
    return Panel(
        title="Reconciliation breaks",
        columns=["Day", "Class", "State", "Bet differs by", "Win differs by", "Opened"],
        rows=[
            [
                link_cell(
                    reverse("admin:reconciliation_break_change", args=[line.break_id]), line.day
                ),
                line.break_class,
                badge(line.state, "warning" if line.closed_at is None else "neutral"),
                money_cell(line.delta_bet_minor, line.currency),
                money_cell(line.delta_win_minor, line.currency),
                at_cell(line.opened_at),
            ]
            for line in evidence.breaks
        ],
        empty_text="Reconciliation found nothing about this event, or has not run for its day.",
        tone="danger" if evidence.breaks else "",
    )


def _wagering_panel(evidence: Evidence) -> Panel:
    return Panel(
        title="Wagering receipts",
        columns=["Grant", "Rule version", "Remaining before", "Remaining after", "Why"],
        rows=[
            [
                str(receipt.grant_id),
                str(receipt.rule_version),
                money_cell(receipt.remaining_before_minor, receipt.currency),
                money_cell(receipt.remaining_after_minor, receipt.currency),
                explain(receipt),
            ]
            for receipt in evidence.receipts
        ],
        empty_text="The bet counted towards no bonus: the player had none to wager.",
    )


def _cover_panel(proof: "RoundProof | None") -> Panel:
    if proof is None:
        return Panel(
            title="Certificate cover when it was played",
            empty_text="We know no game for this event, so no cover either.",
        )
    title, cover = f"Certificate cover in {proof.jurisdiction} when it was played", proof.cover
    if cover.certificate is None:
        return Panel(
            title=title,
            columns=["Reason against"],
            rows=[[reason.text] for reason in cover.reasons],
            tone="danger",
            note="The game was not covered by a certificate in force.",
        )
    certificate = cover.certificate
    return Panel(
        title=title,
        columns=["Report", "Lab", "Valid through", "Measured on the server"],
        rows=[
            [
                link_cell(
                    reverse("admin:providers_certificate_change", args=[certificate.id]),
                    f"{certificate.report_number} rev {certificate.revision}",
                ),
                certificate.lab,
                str(certificate.expires_on or "no end stated"),
                rounds.measured_cell(proof.measured),
            ]
        ],
        tone="danger" if proof.measured.verdict == "mismatch" else "",
    )


def approvals_panel(case: Case) -> Panel:
    """Show who asked for money and who decided."""
    approvals = approvals_of_subject(selectors.CREDIT, selectors.approval_subject(case))
    pending = any(approval.state == "pending" for approval in approvals)
    return Panel(
        title="Credit and approvals",
        columns=["Request", "State", "Asked by", "Why", "Decided by", "Decision"],
        rows=[
            [
                link_cell(
                    reverse("admin:staff_approval_change", args=[approval.pk]), approval.title
                ),
                badge(approval.get_state_display(), _APPROVAL_TONES[approval.state]),
                format_html("{}<br>{}", approval.requested_by, at_cell(approval.requested_at)),
                approval.request_reason,
                str(approval.decided_by or "-"),
                approval.decision_reason or "-",
            ]
            for approval in approvals
        ],
        empty_text="No credit was asked for. It needs a second person to agree.",
        tone="warning" if pending else "",
    )


def handling_panel(case: Case) -> Panel:
    """Show who has the case, by when it is due and how it ended."""
    acknowledged = (
        format_html("not yet; due by {}", at_cell(case.acknowledge_by))
        if case.acknowledged_at is None
        else at_cell(case.acknowledged_at)
    )
    rows: list[list[str]] = [
        ["With", str(case.assigned_to or "nobody yet"), "Opened by", str(case.opened_by)],
        ["Received", at_cell(case.received_at), "Acknowledged", acknowledged],
        ["Decision due", at_cell(case.decide_by), "Deadlines set by", case.clock_source],
    ]
    if case.closed_at is not None:
        closed = format_html("{}, {}", case.closed_by, at_cell(case.closed_at))
        rows.append(["Closed by", closed, "Decision", case.outcome])
    return Panel(title="Handling", rows=rows)


def trail_panel(case: Case) -> Panel:
    return Panel(
        title="What was done",
        note="Only ever added to.",
        columns=["When", "Who", "Step", "Words"],
        rows=[
            [at_cell(note.created_at), str(note.author), note.get_kind_display(), note.body]
            for note in selectors.trail_of(case)
        ],
    )


def panels_of(case: Case, evidence: Evidence | None) -> Sequence[Panel]:
    about_event = (
        [Panel(title="Evidence", empty_text="The complaint is about no round event.")]
        if evidence is None
        else evidence_panels(evidence)
    )
    return [handling_panel(case), approvals_panel(case), *about_event, trail_panel(case)]
