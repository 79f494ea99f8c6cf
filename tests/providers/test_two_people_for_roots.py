"""Whose signatures count: one officer asks, another agrees, and until then nothing changes."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client

from apps.core.models import AuditEntry
from apps.providers.enums import RootState
from apps.providers.errors import CertificateStateError, UnknownCertificateError
from apps.providers.models import Document, Lab, TrustedRoot
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.certificates import labs_to_judge_again, roots_in_force
from apps.providers.services import trust
from apps.providers.services.import_register import ImportRequest, TrustChoice, import_folder
from apps.providers.services.root_proposals import propose_decision
from apps.providers.services.trust import Decision, decide_root
from apps.providers.tasks import recheck_signatures
from apps.staff.enums import Role
from apps.staff.errors import (
    AlreadyPendingError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    SelfApprovalError,
)
from apps.staff.models import Approval, User
from apps.staff.services import approve, reject, sync_roles
from tests.factories import make_user
from tests.older_schema import schema_at
from tests.providers.certificate_files import SAMPLES
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]

WHY = "Read out on the telephone."


@pytest.fixture
def root(now: datetime, vetter: PdfVetter) -> TrustedRoot:
    """Return the sample laboratory's root, proposed by the import of its nine reports."""
    sync_roles(now=now)
    request = ImportRequest(folder=SAMPLES, trust=(), acting_user=None, now=now)
    import_folder(request, lambda *_: None, vetter=vetter)
    return TrustedRoot.objects.get()


@pytest.fixture
def officer(root: TrustedRoot) -> User:
    return make_user("olivia", roles=(Role.COMPLIANCE_OFFICER,))


@pytest.fixture
def deputy(root: TrustedRoot) -> User:
    return make_user("dora", roles=(Role.COMPLIANCE_OFFICER,))


def ask(
    root: TrustedRoot, officer: User, now: datetime, wanted: RootState = RootState.TRUSTED
) -> int:
    return propose_decision(
        root_id=root.pk, wanted=wanted, acting_user=officer, reason=WHY, now=now
    )


def agree(approval_id: int, user: User, now: datetime) -> None:
    approve(approval_id=approval_id, user=user, reason="Compared.", now=now)


def test_while_a_request_waits_both_people_see_it_and_nobody_is_offered_another(
    root: TrustedRoot, officer: User, deputy: User, now: datetime, client: Client
) -> None:
    page = f"/admin/providers/trustedroot/{root.pk}/change/"
    client.force_login(officer)
    assert "Ask to trust this root" in client.get(page).content.decode()
    approval_id = ask(root, officer, now)
    for person in (officer, deputy):
        client.force_login(person)
        text = client.get(page).content.decode()
        assert "Awaits a second person" in text
        assert f'href="/admin/staff/approval/{approval_id}/change/">Open the request' in text
        assert "Ask to " not in text
    reject(approval_id=approval_id, user=deputy, reason="Another fingerprint.", now=now)
    text = client.get(page).content.decode()
    assert "Ask to trust this root" in text
    assert "Awaits a second person" not in text


def valid_documents() -> int:
    return Document.objects.filter(signature_state="valid").count()


def test_a_root_counts_once_a_second_officer_agreed_and_its_documents_are_judged_again(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    approval_id = ask(root, officer, now)
    recheck_signatures()
    root.refresh_from_db()
    assert (root.state, valid_documents()) == ("proposed", 0)
    agree(approval_id, deputy, now)
    recheck_signatures()
    root.refresh_from_db()
    assert (root.state, root.requested_by, root.decided_by, root.approval_id, root.decided_at) == (
        "trusted",
        officer,
        deputy,
        approval_id,
        now,
    )
    assert valid_documents() == 5
    entry = AuditEntry.objects.get(action="providers.root.trusted")
    assert entry.details["approval_id"] == approval_id
    assert "through" not in entry.details
    assert labs_to_judge_again() == []


def test_what_was_judged_before_a_decision_is_judged_again_once(
    root: TrustedRoot, now: datetime
) -> None:
    assert labs_to_judge_again() == []
    # By a clock that is behind the one that judged them.
    earlier = now - timedelta(hours=1)
    decide_root(root_id=root.pk, decision=Decision(RootState.TRUSTED, "By letter.", earlier))
    assert labs_to_judge_again() == [root.lab_id]
    with PdfVetter() as vetter:
        assert len(trust.recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)) == 5
        assert labs_to_judge_again() == []
        assert trust.recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now) == []


