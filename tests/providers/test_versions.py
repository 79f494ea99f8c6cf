"""What services changed on a row can be read on its page: what it was, what it is, who and why."""

from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.players.contracts import LimitRequest
from apps.players.services import set_limit
from apps.providers.models import Certificate
from apps.providers.services.builds import Editing
from apps.providers.services.scope import ReportTerms, set_terms
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_player, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate() -> Certificate:
    return make_cover(make_game(make_provider()))


def history_of(client: Client, name: str, pk: int) -> str:
    answer = client.get(reverse(f"admin:{name}_history", args=[pk]))
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).split())


def test_a_report_says_what_each_edit_changed_and_why(
    client: Client, certificate: Certificate, now: datetime
) -> None:
    sync_roles(now=now)
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    terms = ReportTerms(signatory="Ada Lund", conditions="", supersedes_id=None)
    set_terms(certificate.pk, terms, Editing(officer, "Read on page 2.", timezone.now()))
    client.force_login(make_user("reads", roles=(Role.COMPLIANCE_OFFICER,)))
    page = reverse("admin:providers_certificate_change", args=[certificate.pk])
    link = reverse("admin:providers_certificate_history", args=[certificate.pk])
    assert link in client.get(page).content.decode()
    text = history_of(client, "providers_certificate", certificate.pk)
    assert "Signed for the lab by</strong>: - → Ada Lund" in text
    assert "Read on page 2." in text
    assert officer.username in text
    # Its page shows the cover of now beside the columns: an old version has none of its own.
    version = Certificate.history.first().pk
    assert f"{link}{version}/" not in text
    assert client.post(link).status_code in {403, 405}


def test_the_history_of_a_row_is_for_those_who_may_see_the_row(
    client: Client, certificate: Certificate, now: datetime
) -> None:
    sync_roles(now=now)
    player = make_player()
    limit = set_limit(
        LimitRequest(player.pk, "deposit_1m", "player", "p-1001", "Asked.", 5_000), now=now
    )
    other = set_limit(
        LimitRequest(player.pk, "deposit_1m", "player", "p-1001", "Less.", 2_000),
        now=now + timedelta(hours=1),
    )
    assert limit.limit_id is not None
    assert other.limit_id != limit.limit_id
    client.force_login(make_user(roles=(Role.CS_AGENT,)))
    assert "Effective until</strong>: - →" in history_of(client, "players_limit", limit.limit_id)
    hidden = reverse("admin:providers_certificate_history", args=[certificate.pk])
    assert client.get(hidden).status_code == 403
