"""People see where they are signed in and end it; so does an administrator, and a lost right."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.staff import services
from apps.staff.enums import Role
from apps.staff.errors import NoSuchSessionError
from apps.staff.models import AuditorSeat, User
from apps.staff.sign_in.sessions import device_of
from apps.staff.tasks import forget_ended_sessions
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0.0.0 Edg/143.0"
PAGE = "/admin/sessions/"
HOME = "/admin/"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def signed_in(user: User, user_agent: str = FIREFOX, address: str = "10.0.0.1") -> Client:
    client = Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)
    form = {"login": user.username, "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def actions() -> list[str]:
    entries = AuditEntry.objects.filter(action__startswith="staff.user.").order_by("pk")
    return list(entries.values_list("action", flat=True))


@pytest.fixture
def ada() -> User:
    return make_user("ada")


def test_a_person_sees_each_session_with_device_address_and_times(ada: User) -> None:
    with time_machine.travel(NOW, tick=False):
        here = signed_in(ada)
    with time_machine.travel(NOW + timedelta(minutes=4), tick=False):
        signed_in(ada, EDGE, "10.0.0.2")
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        shown: Any = here.get(PAGE)
    assert [
        (one["device"], one["ip"], one["is_this"], f"{one['created_at']:%H:%M}")
        for one in shown.context["sessions"]
    ] == [
        ("Firefox on Linux", "10.0.0.1", True, "10:00"),
        ("Edge on Windows", "10.0.0.2", False, "10:04"),
    ]
    page = shown.content.decode()
    assert not any(session.session_key in page for session in UserSession.objects.all())


PART = {"X-Pitboss-Fragment": "1"}


def taken_over(session_of: Client, user_agent: str = FIREFOX, address: str = "10.0.0.1") -> Client:
    """Return who has the cookie of somebody's session."""
    thief = Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)
    thief.cookies = session_of.cookies
    return thief