def test_a_document_judged_while_a_decision_commits_is_judged_again(
    root: TrustedRoot, now: datetime
) -> None:
    decide_root(root_id=root.pk, decision=Decision(RootState.TRUSTED, "By letter.", now))
    with PdfVetter() as vetter:
        trust.recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)
        # The judges' number is read before the roots, so they may only see too little.
        seen = roots_in_force(root.lab)
        decide_root(root_id=root.pk, decision=Decision(RootState.WITHDRAWN, "Leaked.", now))
        Document.objects.filter(signature_state="valid").update(
            judged_after_decisions=seen.decisions, signature_checked_at=now + timedelta(hours=1)
        )
        assert len(trust.recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)) == 5
    assert (valid_documents(), labs_to_judge_again()) == (0, [])


def test_one_worker_at_a_time_judges_a_laboratory_and_a_dead_one_holds_it_two_minutes(
    root: TrustedRoot, now: datetime
) -> None:
    assert trust.lease_lab(now=now) is None
    decide_root(root_id=root.pk, decision=Decision(RootState.TRUSTED, "By letter.", now))
    assert trust.lease_lab(now=now) == root.lab_id
    assert trust.lease_lab(now=now + timedelta(seconds=120)) is None
    later = now + timedelta(seconds=121)
    assert trust.lease_lab(now=later) == root.lab_id
    with PdfVetter() as vetter:
        assert len(trust.recheck_leased(lab_id=root.lab_id, vetter=vetter, now=later)) == 5
    root.lab.refresh_from_db()
    assert (root.lab.judging_until, trust.lease_lab(now=later)) == (None, None)


def test_a_slice_that_is_over_leaves_the_rest_to_the_next(root: TrustedRoot, now: datetime) -> None:
    decide_root(root_id=root.pk, decision=Decision(RootState.TRUSTED, "By letter.", now))
    with PdfVetter() as vetter:
        over = time.monotonic() - 1
        assert (
            trust.recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now, deadline=over)
            == []
        )
        assert (valid_documents(), labs_to_judge_again()) == (0, [root.lab_id])


