from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.core.errors import DomainError, NotPlainJsonError, ReasonRequiredError
from apps.core.models import AuditEntry, OutboxMessage
from apps.core.services import verify_audit_chain
from apps.staff import approvals, services
from apps.staff.approvals import register_approval
from apps.staff.contracts import ApprovalGrant
from apps.staff.enums import ApprovalState
from apps.staff.errors import (
    AlreadyDecidedError,
    AlreadyPendingError,
    ApprovalExpiredError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    NotTheRequesterError,
    SelfApprovalError,
    UnknownApprovalError,
    UnknownApprovalKindError,
)
from apps.staff.models import Approval, User
from tests.factories import make_user
from tests.races import race

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
KIND = "test.credit"
PERMISSION = "core.requeue_outboxmessage"
ASKING = "core.view_outboxmessage"
PAYLOAD = {"case_id": 7, "amount_minor": 1250, "currency": "AUD"}


class StaleCaseError(DomainError):
    code = "stale_case"


class World:
    """What the approval is about; ``effect`` writes a row, so that it can be rolled back."""

    def __init__(self) -> None:
        self.is_stale = False
        self.fails = False
        self.editors: set[int] = set()

    def effect(self, grant: ApprovalGrant) -> dict[str, Any]:
        OutboxMessage.objects.create(
            topic="effect",
            task="credit",
            payload=grant.payload,
            created_at=grant.now,
            next_attempt_at=grant.now,
        )
        if self.fails:
            raise StaleCaseError("The ledger said no.")
        return {"transfer_id": 11}

    def recheck(self, _payload: dict[str, Any]) -> None:
        if self.is_stale:
            raise StaleCaseError("The case was closed.")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    register_approval(
        KIND,
        permission=PERMISSION,
        asking=ASKING,
        handler=world.effect,
        recheck=world.recheck,
        editors=lambda _payload: world.editors,
    )
    yield world
    del approvals._KINDS[KIND]


def effects() -> int:
    return OutboxMessage.objects.filter(topic="effect").count()


def ask(user: User, subject: str = "case:7", **overrides: Any) -> Approval:
    return services.request_approval(
        **{
            "kind": KIND,
            "subject": subject,
            "title": "Credit",
            "payload": PAYLOAD,
            "requested_by": user,
            "reason": "Settled twice.",
            "now": NOW,
            **overrides,
        }
    )


def approve(approval: Approval, user: User, reason: str = "Checked.") -> Approval:
    return services.approve(approval_id=approval.pk, user=user, reason=reason, now=LATER)


