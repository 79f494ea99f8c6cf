"""An RTP is shown one way, and each certified figure with the report that states it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.core.percents import display_percent
from apps.providers.contracts import GameRecord
from apps.providers.errors import RtpNotStatedError
from apps.providers.models import (
    Certificate,
    CertificateDraft,
    CertificateRtpVariant,
    DraftField,
    Game,
    RtpVariant,
)
from apps.providers.selectors.catalogue import rtp_stated_since
from apps.providers.selectors.variants import stated_rtps
from apps.providers.services.builds import Editing, NewVariant, add_variant
from apps.providers.services.catalogue import save_games
from apps.providers.services.certificates import withdraw_certificate
from apps.providers.services.variants import name_source
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def game() -> Game:
    return make_game(make_provider())


@pytest.fixture
def why(now: datetime) -> Editing:
    return Editing(None, "Read in the report.", now)


@pytest.fixture
def variant(game: Game, why: Editing) -> RtpVariant:
    return add_variant(NewVariant(game.pk, "A", Decimal("98.85"), "PAR sheet, page 2"), why)


def stating(game: Game, *claims: str, game_code: str = "", variant_code: str = "") -> Certificate:
    report = make_cover(game)
    for figure in claims:
        CertificateRtpVariant.objects.create(
            certificate=report,
            rtp_percent=Decimal(figure),
            game_code=game_code,
            variant_code=variant_code,
        )
    return report


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        ("98.8500", "98.85 %"),
        ("95.0000", "95.00 %"),
        ("96.1", "96.10 %"),
        ("96.1234", "96.1234 %"),
        ("100", "100.00 %"),
        ("0.5", "0.50 %"),
    ],
)
def test_a_percentage_has_two_decimals_or_as_many_as_it_has(percent: str, shown: str) -> None:
    assert display_percent(Decimal(percent)) == shown


def test_a_variant_names_the_report_that_states_its_figure_and_keeps_where_it_stood_before(
    game: Game, variant: RtpVariant, why: Editing
) -> None:
    report = stating(game, "96.10", "98.85")
    name_source(variant.pk, report.pk, "page 3", why)
    named = name_source(variant.pk, report.pk, "page 3", why)
    assert (named.certificate, named.source) == (report, f"{report}, page 3")
    assert [row.source for row in RtpVariant.history.order_by("history_id")] == [
        "PAR sheet, page 2",
        f"{report}, page 3",
    ]
    assert AuditEntry.objects.filter(action="providers.variant.source_named").count() == 1
    again = NewVariant(game.pk, "A", Decimal("98.85"), "PAR sheet, page 2")
    assert add_variant(again, why).source == f"{report}, page 3"


def test_a_report_that_does_not_state_the_figure_for_the_game_is_refused(
    game: Game, variant: RtpVariant, why: Editing, now: datetime
) -> None:
    other_game = make_game(game.provider, "aurora-two")
    withdrawn = stating(game, "98.85")
    withdraw_certificate(certificate_id=withdrawn.pk, acting_user=None, reason="Recalled.", now=now)
    for report in (
        stating(game, "98.84"),
        stating(game),
        stating(other_game, "98.85"),
        stating(game, "98.85", game_code=other_game.game_code),
        stating(game, "98.85", game_code=game.game_code, variant_code="B"),
        withdrawn,
    ):
        with pytest.raises(RtpNotStatedError):
            name_source(variant.pk, report.pk, "page 1", why)
    stated = stating(game, "98.85", game_code=game.game_code, variant_code="A")
    with pytest.raises(ReasonRequiredError):
        name_source(variant.pk, stated.pk, "page 1", Editing(None, " ", now))
    variant.refresh_from_db()
    assert (variant.certificate, variant.source) == (None, "PAR sheet, page 2")
    assert RtpVariant.history.count() == 1


def test_the_figures_of_every_report_are_shown_with_their_page_and_who_confirmed_them(
    game: Game, variant: RtpVariant, why: Editing, now: datetime
) -> None:
    sync_roles(now=now)
    officer = make_user("olivia", roles=(Role.COMPLIANCE_OFFICER,))
    imported, reviewed = stating(game, "96.10"), stating(game, "96.10", "98.85")
    draft = CertificateDraft.objects.create(
        document=reviewed.document,
        state="registered",
        door="page",
        file_name="report.pdf",
        certificate=reviewed,
        created_at=now,
        decided_at=now,
        decided_by=officer,
        reason="Compared.",
    )
    DraftField.objects.create(
        draft=draft,
        name="rtp_variants",
        extracted_value="96.10;98.85",
        confirmed_value="96.10;98.85",
        page=3,
        confirmed_at=now,
        confirmed_by=officer,
    )
    name_source(variant.pk, reviewed.pk, "page 3", why)
    found = {one.certificate: one for one in stated_rtps(variant, date(2026, 11, 22))}
    assert found[imported].states_this is False
    assert (found[imported].page, found[imported].confirmed_by) == (None, None)
    assert found[reviewed].figures == (Decimal("96.1"), Decimal("98.85"))
    assert (found[reviewed].states_this, found[reviewed].page) == (True, 3)
    assert (found[reviewed].confirmed_by, found[reviewed].confirmed_at) == ("olivia", now)
    client = Client()
    client.force_login(officer)
    page = client.get(f"/admin/providers/rtpvariant/{variant.pk}/change/").content.decode()
    for text in ("98.85 %", f"{reviewed}, page 3", "96.10, 98.85", "page 3", "olivia, 2026-11-22"):
        assert text in page, text
    game_page = client.get(f"/admin/providers/game/{game.pk}/change/").content.decode()
    assert "96.10 %" in game_page
    assert "0.9610" not in game_page
    for address in ("/admin/providers/rtpvariant/", "/admin/providers/game/"):
        assert "98.8500" not in client.get(address).content.decode()


def test_an_officer_names_the_report_on_the_variants_page(
    game: Game, variant: RtpVariant, now: datetime
) -> None:
    sync_roles(now=now)
    report = stating(game, "98.85")
    client = Client()
    client.force_login(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    sent = {"certificate": report.pk, "place": "page 7", "reason": "Read in the report."}
    client.post(f"/admin/providers/rtpvariant/{variant.pk}/do/name-source/", sent)
    variant.refresh_from_db()
    assert variant.source == f"{report}, page 7"


def test_a_figure_of_the_catalogue_says_who_stated_it_and_since_when(now: datetime) -> None:
    sync_roles(now=now)
    provider = make_provider()
    client = Client()
    client.force_login(make_user(roles=(Role.AUDITOR,)))

    def said_on(day: int, name: str, rtp: str) -> str:
        game = GameRecord("g1", name, "slot", Decimal(rtp), ("MT",))
        save_games(provider.pk, [game], now=now + timedelta(days=day))
        page = f"/admin/providers/game/{Game.objects.get().pk}/change/"
        return client.get(page).content.decode()

    for day, name, rtp, since in (
        (0, "Game", "0.96", "2026-11-22"),
        (1, "Game", "0.94", "2026-11-23"),
        (2, "Other name", "0.94", "2026-11-23"),
        (3, "Other name", "0.96", "2026-11-25"),
    ):
        said = f"Stated by the catalogue of aurora, since {since} (UTC); no report vouches for it."
        assert said in said_on(day, name, rtp)


def test_a_figure_without_a_version_on_file_does_not_pretend_to_know(game: Game) -> None:
    twin = Game(
        provider=game.provider,
        game_code="g2",
        name="Loaded in bulk",
        category="slot",
        theoretical_rtp=Decimal("0.96"),
    )
    Game.objects.bulk_create([twin])
    assert rtp_stated_since(twin) is None
