"""An auditor reads within a seat, changes nothing, sees personal data with a reason, is logged."""

from datetime import date, datetime, timedelta
from typing import Any

import pgtrigger
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.core.sealed import verify_sealed
from apps.players.models import Player
from apps.players.protection_admin.console import PlayerProtectionAdmin
from apps.staff import services
from apps.staff.contracts import VISIT
from apps.staff.enums import Role
from apps.staff.errors import NotAnAuditorError, OwnSeatError, SeatRevokedError, SeatTermError
from apps.staff.models import AuditorLookUp, AuditorSeat, User
from tests.architecture.role_matrix import addresses
from tests.factories import PASSWORD, make_player, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def roles() -> None:
    call_command("seed_roles", verbosity=0)


@pytest.fixture
def auditor() -> User:
    return make_user("aud", roles=(Role.AUDITOR,))


@pytest.fixture
def player() -> Player:
    player = make_player("p-1")
    Player.objects.filter(pk=player.pk).update(date_of_birth=date(1988, 4, 17))
    player.refresh_from_db()
    return player


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def grant(person: User, **changes: Any) -> AuditorSeat:
    now = timezone.now()
    facts: dict[str, Any] = {
        "person_id": person.pk,
        "starts_at": now,
        "ends_at": now + 14 * DAY,
        "purpose": "The games testing audit.",
        "acting_user": make_user(roles=(Role.COMPLIANCE_OFFICER,)),
        "now": now,
    }
    return services.grant_seat(**{**facts, **changes})


def test_outside_the_seat_no_page_opens_and_the_session_ends(auditor: User) -> None:
    client = client_of(auditor)
    assert client.get(reverse("admin:index")).status_code == 200

    with time_machine.travel(timezone.now() + 61 * DAY):
        client.force_login(auditor)
        closed = client.get(reverse("admin:index"))
        assert closed.status_code == 403
        assert "Your seat is not open" in closed.content.decode()
        assert client.get(reverse("admin:index")).status_code == 302
        # The password is right and it doesn't help.
        client.post(reverse("admin:login"), {"username": "aud", "password": PASSWORD})
        assert client.get(reverse("admin:core_auditentry_changelist")).status_code != 200


def test_a_seat_to_come_opens_nothing_yet(auditor: User) -> None:
    AuditorSeat.objects.update(
        revoked_at=timezone.now(), revoked_by=auditor, revoke_reason="Another one follows."
    )
    grant(auditor, starts_at=timezone.now() + DAY, ends_at=timezone.now() + 2 * DAY)

    assert client_of(auditor).get(reverse("admin:index")).status_code == 403


