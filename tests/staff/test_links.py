"""No page shows a person a link that would refuse them; the words stand without it."""

import re
from datetime import datetime

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from apps.core.admin.links import may_open, openable
from apps.disputes.models import Case
from apps.providers.models import Certificate
from apps.rounds.models import Delivery, Round, RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

_HREF = re.compile(r'<a\b[^>]*\bhref="(/admin/[^"#]*)"')
_NUMBERS = re.compile(r"\d+")
_ELSEWHERE = ("/admin/logout/", "/admin/confirm/", "/admin/second-factor/")


@pytest.fixture
def pages(now: datetime) -> list[str]:
    """Return pages whose links lead into other people's work."""
    provider = make_provider()
    game = make_game(provider)
    make_cover(game)
    player = make_player("p-1001")
    fund(player, 10_000, now)
    play(provider, [round_event(player, "a-1", now)], now, body=b'{"event_id": "a-1"}')
    sync_roles(now=now)
    agent = Client()
    agent.force_login(make_user("agent", roles=(Role.CS_AGENT,)))
    event = RoundEvent.objects.get()
    dispute = reverse("admin:rounds_roundevent_do", args=[event.pk, "dispute"])
    agent.post(dispute, {"case_type": "settlement", "reason": "Another symbol was seen."})
    shown = [
        ("providers_provider", provider.pk),
        ("providers_game", game.pk),
        ("providers_certificate", Certificate.objects.get().pk),
        ("rounds_round", Round.objects.get().pk),
        ("rounds_roundevent", event.pk),
        ("rounds_delivery", Delivery.objects.get().pk),
        ("disputes_case", Case.objects.get().pk),
        ("players_player", player.pk),
    ]
    return [
        *(reverse(f"admin:{name}_change", args=[pk]) for name, pk in shown),
        reverse("admin:compliance_coveragematrix_changelist"),
        reverse("admin:compliance_coveragematrix_gaps"),
    ]


@pytest.mark.parametrize("role", Role)
def test_every_link_on_a_page_that_a_role_reads_opens(pages: list[str], role: Role) -> None:
    client = Client()
    client.force_login(make_user(roles=(role,)))
    menu = set(_HREF.findall(client.get("/admin/").content.decode()))
    links = {
        _NUMBERS.sub("0", link): link
        for page in pages
        if (answer := client.get(page)).status_code == 200
        for link in _HREF.findall(answer.content.decode())
        if link not in menu and not link.startswith(_ELSEWHERE)
    }

    refused = [link for link in links.values() if client.get(link).status_code in {403, 404}]

    assert links
    assert refused == []


def test_a_link_is_taken_out_and_its_words_stay(pages: list[str]) -> None:
    report = Certificate.objects.get()
    link = reverse("admin:providers_certificate_change", args=[report.pk])
    case = reverse("admin:disputes_case_change", args=[Case.objects.get().pk])
    officer, agent = Client(), Client()
    officer.force_login(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    agent.force_login(make_user(roles=(Role.CS_AGENT,)))

    theirs, others = (who.get(case).content.decode() for who in (officer, agent))

    assert case in pages
    assert f'href="{link}"' in theirs
    assert link not in others
    assert f"{report.report_number} rev 1" in others


def test_a_text_of_several_lines_is_shown_in_lines() -> None:
    assert openable({}, "-----BEGIN KEY-----\n<a>") == "-----BEGIN KEY-----<br>&lt;a&gt;"


def test_a_no_is_a_word_and_no_fault() -> None:
    page = "unfold/helpers/boolean.html"
    yes, no, unknown = (render_to_string(page, {"value": value}) for value in (True, False, None))
    assert ">Yes<" in yes
    assert ">No<" in no
    assert "red" not in no
    assert unknown.strip() == "-"


def test_an_address_outside_the_admin_is_open_to_everybody() -> None:
    request = Client().get("/admin/login/").wsgi_request

    assert may_open(request, "https://www.gamblingtherapy.org/") is True
    assert may_open(request, reverse("admin:rounds_round_changelist")) is False