def test_it_ceases_to_count_the_same_way(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    agree(ask(root, officer, now), deputy, now)
    approval_id = ask(root, deputy, now, RootState.WITHDRAWN)
    recheck_signatures()
    assert (TrustedRoot.objects.get().state, valid_documents()) == ("trusted", 5)
    agree(approval_id, officer, now)
    recheck_signatures()
    assert (TrustedRoot.objects.get().state, valid_documents()) == ("withdrawn", 0)


def test_nobody_decides_on_what_they_asked_for_and_no_other_role_decides(
    root: TrustedRoot, officer: User, now: datetime
) -> None:
    approval_id = ask(root, officer, now)
    with pytest.raises(SelfApprovalError):
        agree(approval_id, officer, now)
    for role in Role.values:
        if role != Role.COMPLIANCE_OFFICER:
            with pytest.raises(NotAllowedToDecideError):
                agree(approval_id, make_user(roles=(role,)), now)
    assert TrustedRoot.objects.get().state == "proposed"


def test_what_leads_nowhere_is_refused_and_asks_nobody(
    root: TrustedRoot, officer: User, now: datetime
) -> None:
    with pytest.raises(CertificateStateError):
        ask(root, officer, now, RootState.PROPOSED)
    with pytest.raises(UnknownCertificateError):
        propose_decision(
            root_id=root.pk + 1,
            wanted=RootState.TRUSTED,
            acting_user=officer,
            reason=WHY,
            now=now,
        )
    assert Approval.objects.count() == 0
    ask(root, officer, now)
    for wanted in (RootState.TRUSTED, RootState.WITHDRAWN):
        with pytest.raises(AlreadyPendingError):
            ask(root, officer, now, wanted)
    assert Approval.objects.count() == 1


def test_a_rejected_root_stays_proposed(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    reject(approval_id=ask(root, officer, now), user=deputy, reason="Another one.", now=now)
    assert TrustedRoot.objects.get().state == "proposed"


def test_what_was_decided_at_the_server_meanwhile_voids_the_request(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    approval_id = ask(root, officer, now)
    decide_root(root_id=root.pk, decision=Decision(RootState.WITHDRAWN, "Leaked.", now))
    # Outside of a transaction of its own the void would be undone with the error.
    with pytest.raises(ApprovalVoidError):
        agree(approval_id, deputy, now)
    assert (TrustedRoot.objects.get().state, Approval.objects.get().state) == ("withdrawn", "void")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"requested_by": "dora"}, "providers_root_agreed_by_two_people"),
        ({"decided_by": None}, "providers_root_agreed_by_two_people"),
        ({"requested_by": None}, "providers_root_agreed_by_two_people"),
        ({"approval": None}, "providers_root_agreed_by_two_people"),
        (
            {"approval": None, "requested_by": None},
            "providers_root_of_a_person_trusted_under_an_approval",
        ),
    ],
)
def test_the_database_refuses_a_root_in_force_without_two_different_people(
    root: TrustedRoot,
    officer: User,
    deputy: User,
    now: datetime,
    change: dict[str, str | None],
    constraint: str,
) -> None:
    agree(ask(root, officer, now), deputy, now)
    values = {
        name: User.objects.get(username=value) if value else None for name, value in change.items()
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        TrustedRoot.objects.filter(pk=root.pk).update(**values)
    assert TrustedRoot.objects.get().requested_by == officer


def test_the_command_line_needs_nobody_and_the_audit_chain_says_so(
    root: TrustedRoot, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = (TrustChoice(SAMPLES / "lab-root.pem"),)
    import_folder(
        ImportRequest(folder=SAMPLES, trust=trust, acting_user=None, now=now), lambda *_: None
    )
    root.refresh_from_db()
    assert (root.state, root.decided_by, root.approval, valid_documents()) == (
        "trusted",
        None,
        None,
        5,
    )
    call_command("withdraw_root", root.fingerprint.upper(), "--reason", "The lab reports a leak.")
    assert "5 signatures are judged differently now" in capsys.readouterr().out
    assert (TrustedRoot.objects.get().state, valid_documents()) == ("withdrawn", 0)
    for entry in AuditEntry.objects.filter(
        action__in=["providers.root.trusted", "providers.root.withdrawn"]
    ):
        assert entry.details["through"] == "command line"


def test_the_home_page_names_the_root_and_who_asked(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    def home(user: User) -> str:
        client = Client()
        client.force_login(user)
        return client.get("/admin/").content.decode()

    assert "compare its fingerprint" in home(officer)
    approval_id = ask(root, officer, now)
    page = home(deputy)
    assert "asked by olivia" in page
    assert f"Trust the root {root.subject} for Sample Test Laboratory" in page
    assert f"/admin/staff/approval/{approval_id}/change/" in page
    agree(approval_id, deputy, now)
    assert "Every root on file was decided on by two people." in home(officer)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_officers_who_agree_at_once_decide_once(
    root: TrustedRoot, officer: User, deputy: User, now: datetime
) -> None:
    approval_id = ask(root, officer, now)
    third = make_user("tara", roles=(Role.COMPLIANCE_OFFICER,))
    outcomes = race(
        [lambda: agree(approval_id, deputy, now), lambda: agree(approval_id, third, now)]
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert AuditEntry.objects.filter(action="providers.root.trusted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_one_person_trusted_before_is_proposed_again_and_its_documents_are_untrusted(
    root: TrustedRoot, officer: User, now: datetime
) -> None:
    with schema_at("providers", "0015_withdrawn_offers"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE providers_trustedroot"
            " SET state = 'trusted', decided_by_id = %s, decided_at = %s, reason = 'Called.'",
            [officer.pk, now],
        )
        cursor.execute(
            "UPDATE providers_document SET signature_state = 'valid'"
            " WHERE signature_state = 'untrusted'"
        )
    root.refresh_from_db()
    assert (root.state, root.decided_by, root.decided_at, root.reason) == (
        "proposed",
        None,
        None,
        "",
    )
    assert (valid_documents(), Document.objects.filter(signature_state="untrusted").count()) == (
        0,
        5,
    )
    # Every laboratory with documents, whether or not one of its roots was asked for again.
    assert labs_to_judge_again() == list(Lab.objects.order_by("pk").values_list("pk", flat=True))
    decide_root(root_id=root.pk, decision=Decision(RootState.TRUSTED, "By letter.", now))
    for _ in Lab.objects.all():
        recheck_signatures()
    assert (valid_documents(), labs_to_judge_again()) == (5, [])


@pytest.mark.parametrize(
    "change",
    [
        {"lab": None},
        {"subject": "Somebody Else"},
        {"fingerprint": "0" * 64},
        {"pem": "another"},
        {"not_before": timedelta(days=-1)},
        {"not_after": timedelta(days=1)},
    ],
)
def test_the_database_refuses_another_certificate_under_the_same_root(
    root: TrustedRoot, now: datetime, change: dict[str, Any]
) -> None:
    before: dict[str, Any] = {**TrustedRoot.objects.values().get()}
    [(name, value)] = change.items()
    if name == "lab":
        value = Lab.objects.create(name="Another", created_at=now)
    elif isinstance(value, timedelta):
        value = before[name] + value
    with (
        pytest.raises(ProgrammingError, match="Cannot update rows from providers_trustedroot"),
        transaction.atomic(),
    ):
        TrustedRoot.objects.filter(pk=root.pk).update(**{name: value})
    assert TrustedRoot.objects.values().get() == before


def test_the_database_refuses_to_delete_a_root(root: TrustedRoot) -> None:
    with (
        pytest.raises(ProgrammingError, match="Cannot delete rows from providers_trustedroot"),
        transaction.atomic(),
    ):
        root.delete()
    assert TrustedRoot.objects.get().fingerprint == root.fingerprint