@pytest.mark.parametrize(
    ("agent", "address", "shown"),
    [
        (FIREFOX, "10.6.6.6", ("Firefox on Linux", "10.6.6.6")),
        (EDGE, "10.0.0.1", ("Edge on Windows", "10.0.0.1")),
    ],
)
@pytest.mark.parametrize("headers", [PART, {}])
def test_a_session_used_from_elsewhere_shows_it_at_once(
    ada: User, agent: str, address: str, shown: tuple[str, str], headers: dict[str, str]
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        here = signed_in(ada)
        here.get(HOME)
        clock.shift(5)
        assert taken_over(here, agent, address).get(HOME, headers=headers).status_code == 200
        (noted,) = UserSession.objects.all()
    assert (device_of(noted.user_agent), noted.ip) == shown
    assert noted.last_seen_at == NOW + timedelta(seconds=5)


def test_a_page_that_renews_itself_elsewhere_is_seen_and_keeps_no_session_alive(ada: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        here = signed_in(ada)
        here.get(HOME)
        thief = taken_over(here, EDGE, "10.6.6.6")
        clock.shift(timedelta(minutes=20))
        assert thief.get(HOME, headers=PART).status_code == 200
        clock.shift(timedelta(minutes=11))
        assert thief.get(HOME, headers=PART).status_code == 302
        assert not is_in(here)
    (noted,) = UserSession.objects.all()
    assert (noted.ip, noted.last_seen_at) == ("10.6.6.6", NOW + timedelta(minutes=20))


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
def test_only_a_page_that_is_read_can_be_one_that_renews_itself(ada: User, method: str) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        here = signed_in(ada)
        here.get(HOME)
        clock.shift(61)
        here.get(HOME, headers=PART)
        assert UserSession.objects.get().last_seen_at == NOW
        here.generic(method, PAGE, headers=PART)
        assert UserSession.objects.get().last_seen_at == NOW + timedelta(seconds=61)


def test_a_part_of_a_page_is_kept_for_its_own_cookie_alone(ada: User) -> None:
    here = signed_in(ada)
    here.get(HOME)
    answer = here.get(HOME, headers=PART)
    assert answer.status_code == 200
    assert "Cookie" in answer["Vary"]
    assert "pitboss-sid" not in answer.cookies


def test_a_session_is_noted_once_a_minute_at_most(ada: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        here = signed_in(ada)
        here.get(HOME)
        seen = UserSession.objects.get().last_seen_at
        clock.shift(59)
        here.get(HOME)
        assert UserSession.objects.get().last_seen_at == seen
        clock.shift(2)
        here.get(HOME)
        assert UserSession.objects.get().last_seen_at == NOW + timedelta(seconds=61)


def test_a_person_ends_one_session_and_stays_in_the_other(ada: User) -> None:
    here, there = signed_in(ada), signed_in(ada, EDGE)
    assert is_in(there)
    other = UserSession.objects.get(user_agent=EDGE)
    assert here.post(PAGE, {"end": str(other.pk)}).status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)
    assert actions() == ["staff.user.session_ended"]
    assert UserSession.objects.count() == 1
    # Once more is told, and changes nothing.
    again = here.post(PAGE, {"end": str(other.pk)}, follow=True)
    assert "That session is over already." in again.content.decode()
    assert actions() == ["staff.user.session_ended"]


def test_all_others_are_ended_at_once(ada: User) -> None:
    here, there, elsewhere = signed_in(ada), signed_in(ada, EDGE), signed_in(ada, EDGE)
    shown = here.post(PAGE, {"end": "others"}, follow=True)
    assert "Ended: 2. You stay signed in here." in shown.content.decode()
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, False]


def test_what_is_over_is_forgotten_though_nobody_looks(ada: User) -> None:
    with time_machine.travel(NOW, tick=False):
        signed_in(ada)
        left = signed_in(make_user("ben"))
        left.post("/admin/logout/")
    with time_machine.travel(NOW + timedelta(minutes=20), tick=False):
        here = signed_in(ada, EDGE)
    over = NOW + timedelta(minutes=31)
    with time_machine.travel(over, tick=False):
        forget_ended_sessions()
        forget_ended_sessions()
        assert is_in(here)
    assert [session.user_agent for session in UserSession.objects.all()] == [EDGE]
    assert not Session.objects.filter(expire_date__lte=over).exists()


@pytest.mark.parametrize("which", ["", "x", "0", "-1", "9" * 30, "9" * 5_000, "\u0661"])
def test_nobody_ends_what_is_not_theirs(ada: User, which: str) -> None:
    ben = make_user("ben")
    his, hers = signed_in(ben), signed_in(ada)
    session = UserSession.objects.get(user=ben)
    assert hers.post(PAGE, {"end": which}).status_code == 302
    with pytest.raises(NoSuchSessionError):
        services.end_own_session(session_id=session.pk, user=ada, now=NOW)
    assert (is_in(his), actions()) == (True, [])
    assert Client().get(PAGE).status_code == 302


def test_a_new_password_ends_the_others_and_keeps_this_one_in_view(ada: User) -> None:
    ada.is_superuser = True
    ada.save(update_fields=["is_superuser"])
    here, there = signed_in(ada), signed_in(ada, EDGE)
    fresh = "another long pass phrase"
    changed = here.post(
        reverse("admin:password_change"),
        {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh},
    )
    assert changed.status_code == 302
    shown: Any = here.get(PAGE)
    assert [one["is_this"] for one in shown.context["sessions"]] == [True]
    assert not is_in(there)
    entry = AuditEntry.objects.get(action="staff.user.own_password_set")
    assert (entry.actor_id, entry.subject) == (ada.pk, f"staff.user:{ada.pk}")


def test_a_wrong_old_password_changes_nothing_and_is_no_deed(ada: User) -> None:
    here, fresh = signed_in(ada), "another long pass phrase"
    words = {"old_password": "not it at all", "new_password1": fresh, "new_password2": fresh}
    refused = here.post(reverse("admin:password_change"), words)
    assert refused.status_code == 200
    assert "old password was entered incorrectly" in refused.content.decode()
    ada.refresh_from_db()
    assert (ada.check_password(PASSWORD), actions()) == (True, [])


def test_an_administrator_ends_a_colleagues_sessions_and_says_why(ada: User) -> None:
    hers = signed_in(ada)
    admin = make_user("root", permissions=("staff.view_user", "staff.change_user"))
    page = signed_in(admin, EDGE)
    listed = page.get(reverse("admin:staff_user_change", args=[ada.pk])).content.decode()
    assert "Firefox on Linux" in listed
    button = reverse("admin:staff_user_do", args=[ada.pk, "end-sessions"])
    assert page.post(button, {"reason": "Laptop was stolen."}).status_code == 302
    assert (is_in(hers), is_in(page)) == (False, True)
    entry = AuditEntry.objects.get(action="staff.user.sessions_ended")
    assert (entry.actor_id, entry.subject) == (admin.pk, f"staff.user:{ada.pk}")
    assert (entry.reason, entry.details) == ("Laptop was stolen.", {"known": 1})
    with pytest.raises(ReasonRequiredError):
        services.end_sessions_of(user_id=ada.pk, acting_user=admin, reason=" ", now=NOW)

    reader = signed_in(make_user("reader", permissions=("staff.view_user",)))
    assert reader.post(button, {"reason": "Because I can."}).status_code == 403


def test_a_change_of_rights_ends_every_session(ada: User) -> None:
    hers = signed_in(ada)
    services.end_sessions(user_id=ada.pk)
    assert not is_in(hers)
    assert UserSession.objects.filter(user=ada).count() == 0


def test_a_seat_that_is_revoked_ends_the_session_at_the_next_page() -> None:
    call_command("seed_roles", verbosity=0)
    auditor = make_user("aud", roles=(Role.AUDITOR,))
    theirs = signed_in(auditor)
    assert is_in(theirs)
    seat = AuditorSeat.objects.get(person=auditor)
    services.revoke_seat(
        seat_id=seat.pk, reason="The audit is over.", acting_user=make_user(), now=datetime.now(UTC)
    )
    assert theirs.get(HOME).status_code == 403
    assert theirs.get(HOME).status_code == 302
    services.live_sessions(auditor.pk)
    assert UserSession.objects.filter(user=auditor).count() == 0


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        ("", "unknown"),
        ("curl/8.5.0", "curl"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0) Version/26.0 Safari/604.1", "Safari on iPhone"),
    ],
)
def test_a_device_is_named_in_two_words(user_agent: str, said: str) -> None:
    assert device_of(user_agent) == said
