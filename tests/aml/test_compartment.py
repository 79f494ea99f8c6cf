"""Nobody outside the compartment can see, count, search or infer what is in it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.aml import services
from apps.aml.enums import Suspicion
from apps.aml.errors import NotInCompartmentError
from apps.aml.models import AccessEntry, Matter, Note
from apps.core.models import AuditEntry, OutboxMessage
from apps.players.models import Player
from apps.staff.enums import Role
from apps.staff.models import Approval, User
from tests.factories import make_player, make_user

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SECRET = "structured-deposits-canary"
OUTSIDE = [role for role in Role if role != Role.AML_OFFICER]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_one_moment() -> Iterator[None]:
    call_command("seed_roles", verbosity=0)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def officer() -> User:
    return make_user("amy", roles=(Role.AML_OFFICER,))


@pytest.fixture
def player() -> Player:
    return make_player("p-777")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def open_matter(officer: User, player: Player) -> Matter:
    return services.open_matter(
        player_ref=player.player_ref,
        suspicion=Suspicion.MONEY_LAUNDERING,
        suspected_at=NOW - timedelta(hours=1),
        note=f"{SECRET}: ten deposits just below the line.",
        actor=officer,
        now=NOW,
    )


def pages(player: Player) -> list[str]:
    """Every page on which something of a player could show."""
    ct = ContentType.objects.get_for_model(Matter)
    return [
        reverse("admin:index"),
        reverse("admin:players_player_changelist"),
        reverse("admin:players_player_changelist") + f"?q={player.player_ref}",
        reverse("admin:players_player_change", args=[player.pk]),
        reverse("admin:players_player_history", args=[player.pk]),
        reverse("admin:players_playerprotection_change", args=[player.pk]),
        reverse("admin:staff_approval_changelist"),
        reverse("admin:core_auditentry_changelist"),
        reverse("admin:core_outboxmessage_changelist"),
        reverse("admin:auth_group_changelist"),
        reverse("admin:disputes_case_changelist"),
        reverse("admin:search") + "?s=matter",
        reverse("admin:search") + f"?s={player.player_ref}&extended=1",
        reverse("admin:autocomplete") + "?app_label=aml&model_name=note&field_name=matter&term=777",
        reverse("admin:aml_matter_changelist"),
        reverse("admin:aml_matter_changelist") + f"?q={player.player_ref}",
        reverse("admin:aml_matter_add"),
        reverse("admin:aml_accessentry_changelist"),
        "/admin/aml/",
        "/admin/aml/matter/1/change/",
        "/admin/aml/matter/1/history/",
        "/admin/aml/matter/1/do/note/",
        f"/admin/r/{ct.pk}/1/",
        "/api/schema/",
    ]


_VARYING = re.compile(r'(csrfmiddlewaretoken" value=|nonce=|"X-CSRFToken": )"[^"]*"')


def seen_by(client: Client, urls: list[str]) -> list[tuple[str, int, str, int]]:
    """Return each page's address, status, bytes (without tokens) and number of queries."""
    found = []
    for url in urls:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(url)
        body = _VARYING.sub(r"\1", answer.content.decode())
        found.append((url, answer.status_code, body, len(queries)))
    return found


@pytest.mark.parametrize("role", [*OUTSIDE, "superuser"])
def test_every_page_is_the_same_byte_for_byte_with_and_without_a_matter(
    role: str, officer: User, player: Player
) -> None:
    if role == "superuser":
        person = User.objects.create_superuser("root", password="x")
    else:
        person = make_user("somebody", roles=(role,))
    client, urls = client_of(person), pages(player)
    seen_by(client, urls)
    before = seen_by(client, urls)

    matter = open_matter(officer, player)
    after = seen_by(client, [url.replace("/1/", f"/{matter.pk}/") for url in urls])

    for old, new in zip(before, after, strict=True):
        assert old[1:] == new[1:] or _ids_apart(old, new, matter.pk), old[0]
    assert all(SECRET not in one[2] for one in after)
    assert {one[1] for one in after if "/aml/" in one[0]} <= {403, 404}


def _ids_apart(old: tuple[str, int, str, int], new: tuple[str, int, str, int], pk: int) -> bool:
    """A refusal that repeats the address that was asked for."""
    return (old[1], old[3]) == (new[1], new[3]) and old[2].replace("/1/", f"/{pk}/") == new[2]


def test_what_happens_inside_leaves_no_trace_outside(officer: User, player: Player) -> None:
    counts = [
        AuditEntry.objects.count,
        OutboxMessage.objects.count,
        Approval.objects.count,
        LogEntry.objects.count,
        Player.history.count,
    ]
    before = [count() for count in counts]
    client = client_of(officer)
    form = {
        "player_ref": "p-777",
        "suspicion": "money_laundering",
        "suspected_at": "2026-11-25T08:00",
        "reason": f"{SECRET} by the page",
    }
    assert client.post(reverse("admin:aml_matter_add"), form).status_code == 302
    matter = Matter.objects.get()
    note = reverse("admin:aml_matter_do", args=[matter.pk, "note"])
    assert client.post(note, {"reason": "A second look."}).status_code == 302
    assert client.get(reverse("admin:aml_matter_change", args=[matter.pk])).status_code == 200

    assert [count() for count in counts] == before
    assert [entry.deed for entry in AccessEntry.objects.order_by("sequence")] == [
        "opened",
        "noted",
        "read",
    ]


def test_notes_are_kept_encrypted(officer: User, player: Player) -> None:
    open_matter(officer, player)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM aml_note")
        (stored,) = cursor.fetchone()

    assert SECRET not in stored
    assert SECRET in Note.objects.get().text


def test_metrics_do_not_name_the_pages_of_the_compartment(officer: User) -> None:
    client_of(officer).get(reverse("admin:aml_matter_changelist"))

    text = Client().get("/metrics").content.decode()

    assert "admin:page" in text
    assert "aml" not in text


def test_the_wildcard_of_the_auditor_does_not_open_the_compartment() -> None:
    auditor = make_user(roles=(Role.AUDITOR,))

    assert auditor.has_perm("players.view_player")
    assert not [name for name in auditor.get_all_permissions() if name.startswith("aml.")]


def test_nobody_but_the_holder_passes_the_services(player: Player) -> None:
    root = User.objects.create_superuser("root", password="x")
    for person in [root, *[make_user(roles=(role,)) for role in OUTSIDE]]:
        with pytest.raises(NotInCompartmentError):
            open_matter(person, player)

    assert not Matter.objects.exists()
    assert not AccessEntry.objects.exists()