def raw(sql: str, *params: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def assert_pending_and_nothing_ran(approval: Approval) -> None:
    approval.refresh_from_db()
    assert approval.state == ApprovalState.PENDING
    assert approval.decided_by_id is None
    assert effects() == 0


@pytest.mark.django_db
def test_two_people_agree_and_it_happens_once_with_a_trail(world: World) -> None:
    asker, approver = make_user(), make_user(permissions=(PERMISSION,))
    approval = approve(ask(asker), approver)
    approval.refresh_from_db()
    assert approval.state == ApprovalState.EXECUTED
    assert (approval.decided_by_id, approval.executed_at) == (approver.pk, LATER)
    assert approval.result == {"transfer_id": 11}
    assert effects() == 1
    trail = AuditEntry.objects.order_by("pk").values_list("action", "actor_id", "reason")
    assert list(trail) == [
        ("staff.approval.requested", asker.pk, "Settled twice."),
        ("staff.approval.executed", approver.pk, "Checked."),
    ]
    assert verify_audit_chain().holds


@pytest.mark.django_db
def test_the_requester_is_refused_even_as_superuser(world: World) -> None:
    asker = User.objects.create_superuser("root", password="x")
    approval = ask(asker)
    with pytest.raises(SelfApprovalError):
        approve(approval, asker)
    with pytest.raises(SelfApprovalError):
        services.reject(approval_id=approval.pk, user=asker, reason="No.", now=LATER)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_the_database_refuses_the_requester_as_decider(world: World) -> None:
    asker = make_user(permissions=(PERMISSION,))
    approval = ask(asker)
    with pytest.raises(DatabaseError, match="staff_approval_decided_by_second_person"):
        raw(
            "UPDATE staff_approval SET state = 'executed', decided_by_id = %s, decided_at = now(), "
            "executed_at = now(), decision_reason = 'x' WHERE id = %s",
            asker.pk,
            approval.pk,
        )
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_somebody_who_edited_the_content_is_refused(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    world.editors = {approver.pk}
    approval = ask(make_user())
    with pytest.raises(SelfApprovalError):
        approve(approval, approver)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_no_permission_no_approval_and_no_rejection(world: World) -> None:
    approval, stranger = ask(make_user()), make_user()
    with pytest.raises(NotAllowedToDecideError):
        approve(approval, stranger)
    with pytest.raises(NotAllowedToDecideError):
        services.reject(approval_id=approval.pk, user=stranger, reason="No.", now=LATER)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_a_permission_removed_after_the_page_was_opened_counts(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    assert approver.has_perm(PERMISSION)  # cached on this object, as in a session
    User.objects.get(pk=approver.pk).user_permissions.clear()
    with pytest.raises(NotAllowedToDecideError):
        approve(approval, approver)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_an_approver_deactivated_meanwhile_is_refused(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    User.objects.filter(pk=approver.pk).update(is_active=False)
    with pytest.raises(NotAllowedToDecideError):
        approve(approval, approver)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_a_deactivated_person_asks_for_nothing(world: World) -> None:
    asker = make_user()
    User.objects.filter(pk=asker.pk).update(is_active=False)
    with pytest.raises(NotAllowedToDecideError):
        ask(asker)
    assert not Approval.objects.exists()


@pytest.mark.django_db
def test_a_changed_subject_voids_the_approval_for_good(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    world.is_stale = True
    with pytest.raises(ApprovalVoidError, match="The case was closed"):
        approve(approval, approver)
    world.is_stale = False
    approval.refresh_from_db()
    assert approval.state == ApprovalState.VOID
    assert effects() == 0
    with pytest.raises(AlreadyDecidedError):
        approve(approval, approver)


@pytest.mark.django_db
@pytest.mark.parametrize("lost", ["account", "permission"])
def test_what_somebody_asked_who_has_left_or_may_not_any_more_is_void(
    world: World, lost: str
) -> None:
    asker, approver = make_user(permissions=(ASKING,)), make_user(permissions=(PERMISSION,))
    approval = ask(asker)
    assert approval.asked_with == ASKING
    if lost == "account":
        User.objects.filter(pk=asker.pk).update(is_active=False)
    else:
        User.objects.get(pk=asker.pk).user_permissions.clear()
    with pytest.raises(ApprovalVoidError, match="who asked for it"):
        approve(approval, approver)
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by_id) == (ApprovalState.VOID, approver.pk)
    assert effects() == 0


@pytest.mark.django_db
def test_what_nobody_decided_in_time_expires_by_the_click_and_by_the_job(
    world: World, settings: Any
) -> None:
    settings.PITBOSS_APPROVAL_DAYS = 14
    approver = make_user(permissions=(PERMISSION,))
    clicked, swept = ask(make_user()), ask(make_user(), "case:8")
    young = ask(make_user(), "case:9", now=LATER)
    end = NOW + timedelta(days=14)
    assert services.expire_approvals(now=end - timedelta(microseconds=1)) == 0
    with pytest.raises(ApprovalExpiredError, match="within 14 days"):
        services.approve(approval_id=clicked.pk, user=approver, reason="Checked.", now=end)
    assert services.expire_approvals(now=end) == 1
    assert services.expire_approvals(now=end) == 0
    for approval in (clicked, swept, young):
        approval.refresh_from_db()
    why = "Nobody decided within 14 days."
    for approval in (clicked, swept):
        told = (approval.state, approval.decided_by, approval.decided_at, approval.decision_reason)
        assert told == ("expired", None, end, why)
    assert (young.state, effects()) == ("pending", 0)
    entries = AuditEntry.objects.filter(action="staff.approval.expired")
    assert list(entries.values_list("actor_id", "reason")) == [(None, why)] * 2
    with pytest.raises(AlreadyDecidedError):
        approve(clicked, approver)
    assert ask(make_user()).state == ApprovalState.PENDING


@pytest.mark.django_db
def test_content_changed_behind_the_guards_voids_the_approval(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    raw("SET CONSTRAINTS ALL IMMEDIATE")
    raw("ALTER TABLE staff_approval DISABLE TRIGGER USER")
    raw("UPDATE staff_approval SET payload = '{\"amount_minor\": 99999}'")
    raw("ALTER TABLE staff_approval ENABLE TRIGGER USER")
    with pytest.raises(ApprovalVoidError, match="not what was asked for"):
        approve(approval, approver)
    assert effects() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        *("payload = '{}'", "payload_hash = repeat('0', 64)", "title = 'x'", "subject = 'x'"),
        *("kind = 'x'", "request_reason = 'x'", "requested_at = now()", "asked_with = 'x'"),
    ],
)
def test_the_database_refuses_to_change_what_was_asked(world: World, change: str) -> None:
    approval = ask(make_user())
    with pytest.raises(DatabaseError, match="pgtrigger"):
        raw(f"UPDATE staff_approval SET {change}")
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_the_database_refuses_another_requester(world: World) -> None:
    approval, other = ask(make_user()), make_user()
    with pytest.raises(DatabaseError, match="pgtrigger"):
        raw("UPDATE staff_approval SET requested_by_id = %s", other.pk)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
@pytest.mark.parametrize("sql", ["DELETE FROM staff_approval", "TRUNCATE staff_approval CASCADE"])
def test_the_database_refuses_to_forget_an_approval(world: World, sql: str) -> None:
    ask(make_user())
    raw("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="pgtrigger"):
        raw(sql)
    assert Approval.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["pending", "rejected", "executed"])
def test_the_database_refuses_any_way_out_of_a_final_state(world: World, state: str) -> None:
    approve(ask(make_user()), make_user(permissions=(PERMISSION,)))
    with pytest.raises(DatabaseError, match="pgtrigger"):
        raw("UPDATE staff_approval SET state = %s", state)
    assert Approval.objects.get().state == ApprovalState.EXECUTED


@pytest.mark.django_db
def test_the_database_refuses_an_approval_born_decided(world: World) -> None:
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        Approval.objects.create(
            kind=KIND, subject="s", title="t", payload={}, payload_hash="0" * 64,
            requested_by=make_user(), requested_at=NOW, request_reason="r", state="executed",
            decided_by=make_user(), decided_at=NOW, decision_reason="r", executed_at=NOW,
        )  # fmt: skip
    assert not Approval.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'odd'", "staff_approval_state_is_known"),
        ("state = 'rejected'", "staff_approval_decided_by_a_person_or_by_time_with_reason"),
        ("state = 'expired'", "staff_approval_decided_by_a_person_or_by_time_with_reason"),
        ("executed_at = now()", "staff_approval_executed_has_its_time"),
    ],
)
def test_the_database_refuses_a_half_made_decision(
    world: World, change: str, constraint: str
) -> None:
    approval = ask(make_user())
    decided = "decided_by_id = %s, decided_at = now(), decision_reason = 'x'"
    sets = f"{change}, {decided}" if "odd" in change else change
    params = [make_user().pk] if "odd" in change else []
    with pytest.raises(DatabaseError, match=constraint):
        raw(f"UPDATE staff_approval SET {sets}", *params)
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_one_pending_request_per_subject_in_service_and_database(world: World) -> None:
    asker = make_user()
    first = ask(asker)
    with pytest.raises(AlreadyPendingError):
        ask(asker)
    with pytest.raises(DatabaseError, match="staff_approval_one_pending_per_subject"):
        raw(
            "INSERT INTO staff_approval (kind, subject, title, payload, payload_hash, "
            "requested_by_id, requested_at, request_reason, asked_with, state, decision_reason) "
            "SELECT kind, subject, title, payload, payload_hash, requested_by_id, requested_at, "
            "request_reason, asked_with, state, decision_reason FROM staff_approval"
        )
    services.cancel(approval_id=first.pk, user=asker, reason="Wrong case.", now=LATER)
    assert ask(asker).state == ApprovalState.PENDING


@pytest.mark.django_db
def test_a_failing_handler_leaves_the_approval_pending_and_nothing_done(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    world.fails = True
    with pytest.raises(StaleCaseError, match="ledger said no"):
        approve(approval, approver)
    assert_pending_and_nothing_ran(approval)
    world.fails = False
    approve(approval, approver)
    assert effects() == 1


@pytest.mark.django_db
def test_a_second_click_executes_nothing_more(world: World) -> None:
    approver = make_user(permissions=(PERMISSION,))
    approval = ask(make_user())
    approve(approval, approver)
    for decide in (services.approve, services.reject, services.cancel):
        with pytest.raises(AlreadyDecidedError):
            decide(approval_id=approval.pk, user=approver, reason="Again.", now=LATER)
    assert effects() == 1


@pytest.mark.django_db
def test_a_rejection_executes_nothing_and_says_why(world: World) -> None:
    approval = ask(make_user())
    services.reject(
        approval_id=approval.pk,
        user=make_user(permissions=(PERMISSION,)),
        reason="Not twice.",
        now=LATER,
    )
    approval.refresh_from_db()
    assert (approval.state, approval.decision_reason) == ("rejected", "Not twice.")
    assert effects() == 0


@pytest.mark.django_db
def test_only_the_requester_cancels(world: World) -> None:
    approval = ask(make_user())
    with pytest.raises(NotTheRequesterError):
        services.cancel(
            approval_id=approval.pk,
            user=make_user(permissions=(PERMISSION,)),
            reason="Mine now.",
            now=LATER,
        )
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_asking_and_deciding_need_a_reason(world: World) -> None:
    asker, approver = make_user(), make_user(permissions=(PERMISSION,))
    with pytest.raises(ReasonRequiredError):
        ask(asker, reason=" \n ")
    approval = ask(asker)
    with pytest.raises(ReasonRequiredError):
        approve(approval, approver, reason="")
    assert_pending_and_nothing_ran(approval)


@pytest.mark.django_db
def test_what_is_unknown_is_refused_by_name(world: World) -> None:
    user = make_user()
    with pytest.raises(UnknownApprovalKindError):
        ask(user, kind="test.unheard_of")
    with pytest.raises(NotPlainJsonError):
        ask(user, payload={"amount": 12.5})
    with pytest.raises(UnknownApprovalError):
        services.approve(approval_id=404, user=user, reason="Checked.", now=NOW)
    assert not Approval.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_approvers_and_a_rejecter_at_once_make_one_decision(world: World) -> None:
    approval = ask(make_user())
    people = [make_user(permissions=(PERMISSION,)) for _ in range(6)]

    def click(user: User, verb: Any) -> str:
        decided = verb(approval_id=approval.pk, user=user, reason="Checked.", now=LATER)
        return str(decided.state)

    verbs = [services.approve, services.approve, services.reject] * 2
    outcomes = race([partial(click, user, verb) for user, verb in zip(people, verbs, strict=True)])
    winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, AlreadyDecidedError) for outcome in outcomes) == 5
    assert effects() == (1 if winners == ["executed"] else 0)


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_the_same_race_runs_the_handler_more_than_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = ask(make_user())
    people = [make_user(permissions=(PERMISSION,)) for _ in range(4)]
    ran: list[int] = []

    def slow(grant: ApprovalGrant) -> dict[str, Any]:
        ran.append(grant.approved_by_id)
        connection.cursor().execute("SELECT pg_sleep(0.3)")
        return {}

    register_approval(KIND, permission=PERMISSION, asking=ASKING, handler=slow)
    monkeypatch.setattr(
        "apps.staff.services.approvals.lock_approval", lambda pk: Approval.objects.get(pk=pk)
    )
    outcomes = race([partial(approve, approval, user) for user in people])
    assert len(ran) > 1
    # The database still lets only one of them commit.
    assert sum(isinstance(outcome, Approval) for outcome in outcomes) == 1


@pytest.mark.django_db
def test_the_page_says_first_what_became_of_a_request_and_then_what_to_do(
    world: World, settings: Any
) -> None:
    settings.PITBOSS_APPROVAL_DAYS = 14
    approver = make_user(permissions=(PERMISSION, "staff.view_approval"))
    client = Client()
    client.force_login(approver)
    approval = ask(make_user())
    address = f"/admin/staff/approval/{approval.pk}/change/"
    page = client.get(address).content.decode()
    assert "What you decide on" in page
    assert "Expires undecided" in page
    assert "Decision reason" not in page
    assert services.expire_approvals(now=NOW + timedelta(days=15)) == 1
    page = client.get(address).content.decode()
    assert "What was asked" in page
    assert "Expires undecided" not in page
    said = "Nothing was executed. Ask anew where it is still wanted."
    assert page.index(said) < page.index("Decision reason") < page.index("Nobody decided within")
