"""Signing in with a second factor, proving oneself again, and the way back after a lost phone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse
from pytest_django.fixtures import Settings

from apps.core.fields import decrypt
from apps.core.models import AuditEntry
from apps.core.services import rotate_encryption_keys
from apps.staff import services
from apps.staff.enums import Role
from apps.staff.errors import AlreadyPendingError, NoSecondFactorError, SelfApprovalError
from apps.staff.models import Approval, User
from apps.staff.sign_in.middleware import STEP_UP_PAGES, STEP_UP_SAVES
from tests.caching import begin_with_an_empty_cache
from tests.factories import PASSWORD, make_user

START = datetime(2026, 11, 22, 10, 0, 5, tzinfo=UTC)
ENROL = "/admin/second-factor/enrol/"
CODE = "/admin/second-factor/code/"
CODES = "/admin/second-factor/recovery-codes/"
CONFIRM = "/admin/second-factor/confirm/"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _mfa_is_required(settings: Settings, db: None) -> None:
    settings.PITBOSS_MFA_REQUIRED = True


def code_now(secret: str, *, steps: int = 0) -> str:
    step = int(datetime.now(UTC).timestamp()) // 30 + steps
    return str(format_hotp_value(hotp_value(secret, step)))


def give_password(user: User, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    form = {"login": user.username, "password": PASSWORD}
    return client, client.post("/admin/login/", form)


def enrol(user: User) -> tuple[Client, str, list[str]]:
    """Sign in, set the app up, and return the browser, the app's key and the recovery codes."""
    client, _ = give_password(user)
    secret = client.get(ENROL).context["form"].secret
    done = client.post(ENROL, {"code": code_now(secret)})
    assert (done.status_code, done["Location"]) == (302, CODES)
    return client, secret, client.get(CODES).context["unused_codes"]


def test_a_password_alone_opens_no_page_and_leads_to_the_enrolment(clock: Any) -> None:
    client, answer = give_password(User.objects.create_superuser("root", password=PASSWORD))

    assert answer["Location"] == "/admin/"
    for page in ("/admin/", "/admin/staff/user/", "/admin/password_change/", "/admin/jsi18n/"):
        refused = client.get(page)
        assert (refused.status_code, refused["Location"]) == (302, ENROL)
    assert client.post("/admin/staff/user/add/", {}).status_code == 302
    assert client.get("/api/schema/").status_code == 403
    assert client.get(ENROL).status_code == 200
    assert client.post("/admin/logout/").status_code == 200


def test_enrolling_opens_the_back_office_and_is_written_down(clock: Any) -> None:
    user = make_user("ada")

    client, secret, codes = enrol(user)

    assert client.get("/admin/").status_code == 200
    assert (len(codes), len(set(codes))) == (10, 10)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor_id) == (
        "staff.mfa.enrolled",
        f"staff.user:{user.pk}",
        user.pk,
    )
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in stored
    assert decrypt(stored) == secret


