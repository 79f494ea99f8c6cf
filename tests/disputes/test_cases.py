"""A dispute goes from complaint to decision by its own rules, and money needs two people."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.core.services import verify_audit_chain
from apps.disputes import services
from apps.disputes.contracts import Complaint
from apps.disputes.errors import (
    CaseContentError,
    CaseOpenAlreadyError,
    CaseStateError,
    CreditPendingError,
    CreditRefusedError,
    EventNowhereError,
    EventOfAnotherPlayerError,
    NotAllowedError,
)
from apps.disputes.evidence import evidence_of
from apps.disputes.models import Case, CaseCredit, CaseNote
from apps.disputes.panels import panels_of
from apps.players.contracts import PlayerUpdate
from apps.players.errors import UnknownPlayerError
from apps.players.models import Player
from apps.players.services import save_player
from apps.providers.errors import UnknownProviderError
from apps.providers.models import Provider
from apps.rounds.models import RoundEvent
from apps.rounds.proving import proof_of_event
from apps.staff.errors import (
    AlreadyDecidedError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    SelfApprovalError,
)
from apps.staff.models import Approval, User
from apps.staff.services import approve
from apps.staff.services import reject as reject_approval
from apps.wallet.models import Transfer
from apps.wallet.selectors import balances, transfers_for_subject
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.races import race
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

_AGENT = ("disputes.open_case", "disputes.work_case")
_SUPERVISOR = (*_AGENT, "disputes.close_case", "disputes.approve_credit")
_DISPUTED = "The game showed me a win of 35.00."


@pytest.fixture
def player(now: datetime) -> Player:
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-1001")
    fund(player, 10_000, now)
    play(provider, [round_event(player, "a-1", now)], now)
    return player


def _complaint(**changes: Any) -> Complaint:
    facts: dict[str, Any] = {
        "player_ref": "p-1001",
        "case_type": "settlement",
        "claim": _DISPUTED,
        "provider_code": "aurora",
        "event_id": "a-1",
    }
    return Complaint(**{**facts, **changes})


def _case_in_review(agent: User, now: datetime) -> Case:
    case = services.open_case(_complaint(), acting_user=agent, now=now)
    return services.assign(case_id=case.pk, assignee=agent, acting_user=agent, now=now)


def _ask(case: Case, user: User, now: datetime, **changes: Any) -> Approval:
    facts: dict[str, Any] = {
        "case_id": case.pk,
        "amount_minor": 3_150,
        "currency": "EUR",
        "acting_user": user,
        "reason": "The provider's log shows the higher win.",
        "now": now,
    }
    return services.request_credit(**{**facts, **changes})


def test_a_credit_by_two_people_becomes_one_linked_correction(
    player: Player, now: datetime
) -> None:
    agent, supervisor = make_user(permissions=_AGENT), make_user(permissions=_SUPERVISOR)
    case = _case_in_review(agent, now)
    before = balances(player.pk)["cash"]
    approval = _ask(case, agent, now)
    assert balances(player.pk)["cash"] == before
    approve(approval_id=approval.pk, user=supervisor, reason="Log and payload seen.", now=now)
    assert balances(player.pk)["cash"] == before + 3_150
    credit = CaseCredit.objects.get()
    assert (credit.requested_by, credit.approved_by) == (agent, supervisor)
    lines = transfers_for_subject("aurora:a-1")
    assert 3_150 in [line.amount_minor for line in lines]
    correction = RoundEvent.objects.get(event_id=credit.correction_event_id)
    assert (correction.origin, correction.reference_event_id) == ("correction", "a-1")
    case.refresh_from_db()
    assert (case.state, case.closed_by) == ("resolved", supervisor)
    assert AuditEntry.objects.filter(action="disputes.case.credited").count() == 1
    assert verify_audit_chain().holds


def test_a_second_approval_of_the_same_credit_pays_nothing(player: Player, now: datetime) -> None:
    agent, supervisor = make_user(permissions=_AGENT), make_user(permissions=_SUPERVISOR)
    approval = _ask(_case_in_review(agent, now), agent, now)
    approve(approval_id=approval.pk, user=supervisor, reason="Seen.", now=now)
    paid = balances(player.pk)
    with pytest.raises(AlreadyDecidedError):
        approve(approval_id=approval.pk, user=supervisor, reason="Again.", now=now)
    assert balances(player.pk) == paid


def test_the_requester_never_approves_even_as_a_supervisor(player: Player, now: datetime) -> None:
    supervisor = make_user(permissions=_SUPERVISOR)
    approval = _ask(_case_in_review(supervisor, now), supervisor, now)
    before = balances(player.pk)
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval.pk, user=supervisor, reason="I agree with me.", now=now)
    assert balances(player.pk) == before
    assert not CaseCredit.objects.exists()
    with (
        pytest.raises(IntegrityError, match="staff_approval_decided_by_second_person"),
        transaction.atomic(),
    ):
        Approval.objects.filter(pk=approval.pk).update(
            state="executed",
            decided_by=supervisor,
            decided_at=now,
            executed_at=now,
            decision_reason="By hand.",
        )


def test_the_database_refuses_a_credit_that_one_person_made(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    case = _case_in_review(agent, now)
    approval = _ask(case, agent, now)
    facts: dict[str, Any] = {
        "case": case,
        "approval": approval,
        "currency": "EUR",
        "correction_event_id": "by-hand",
        "requested_by": agent,
        "created_at": now,
    }
    with (
        pytest.raises(IntegrityError, match="disputes_credit_approved_by_a_second_person"),
        transaction.atomic(),
    ):
        CaseCredit.objects.create(**facts, amount_minor=100, approved_by=agent)
    with (
        pytest.raises(IntegrityError, match="disputes_credit_amount_positive"),
        transaction.atomic(),
    ):
        CaseCredit.objects.create(**facts, amount_minor=0, approved_by=make_user())


def test_an_agent_may_not_approve(player: Player, now: datetime) -> None:
    agent, colleague = make_user(permissions=_AGENT), make_user(permissions=_AGENT)
    approval = _ask(_case_in_review(agent, now), agent, now)
    with pytest.raises(NotAllowedToDecideError):
        approve(approval_id=approval.pk, user=colleague, reason="Looks right.", now=now)
    assert not CaseCredit.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"amount_minor": 0}, {"amount_minor": -5}, {"amount_minor": 10**13}, {"currency": "USD"}],
    ids=str,
)
def test_a_credit_that_makes_no_sense_is_refused(
    player: Player, now: datetime, changes: dict[str, Any]
) -> None:
    agent = make_user(permissions=_AGENT)
    case = _case_in_review(agent, now)
    with pytest.raises(CreditRefusedError):
        _ask(case, agent, now, **changes)
    assert not Approval.objects.exists()
    case.refresh_from_db()
    assert case.state == "in_review"


def test_what_is_noted_as_a_case_changes_hands_stands_with_the_step(
    player: Player, now: datetime
) -> None:
    agent, other = make_user(permissions=_AGENT), make_user("ola", permissions=_AGENT)
    case = _case_in_review(agent, now)
    services.assign(
        case_id=case.pk, assignee=other, acting_user=agent, note=" Speaks Finnish. ", now=now
    )
    steps = case.notes.filter(kind="assigned").order_by("pk").values_list("body", flat=True)
    assert list(steps) == [f"Assigned to {agent}.", "Assigned to ola. Speaks Finnish."]
    entry = AuditEntry.objects.filter(action="disputes.case.assigned").order_by("pk").last()
    assert entry is not None
    assert (entry.reason, entry.details["assigned_to"]) == ("Speaks Finnish.", other.pk)


def test_a_credit_needs_a_reason_a_worker_and_an_event(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    opened = services.open_case(_complaint(), acting_user=agent, now=now)
    with pytest.raises(CaseStateError):
        _ask(opened, agent, now)
    services.assign(case_id=opened.pk, assignee=agent, acting_user=agent, now=now)
    with pytest.raises(ReasonRequiredError):
        _ask(opened, agent, now, reason="  ")
    with pytest.raises(NotAllowedError):
        _ask(opened, make_user(), now)
    about_nothing = services.open_case(
        _complaint(provider_code="", event_id=""), acting_user=agent, now=now
    )
    services.assign(case_id=about_nothing.pk, assignee=agent, acting_user=agent, now=now)
    with pytest.raises(CreditRefusedError):
        _ask(about_nothing, agent, now)
    assert not Approval.objects.exists()


def test_a_parked_event_is_processed_and_not_credited(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    provider = Provider.objects.get()
    play(provider, [round_event(player, "a-2", now, occurred_at=now - timedelta(days=9))], now)
    case = services.open_case(_complaint(event_id="a-2"), acting_user=agent, now=now)
    services.assign(case_id=case.pk, assignee=agent, acting_user=agent, now=now)
    with pytest.raises(CreditRefusedError, match="Re-process its delivery first"):
        _ask(case, agent, now)
    assert not Approval.objects.exists()


def test_a_refused_credit_lets_the_case_go_on(player: Player, now: datetime) -> None:
    agent, supervisor = make_user(permissions=_AGENT), make_user(permissions=_SUPERVISOR)
    case = _case_in_review(agent, now)
    approval = _ask(case, agent, now)
    for step in (services.resolve, services.reject):
        with pytest.raises(CreditPendingError):
            step(case_id=case.pk, acting_user=supervisor, reason="Meanwhile.", now=now)
    with pytest.raises(CreditPendingError):
        _ask(case, agent, now)
    reject_approval(approval_id=approval.pk, user=supervisor, reason="The log is clear.", now=now)
    _ask(case, agent, now, amount_minor=100)
    assert Approval.objects.count() == 2


def test_a_case_changed_behind_the_approval_voids_it(player: Player, now: datetime) -> None:
    agent, supervisor = make_user(permissions=_AGENT), make_user(permissions=_SUPERVISOR)
    case = _case_in_review(agent, now)
    approval = _ask(case, agent, now)
    Case.objects.filter(pk=case.pk).update(state="in_review")
    before = Transfer.objects.count()
    with pytest.raises(ApprovalVoidError):
        approve(approval_id=approval.pk, user=supervisor, reason="Seen.", now=now)
    assert Transfer.objects.count() == before


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"claim": "  "}, CaseContentError),
        ({"claim": "x" * 10_001}, CaseContentError),
        ({"claim": "a\x00b"}, CaseContentError),
        ({"case_type": "weather"}, CaseContentError),
        ({"event_id": ""}, CaseContentError),
        ({"provider_code": ""}, CaseContentError),
        ({"player_ref": "p-x"}, UnknownPlayerError),
        ({"provider_code": "nobody"}, UnknownProviderError),
        ({"event_id": "a-999"}, EventNowhereError),
    ],
    ids=str,
)
def test_a_complaint_that_can_not_be_right_opens_nothing(
    player: Player, now: datetime, changes: dict[str, Any], error: type[Exception]
) -> None:
    agent = make_user(permissions=_AGENT)
    with pytest.raises(error):
        services.open_case(_complaint(**changes), acting_user=agent, now=now)
    assert not Case.objects.exists()
    assert not CaseNote.objects.exists()


def test_somebody_elses_event_can_not_be_disputed(player: Player, now: datetime) -> None:
    make_player("p-2002")
    agent = make_user(permissions=_AGENT)
    with pytest.raises(EventOfAnotherPlayerError):
        services.open_case(_complaint(player_ref="p-2002"), acting_user=agent, now=now)
    assert not Case.objects.exists()


def test_one_open_case_per_event_and_another_after_it_closed(player: Player, now: datetime) -> None:
    agent, supervisor = make_user(permissions=_AGENT), make_user(permissions=_SUPERVISOR)
    case = _case_in_review(agent, now)
    with pytest.raises(CaseOpenAlreadyError, match=case.number):
        services.open_case(_complaint(), acting_user=agent, now=now)
    services.reject(case_id=case.pk, acting_user=supervisor, reason="The log is clear.", now=now)
    again = services.open_case(_complaint(), acting_user=agent, now=now)
    assert again.number != case.number


def test_clocks_run_from_receipt_and_name_their_source(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    received_at = now - timedelta(hours=3)
    case = services.open_case(_complaint(received_at=received_at), acting_user=agent, now=now)
    assert case.acknowledge_by == received_at + timedelta(hours=24)
    assert case.decide_by == received_at + timedelta(days=56)
    assert "GB-CMP-2" in case.clock_source
    with pytest.raises(CaseContentError):
        services.open_case(
            _complaint(received_at=now + timedelta(seconds=1)), acting_user=agent, now=now
        )


def test_a_closed_case_takes_notes_and_nothing_else(player: Player, now: datetime) -> None:
    supervisor = make_user(permissions=_SUPERVISOR)
    case = _case_in_review(supervisor, now)
    services.resolve(case_id=case.pk, acting_user=supervisor, reason="Explained.", now=now)
    services.add_note(case_id=case.pk, body="A letter came.", acting_user=supervisor, now=now)
    for step in (services.resolve, services.reject):
        with pytest.raises(CaseStateError):
            step(case_id=case.pk, acting_user=supervisor, reason="Again.", now=now)
    with pytest.raises(CaseStateError):
        services.assign(case_id=case.pk, assignee=supervisor, acting_user=supervisor, now=now)
    with pytest.raises(CaseStateError):
        _ask(case, supervisor, now)
    with pytest.raises(ProgrammingError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(state="open", closed_at=None)


def test_the_claim_and_the_trail_never_change(player: Player, now: datetime) -> None:
    case = _case_in_review(make_user(permissions=_AGENT), now)
    with pytest.raises(ProgrammingError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(claim="Nothing happened.")
    with pytest.raises(ProgrammingError), transaction.atomic():
        CaseNote.objects.filter(case=case).update(body="Nothing happened.")
    with pytest.raises(ProgrammingError), transaction.atomic():
        CaseNote.objects.filter(case=case).delete()


def test_an_agent_may_not_decide_and_a_stranger_may_not_open(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    case = _case_in_review(agent, now)
    with pytest.raises(NotAllowedError):
        services.reject(case_id=case.pk, acting_user=agent, reason="No.", now=now)
    with pytest.raises(NotAllowedError):
        services.open_case(
            _complaint(event_id="", provider_code=""), acting_user=make_user(), now=now
        )
    with pytest.raises(NotAllowedError):
        services.assign(case_id=case.pk, assignee=make_user(), acting_user=agent, now=now)
    case.refresh_from_db()
    assert case.state == "in_review"


def test_evidence_shows_round_deliveries_and_the_certificate_then(
    player: Player, now: datetime
) -> None:
    case = _case_in_review(make_user(permissions=_AGENT), now)
    evidence = evidence_of(case)
    assert evidence is not None
    assert [event.event_id for event in evidence.round_events] == ["a-1"]
    assert [attempt.status for attempt in evidence.attempts] == ["accepted"]
    assert evidence.attempts[0].body == b'{"event_id": "a-1"}'
    assert evidence.proof is not None
    assert evidence.proof.cover.allowed
    assert (evidence.statement, evidence.breaks) == ([], [])


def test_a_move_since_leaves_the_cover_of_the_event_where_it_was_played(
    player: Player, now: datetime
) -> None:
    case = _case_in_review(make_user(permissions=_AGENT), now)
    played_in = player.jurisdiction
    update = PlayerUpdate(player.player_ref, player.currency, "SE", "verified")
    save_player(update, reason="Moved.", now=now + timedelta(hours=1))
    case.refresh_from_db()
    evidence = evidence_of(case)
    assert evidence is not None
    assert evidence.event is not None
    assert evidence.proof == proof_of_event(evidence.event)
    panels = {panel.title: panel for panel in panels_of(case, evidence)}
    panel = panels[f"Certificate cover in {played_in} when it was played"]
    assert panel.columns == ["Report", "Lab", "Valid through", "Measured on the server"]
    assert "Certificate cover in SE when it was played" not in panels


@pytest.mark.django_db(transaction=True)
def test_two_supervisors_at_once_pay_one_credit(player: Player, now: datetime) -> None:
    agent = make_user(permissions=_AGENT)
    first, second = make_user(permissions=_SUPERVISOR), make_user(permissions=_SUPERVISOR)
    approval = _ask(_case_in_review(agent, now), agent, now)
    before = balances(player.pk)["cash"]

    def decide(user: User) -> Approval:
        return approve(approval_id=approval.pk, user=user, reason="Seen.", now=now)

    outcomes = race([lambda: decide(first), lambda: decide(second)])
    assert sum(isinstance(outcome, AlreadyDecidedError) for outcome in outcomes) == 1
    assert balances(player.pk)["cash"] == before + 3_150
    assert CaseCredit.objects.count() == 1
