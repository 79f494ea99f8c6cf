"""The officer's home says what waits, and leads there."""

from datetime import date, datetime

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.compliance.models import Renewal
from tests.compliance.makers import make_duty, run_desk
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db


def home_of(username: str, now: datetime) -> str:
    person = make_user(username, roles=("Compliance officer",))
    make_duty(person)
    provider = make_provider()
    make_cover(make_game(provider, offered_in=("MT", "GB")), expires_on=date(2026, 12, 1))
    make_game(provider, "aurora-wake", offered_in=("MT", "GB", "AU-NT"))
    run_desk(now)
    browser = Client()
    with time_machine.travel(now, tick=False):
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return browser.get(reverse("admin:index")).content.decode()


def test_the_officers_home_leads_to_renewals_gaps_drafts_and_rules(now: datetime) -> None:
    call_command("seed_roles", verbosity=0)
    page = home_of("olga", now)
    renewal = Renewal.objects.get()
    assert reverse("admin:compliance_renewal_change", args=[renewal.pk]) in page
    assert "due in 9 days" in page
    assert "aurora-wake in GB and 1 more" in page
    assert "1 of them prohibited by law" in page
    assert "Documents to confirm" in page
    assert "Rules to check against their source" in page
    places = [page.index(title) for title in ("Renewals awaiting you", "Offers without cover")]
    assert places == sorted(places)
    assert max(places) < page.index("Certificates that end")


def test_nobodys_renewals_wait_for_everybody_on_the_desk(now: datetime) -> None:
    call_command("seed_roles", verbosity=0)
    home_of("olga", now)
    Renewal.objects.update(owner=None)
    person = make_user("mia", roles=("Compliance officer",))
    browser = Client()
    with time_machine.travel(now, tick=False):
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        page = browser.get(reverse("admin:index")).content.decode()
    assert "open, nobody&#x27;s" in page or "open, nobody's" in page