def test_a_wrong_first_code_enrols_nothing(clock: Any) -> None:
    client, _ = give_password(make_user("ada"))
    client.get(ENROL)

    assert client.post(ENROL, {"code": "000000"}).status_code == 200

    assert not Authenticator.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_enrolled_person_signs_in_with_password_and_code(clock: Any) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    clock.shift(60)

    client, answer = give_password(user)
    assert answer["Location"] == CODE
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    done = client.post(CODE, {"code": code_now(secret)})

    assert (done.status_code, done["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_the_neighbouring_half_minute_is_taken_once(clock: Any, steps: int) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    clock.shift(120)
    code = code_now(secret, steps=steps)

    first, _ = give_password(user)
    assert first.post(CODE, {"code": code}).status_code == 302
    begin_with_an_empty_cache()  # where the library remembers what was used
    second, _ = give_password(user)
    again = second.post(CODE, {"code": code})

    assert again.status_code == 200
    assert "Incorrect code" in again.content.decode()
    assert second.get("/admin/")["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_further_away_is_refused(clock: Any, steps: int) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    clock.shift(300)
    client, _ = give_password(user)

    assert client.post(CODE, {"code": code_now(secret, steps=steps)}).status_code == 200


def test_an_older_code_is_refused_after_a_newer_one(clock: Any) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    clock.shift(120)
    older, newer = code_now(secret, steps=-1), code_now(secret)
    first, _ = give_password(user)
    assert first.post(CODE, {"code": newer}).status_code == 302
    second, _ = give_password(user)

    assert second.post(CODE, {"code": older}).status_code == 200


def test_the_code_that_enrolled_does_not_sign_in(clock: Any) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    client, _ = give_password(user)

    assert client.post(CODE, {"code": code_now(secret)}).status_code == 200


def test_a_recovery_code_signs_in_once_and_is_never_shown_again(clock: Any) -> None:
    user = make_user("ada")
    client, _, codes = enrol(user)
    page = client.get(CODES)
    assert not {*codes} & {*page.context["unused_codes"]}
    assert codes[0] not in page.content.decode()

    first, _ = give_password(user)
    assert first.post(CODE, {"code": codes[0]}).status_code == 302
    second, _ = give_password(user)
    assert second.post(CODE, {"code": codes[0]}).status_code == 200
    assert second.post(CODE, {"code": codes[1]}).status_code == 302


def test_new_recovery_codes_end_the_old_ones(clock: Any) -> None:
    user = make_user("ada")
    client, _, codes = enrol(user)

    assert client.post(f"{CODES}new/").status_code == 302
    new = client.get(CODES).context["unused_codes"]

    assert not {*codes} & {*new}
    assert AuditEntry.objects.latest("pk").action == "staff.mfa.recovery_codes_made"
    other, _ = give_password(user)
    assert other.post(CODE, {"code": codes[0]}).status_code == 200


def test_codes_are_not_guessed_at_leisure(clock: Any) -> None:
    user = make_user("ada")
    _, secret, _ = enrol(user)
    clock.shift(60)
    client, _ = give_password(user)
    for guess in range(5):
        client.post(CODE, {"code": f"00000{guess}"})

    right = client.post(CODE, {"code": code_now(secret)})

    assert right.status_code == 200
    clock.shift(301)
    assert client.post(CODE, {"code": code_now(secret)}).status_code == 302


def test_a_session_from_before_the_enrolment_must_give_a_code(clock: Any) -> None:
    user = make_user("ada")
    early, _ = give_password(user)
    _, secret, _ = enrol(user)
    clock.shift(60)

    assert early.get("/admin/")["Location"] == f"{CONFIRM}?next=%2Fadmin%2F"
    done = early.post(f"{CONFIRM}?next=%2Fadmin%2F", {"code": code_now(secret)})

    assert done["Location"] == "/admin/"
    assert early.get("/admin/").status_code == 200


def test_nobody_enrols_a_second_app_over_the_first(clock: Any) -> None:
    client, _, _ = enrol(make_user("ada"))

    assert client.get(ENROL)["Location"] == "/admin/second-factor/"
    assert client.post(ENROL, {"code": "123456"})["Location"] == "/admin/second-factor/"
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_who_is_no_staff_does_not_sign_in_and_nobody_signs_up(clock: Any) -> None:
    outsider = User.objects.create_user("carl", password=PASSWORD)

    client, answer = give_password(outsider)

    assert answer.status_code == 200
    assert "not correct" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not {"account_signup", "account_reset_password", "account_email"} & names


def test_ten_minutes_after_the_last_code_an_action_that_matters_asks_again(clock: Any) -> None:
    client, secret, _ = enrol(User.objects.create_superuser("root", password=PASSWORD))
    page = reverse("admin:staff_user_add")

    clock.shift(10 * 60 - 1)
    assert client.get(page).status_code == 200
    clock.shift(1)
    asked = client.get(page)
    assert asked["Location"] == f"{CONFIRM}?next=%2Fadmin%2Fstaff%2Fuser%2Fadd%2F"
    assert client.post(page, {})["Location"].startswith(CONFIRM)
    assert client.get("/admin/staff/user/").status_code == 200

    done = client.post(asked["Location"], {"code": code_now(secret)})
    assert done["Location"] == page
    assert client.get(page).status_code == 200


def test_an_old_session_does_not_save_a_colleagues_rights(clock: Any) -> None:
    client, _, _ = enrol(User.objects.create_superuser("root", password=PASSWORD))
    page = reverse("admin:staff_user_change", args=[make_user("bob").pk])
    clock.shift(11 * 60)

    assert client.get(page).status_code == 200
    assert client.post(page, {"is_superuser": "on"})["Location"].startswith(CONFIRM)
    assert not User.objects.get(username="bob").is_superuser


def test_every_page_that_asks_again_exists() -> None:
    admin_names = {
        name
        for name in get_resolver().namespace_dict["admin"][1].reverse_dict
        if isinstance(name, str)
    }
    assert {page.split("/")[0] for page in STEP_UP_PAGES | STEP_UP_SAVES} <= admin_names


def test_approving_needs_a_fresh_code_and_looking_does_not(clock: Any) -> None:
    ada = make_user("ada")
    enrol(ada)
    call_command("seed_roles", verbosity=0)
    officer = make_user("omar", roles=(Role.COMPLIANCE_OFFICER,))
    approval = services.request_mfa_reset(
        user_id=ada.pk, requested_by=make_user("asker"), reason="Phone lost.", now=START
    )
    client, secret, _ = enrol(officer)
    approve = reverse("admin:staff_approval_do", args=[approval.pk, "approve"])
    clock.shift(11 * 60)

    assert client.get(f"/admin/staff/approval/{approval.pk}/change/").status_code == 200
    refused = client.post(approve, {"reason": "Called her back."})
    assert refused["Location"].startswith(CONFIRM)
    approval.refresh_from_db()
    assert approval.state == "pending"

    client.post(refused["Location"], {"code": code_now(secret)})
    client.post(approve, {"reason": "Called her back."})
    approval.refresh_from_db()
    assert (approval.state, approval.result) == ("executed", {"removed": 2})


def test_a_reset_takes_two_people_and_ends_the_sessions(clock: Any) -> None:
    ada, root = make_user("ada"), User.objects.create_superuser("root", password=PASSWORD)
    ada_client, _, _ = enrol(ada)
    officer = make_user("omar", permissions=("staff.approve_mfa_reset",))
    clerk = make_user("carl", permissions=("staff.view_user",))
    root_client, _, _ = enrol(root)
    ask = reverse("admin:staff_user_do", args=[ada.pk, "reset-mfa"])

    assert enrol(clerk)[0].post(ask, {"reason": "Phone lost."}).status_code == 403
    page = reverse("admin:staff_user_change", args=[ada.pk])
    assert "Ask to reset the second factor" in root_client.get(page).content.decode()
    root_client.post(ask, {"reason": "Phone lost, called back."})
    asked = root_client.get(page).content.decode()
    assert "a reset awaits a second person" in asked
    assert "Ask to reset the second factor" not in asked
    with pytest.raises(AlreadyPendingError):
        services.request_mfa_reset(user_id=ada.pk, requested_by=root, reason="x", now=START)
    assert ada_client.get("/admin/").status_code == 200

    approval = Approval.objects.get()
    ada.user_permissions.set(officer.user_permissions.all())
    for person in (root, ada):
        with pytest.raises(SelfApprovalError):
            services.approve(approval_id=approval.pk, user=person, reason="Me.", now=START)
    assert Authenticator.objects.filter(user=ada).count() == 2

    services.approve(approval_id=approval.pk, user=officer, reason="Called her.", now=START)

    assert not Authenticator.objects.filter(user=ada).exists()
    assert ada_client.get("/admin/")["Location"].startswith("/admin/login/")
    entry = AuditEntry.objects.get(action="staff.mfa.reset")
    assert (entry.subject, entry.actor_id) == (f"staff.user:{ada.pk}", officer.pk)
    client, _ = give_password(ada)
    assert client.get("/admin/")["Location"] == ENROL


def test_the_command_resets_with_a_reason_that_is_kept(clock: Any) -> None:
    user = make_user("ada")
    client, _, _ = enrol(user)
    for arguments in (["ada", "--reason", " "], ["nobody", "--reason", "Lost."]):
        with pytest.raises(CommandError):
            call_command("reset_mfa", *arguments, stdout=StringIO())
    assert client.get("/admin/").status_code == 200

    call_command("reset_mfa", "ada", "--reason", "Lost both.", stdout=StringIO())

    entry = AuditEntry.objects.get(action="staff.mfa.reset")
    assert (entry.reason, entry.actor_id) == ("Lost both.", None)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    with pytest.raises(NoSecondFactorError):
        services.reset_mfa(user_id=user.pk, actor=None, reason="Again.", now=START)


def test_a_change_of_rights_ends_the_persons_sessions(clock: Any) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    group, bob = Group.objects.create(name=Role.AUDITOR), make_user("bob")
    bob_client, _, _ = enrol(bob)
    root_client, _, _ = enrol(root)
    url = reverse("admin:staff_user_change", args=[bob.pk])
    form = {"username": "bob", "is_active": "on", "is_staff": "on", "_save": "Save"}

    root_client.post(url, {**form, "display_name": "Bob", "change_reason": "Asked for it."})
    assert bob_client.get("/admin/").status_code == 200
    root_client.post(url, {**form, "groups": [group.pk], "change_reason": "Joins audit."})

    assert [each.name for each in bob.groups.all()] == [Role.AUDITOR]
    assert bob_client.get("/admin/")["Location"].startswith("/admin/login/")
    assert root_client.get("/admin/").status_code == 200


def test_deactivation_and_a_new_password_end_live_sessions(clock: Any) -> None:
    bob = make_user("bob")
    client, _, _ = enrol(bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert client.get("/admin/").status_code == 200

    bob.set_password("another long passphrase")
    bob.save()

    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def test_a_permission_that_is_taken_is_gone_at_the_next_request(clock: Any) -> None:
    user = make_user("bob", permissions=("staff.view_user",))
    client, _, _ = enrol(user)
    assert client.get("/admin/staff/user/").status_code == 200

    user.user_permissions.clear()

    assert client.get("/admin/staff/user/").status_code == 403


def test_signing_in_changes_the_session_id(clock: Any) -> None:
    user = make_user("ada")
    client = Client()
    client.get("/admin/login/")
    client.cookies["pitboss-sid"] = "fixed-by-somebody-else-0000000000"

    give_password(user, client)

    assert client.cookies["pitboss-sid"].value != "fixed-by-somebody-else-0000000000"


def test_key_rotation_covers_the_second_factors(clock: Any, settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.PITBOSS_ENCRYPTION_KEYS = [old]
    user = make_user("ada")
    _, secret, codes = enrol(user)

    settings.PITBOSS_ENCRYPTION_KEYS = [new, old]
    assert rotate_encryption_keys()["mfa_authenticator.data"] == 2
    assert rotate_encryption_keys()["mfa_authenticator.data"] == 0

    settings.PITBOSS_ENCRYPTION_KEYS = [new]
    clock.shift(timedelta(minutes=1))
    client, _ = give_password(user)
    assert client.post(CODE, {"code": code_now(secret)}).status_code == 302
    other, _ = give_password(user)
    assert other.post(CODE, {"code": codes[0]}).status_code == 302


def test_where_it_is_not_required_a_password_signs_in_and_an_enrolled_person_still_gives_a_code(
    clock: Any, settings: Settings
) -> None:
    settings.PITBOSS_MFA_REQUIRED = False
    user = make_user("ada")
    client, _ = give_password(user)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/second-factor/").status_code == 200

    enrol(user)

    assert give_password(user)[1]["Location"] == CODE
