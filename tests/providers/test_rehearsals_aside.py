"""What the acceptance kit registers for its own games stays out of the officers' lists."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client

from apps.providers.models import (
    Certificate,
    CertificateFlag,
    CertificateJurisdiction,
    Deployment,
    Game,
    GameBuild,
    Lab,
    RtpVariant,
)
from apps.providers.selectors.certificates import standings_on
from apps.providers.selectors.matrix import desk_dates
from apps.providers.selectors.rehearsals import rehearsed_certificates
from apps.providers.services.builds import (
    Editing,
    NewBuild,
    NewDeployment,
    NewVariant,
    add_build,
    add_variant,
    deploy,
)
from apps.providers.services.certificates import withdraw_certificate
from apps.providers.services.check_certificates import check_certificates
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_provider, make_user
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db

MODELS = {
    "certificate": Certificate,
    "certificateflag": CertificateFlag,
    "deployment": Deployment,
    "game": Game,
    "gamebuild": GameBuild,
    "lab": Lab,
    "rtpvariant": RtpVariant,
}


@pytest.fixture
def client(now: datetime) -> Client:
    """Make a game for play and the kit's own, each with all that the desk lists of it."""
    sync_roles(now=now)
    provider = make_provider()
    editing = Editing(None, "For the test.", now)
    for code, place in (("aurora-reef", "MT"), ("acceptance-test", "ZZ")):
        game = make_game(provider, code, offered_in=(place,))
        report = make_cover(game, place, expires_on=date(2026, 11, 1))
        report.lab = Lab.objects.create(name=f"Lab of {code}", created_at=now)
        report.save()
        CertificateFlag.objects.create(
            certificate=report,
            kind="expired",
            ends_on=report.expires_on,
            flagged_on=now.date(),
            created_at=now,
        )
        build = add_build(NewBuild(game_id=game.pk, version="1.0"), editing)
        add_variant(NewVariant(game.pk, "A", Decimal(96), "PAR sheet, page 1"), editing)
        deploy(NewDeployment("MT", build.pk, None, now), editing)
    client = Client()
    client.force_login(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    return client


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_list_begins_with_what_is_for_play_and_finds_a_rehearsal_when_asked(
    client: Client, name: str
) -> None:
    def listed(**asked: str) -> int:
        page = client.get(f"/admin/providers/{name}/", asked)
        return len(page.context["cl"].result_list)

    extra = 1 if name == "lab" else 0
    assert MODELS[name]._default_manager.count() == 2 + extra
    assert (listed(), listed(rehearsals="only"), listed(rehearsals="all")) == (
        1 + extra,
        1,
        2 + extra,
    )


def test_a_document_of_a_rehearsal_is_left_out_and_one_that_proves_nothing_yet_is_not(
    client: Client,
) -> None:
    assert len(client.get("/admin/providers/document/").context["cl"].result_list) == 1
    real = Certificate.objects.exclude(jurisdictions__jurisdiction="ZZ").get()
    row = real.document
    row.pk, row.sha256, row.storage_key = None, "f" * 64, "certificates/none"
    row.save(force_insert=True)
    assert len(client.get("/admin/providers/document/").context["cl"].result_list) == 2


def test_what_is_no_certificate_is_never_flagged_and_stands_on_no_home_page(
    client: Client, now: datetime
) -> None:
    on = now.date()
    assert {one.report_number for one in standings_on(on)} == {
        Certificate.objects.exclude(jurisdictions__jurisdiction="ZZ").get().report_number
    }
    report = check_certificates(on=on, now=now, is_recorded=False)
    kit = Certificate.objects.get(jurisdictions__jurisdiction="ZZ").report_number
    assert kit not in str(report)
    assert kit not in client.get("/admin/").content.decode()


def test_no_date_of_a_rehearsal_stands_in_the_calendar(client: Client) -> None:
    day = date(2026, 11, 1)
    real = Certificate.objects.exclude(jurisdictions__jurisdiction="ZZ").get()
    assert [one.certificate_id for one in desk_dates(day, day)] == [real.pk]


@pytest.mark.django_db(transaction=True)
def test_reports_from_before_are_the_kits_only_where_they_name_no_real_place(now: datetime) -> None:
    game = make_game(make_provider())
    real, kit, both = make_cover(game), make_cover(game, "ZZ"), make_cover(game)
    with schema_at("providers", "0022_one_lab_per_name"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO providers_certificatejurisdiction (certificate_id, jurisdiction)"
            " VALUES (%s, 'ZZ')",
            [both.pk],
        )
    named = CertificateJurisdiction.objects.order_by("pk").values_list(
        "certificate", "jurisdiction", "names_rehearsal"
    )
    assert list(named) == [
        (real.pk, "MT", False),
        (kit.pk, "ZZ", True),
        (both.pk, "MT", False),
        (both.pk, "ZZ", True),
    ]
    assert list(Certificate.objects.filter(rehearsed_certificates())) == [kit]
    versions = Certificate.history.order_by("id").values_list("id", "is_rehearsal")
    assert list(versions) == [(real.pk, False), (kit.pk, True), (both.pk, False)]
    # What names both stays a real report, and a person can withdraw it.
    withdraw_certificate(
        certificate_id=both.pk, acting_user=None, reason="It names no real place.", now=now
    )


def test_a_list_says_how_many_it_shows_and_offers_all_only_where_something_hides_some(
    client: Client,
) -> None:
    def head(query: str) -> str:
        text = client.get(f"/admin/providers/game/{query}").content.decode()
        return " ".join(text.partition("<h1")[2].partition("</h1>")[0].split())

    assert "1 result" in head("")
    assert "Show all" not in head("")
    for query in ("?rehearsals=only", "?q=aurora-reef"):
        assert "1 result (<a" in head(query)
        assert "Show all" in head(query)