def test_a_revoked_seat_ends_the_session_at_the_next_page(auditor: User) -> None:
    client, seat = client_of(auditor), AuditorSeat.objects.get()
    officer = make_user("carla", roles=(Role.COMPLIANCE_OFFICER,))
    url = reverse("admin:staff_auditorseat_do", args=[seat.pk, "revoke"])
    assert client_of(officer).post(url, {"reason": "The audit is over."}).status_code == 302

    assert client.get(reverse("admin:index")).status_code == 403
    with pytest.raises(SeatRevokedError):
        services.revoke_seat(
            seat_id=seat.pk, reason="Again.", acting_user=officer, now=timezone.now()
        )
    assert (
        AuditEntry.objects.get(action="staff.auditor_seat.revoked").reason == "The audit is over."
    )


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ends_at": timezone.now() + 93 * DAY}, SeatTermError),
        ({"ends_at": timezone.now() - DAY, "starts_at": timezone.now() - 2 * DAY}, SeatTermError),
        ({"starts_at": timezone.now() + 15 * DAY}, SeatTermError),
    ],
)
def test_a_seat_of_a_wrong_term_is_refused(
    auditor: User, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        grant(auditor, **changes)
    assert AuditorSeat.objects.count() == 1


def test_a_seat_is_given_to_an_auditor_and_by_somebody_else(auditor: User) -> None:
    with pytest.raises(NotAnAuditorError):
        grant(make_user(roles=(Role.CS_AGENT,)))
    with pytest.raises(OwnSeatError):
        grant(auditor, acting_user=auditor)
    assert AuditorSeat.objects.count() == 1


def test_the_database_refuses_a_longer_seat_and_an_own_seat(auditor: User) -> None:
    seat = AuditorSeat.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditorSeat.objects.update(ends_at=seat.ends_at + DAY)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditorSeat.objects.create(
            person=auditor,
            starts_at=timezone.now(),
            ends_at=timezone.now() + DAY,
            purpose="Mine.",
            granted_by=auditor,
            granted_at=timezone.now(),
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        seat.delete()


def test_every_unsafe_verb_is_refused_to_an_auditor_at_every_address(auditor: User) -> None:
    client = client_of(auditor)
    # Their own account: signing in and out, the password, the second factor, their sessions.
    free = (
        *("admin/logout/", "admin/login/", "admin/password_change/"),
        *("admin/confirm/", "admin/second-factor/", "admin/sessions/"),
    )
    let_through = [
        f"{verb} {address.route}"
        for address in addresses()
        if address.route.startswith("admin/") and not address.route.startswith(free)
        for verb in ("post", "put", "patch", "delete")
        if getattr(client, verb)(address.path).status_code not in {403, 404, 405}
    ]

    tools = ("/do/unmask/", "auditing/sample/add/", "auditing/export/add/")
    assert [one for one in let_through if not one.endswith(tools)] == []


def test_personal_data_is_hidden_until_a_reason_is_given(auditor: User, player: Player) -> None:
    client = client_of(auditor)
    page = reverse("admin:players_playerprotection_change", args=[player.pk])
    listing = reverse("admin:players_playerprotection_changelist")
    born = ("1988", "17 Apr", "04-17")
    for url in (page, listing, reverse("admin:players_player_change", args=[player.pk])):
        text = client.get(url).content.decode()
        assert not any(mark in text for mark in born), url
    assert "Hidden from you until you say why" in client.get(page).content.decode()

    unmask = reverse("admin:players_playerprotection_do", args=[player.pk, "unmask"])
    client.post(unmask, {"reason": "Sample 4: stake caps by age."})

    entry = AuditEntry.objects.get(action="core.personal_data.unmasked")
    assert (entry.subject, entry.reason, entry.actor_id) == (
        f"players.player:{player.pk}",
        "Sample 4: stake caps by age.",
        auditor.pk,
    )
    assert "1988" in client.get(page).content.decode()
    assert "1988" not in client.get(listing).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        client.force_login(auditor)
        assert "1988" not in client.get(page).content.decode()


def test_hidden_data_can_not_be_found_by_filter_order_search_or_old_version(
    auditor: User, player: Player
) -> None:
    client = client_of(auditor)
    listing = reverse("admin:players_playerprotection_changelist")
    assert client.get(listing + "?date_of_birth__gte=1980-01-01").status_code in {302, 400}
    assert 'class="sortable' not in client.get(listing).content.decode().split("irth")[0][-300:]
    people = reverse("admin:staff_user_changelist")
    User.objects.filter(pk=auditor.pk).update(email="aud@example.org")
    found = client.get(people + "?q=aud@example.org").content.decode()
    assert "aud@example.org</" not in found
    assert "0 results" in found or "No results" in found or "aud</a>" not in found
    player.status = "blocked"
    player.save()
    version = Player.history.latest("pk")
    old = reverse("admin:players_player_simple_history", args=[player.pk, version.pk])
    assert client.get(old).status_code == 403
    history = reverse("admin:players_player_history", args=[player.pk])
    assert "1988" not in client.get(history).content.decode()


def test_where_a_colleague_signed_in_from_is_hidden_like_their_mail_address(auditor: User) -> None:
    carla = make_user("carla", roles=(Role.COMPLIANCE_OFFICER,))
    client_of(carla).get(reverse("admin:index"), REMOTE_ADDR="203.0.113.9")
    page, client = reverse("admin:staff_user_change", args=[carla.pk]), client_of(auditor)
    hidden = client.get(page).content.decode()
    assert "Signed in now" in hidden
    assert "203.0.113.9" not in hidden
    client.post(reverse("admin:staff_user_do", args=[carla.pk, "unmask"]), {"reason": "Sample 5."})
    assert "203.0.113.9" in client.get(page).content.decode()


def test_caps_that_follow_from_a_hidden_age_are_hidden_and_never_wrong(auditor: User) -> None:
    player = make_player("p-gb", jurisdiction="GB", currency="GBP")
    Player.objects.filter(pk=player.pk).update(date_of_birth=date(1951, 1, 1))
    page = reverse("admin:players_playerprotection_change", args=[player.pk])
    client = client_of(auditor)
    hidden = client.get(page).content.decode()
    assert "Hidden with the date of birth" in hidden
    assert "counts as young" not in hidden
    assert "5.00 GBP" not in hidden
    unmask = reverse("admin:players_playerprotection_do", args=[player.pk, "unmask"])
    client.post(unmask, {"reason": "Caps are part of the sample."})
    assert "5.00 GBP" in client.get(page).content.decode()


def test_no_address_sorts_a_list_by_what_it_hides(auditor: User) -> None:
    young, old = make_player("p-young"), make_player("p-old")
    Player.objects.filter(pk=young.pk).update(date_of_birth=date(2001, 1, 1))
    Player.objects.filter(pk=old.pk).update(date_of_birth=date(1951, 1, 1))
    column = PlayerProtectionAdmin.list_display.index("date_of_birth")
    listing = reverse("admin:players_playerprotection_changelist")

    def shown(person: User, order: str) -> list[str]:
        answer = client_of(person).get(f"{listing}?o={order}")
        assert answer.status_code == 200
        return [row.player_ref for row in answer.context["cl"].result_list]

    assert shown(auditor, f"{column}") == shown(auditor, f"-{column}") == ["p-old", "p-young"]
    # Who sees the dates may sort by them.
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    assert shown(officer, f"{column}") == ["p-old", "p-young"]
    assert shown(officer, f"-{column}") == ["p-young", "p-old"]


def test_other_people_see_what_they_saw(player: Player) -> None:
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    page = reverse("admin:players_playerprotection_change", args=[player.pk])
    client = client_of(officer)

    assert "1988" in client.get(page).content.decode()
    refused = reverse("admin:players_playerprotection_do", args=[player.pk, "unmask"])
    assert client.get(refused).status_code == 403
    assert not AuditorLookUp.objects.exists()


def test_every_page_that_an_auditor_opens_is_in_a_sealed_log(auditor: User, player: Player) -> None:
    client = client_of(auditor)
    client.get(reverse("admin:players_player_changelist") + "?q=p-1")
    client.get(reverse("admin:players_player_change", args=[player.pk]))
    client.get(reverse("admin:aml_matter_changelist"))

    seen = AuditorLookUp.objects.order_by("sequence").values_list("path", "query", "status")
    assert list(seen) == [
        ("/admin/players/player/", "q=p-1", 200),
        (f"/admin/players/player/{player.pk}/change/", "", 200),
        ("/admin/aml/matter/", "", 403),
    ]
    assert {one.person_name for one in AuditorLookUp.objects.all()} == {"aud"}
    assert verify_sealed(AuditorLookUp).holds

    with pytest.raises(DatabaseError), transaction.atomic():
        AuditorLookUp.objects.update(path="/admin/")
    with pgtrigger.ignore("staff.AuditorLookUp:append_only"):
        AuditorLookUp.objects.filter(sequence=2).delete()
    with pytest.raises(CommandError, match="staff_auditorlookup is broken"):
        call_command("verify_audit", verbosity=0)


def test_a_page_that_renews_itself_is_one_look_for_a_quarter_of_an_hour(auditor: User) -> None:
    client, log = client_of(auditor), reverse("admin:rounds_delivery_changelist")
    part, began = {"X-Pitboss-Fragment": "1"}, timezone.now()

    def entries() -> list[tuple[str, str]]:
        return list(AuditorLookUp.objects.order_by("sequence").values_list("path", "query"))

    opened, filtered = (log, ""), (log, "verdict=repeat")
    with time_machine.travel(began, tick=False):
        client.get(log)
        for _ in range(3):
            assert "X-Pitboss-At" in client.get(log, headers=part)
        assert entries() == [opened]
        client.get(log)
        assert entries() == [opened, opened]  # opened twice by a person
    with time_machine.travel(began + VISIT - timedelta(seconds=1), tick=False):
        client.get(log, headers=part)
        assert entries() == [opened, opened]
    with time_machine.travel(began + VISIT, tick=False):
        client.get(log, headers=part)
        client.get(log, headers=part)
        assert entries() == [opened, opened, opened]
        client.get(f"{log}?verdict=repeat", headers=part)
        client.get(f"{log}?verdict=repeat", headers=part)
        assert entries() == [opened, opened, opened, filtered]
    assert verify_sealed(AuditorLookUp).holds
    officer = client_of(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    page = officer.get(reverse("admin:staff_auditorlookup_changelist")).content.decode()
    assert f"one entry for what it showed in the {VISIT.seconds // 60} minutes after it" in page


def test_the_header_of_a_renewal_hides_no_look_of_anybody(auditor: User, player: Player) -> None:
    client, part = client_of(auditor), {"X-Pitboss-Fragment": "1"}
    page = reverse("admin:players_player_changelist")
    refused = reverse("admin:aml_matter_changelist")
    log = reverse("admin:rounds_delivery_changelist")
    for path in (page, refused, log):
        client.get(path)
    assert AuditorLookUp.objects.count() == 3

    client.get(page, headers=part)  # stands still, so nothing renews it
    client.get(refused, headers=part)
    assert AuditorLookUp.objects.count() == 5
    colleague = make_user(roles=(Role.AUDITOR,))
    client_of(colleague).get(log, headers=part)
    assert AuditorLookUp.objects.filter(person_id=colleague.pk).count() == 1
    long = "q=" + "x" * 1100
    client.get(f"{log}?{long}1")
    client.get(f"{log}?{long}2", headers=part)  # the same beginning as in the log
    assert AuditorLookUp.objects.filter(path=log, person_id=auditor.pk).count() == 3


def test_an_officer_gives_a_seat_on_the_page() -> None:
    officer = make_user("carla", roles=(Role.COMPLIANCE_OFFICER,))
    auditor = make_user("new-auditor")
    auditor.groups.add(*make_user(roles=(Role.AUDITOR,)).groups.all())
    client, url = client_of(officer), reverse("admin:staff_auditorseat_add")
    assert client.get(url).status_code == 200
    until: datetime = timezone.now() + 3 * DAY
    form = {
        "person": auditor.pk,
        "starts_at": f"{timezone.now():%Y-%m-%dT%H:%M}",
        "ends_at": f"{until:%Y-%m-%dT%H:%M}",
        "reason": "Follow-up of finding 3.",
    }
    assert client.post(url, form).status_code == 302

    seat = AuditorSeat.objects.get(person=auditor)
    assert (seat.granted_by, seat.purpose) == (officer, "Follow-up of finding 3.")
    assert client_of(auditor).get(reverse("admin:index")).status_code == 200
