"""A register of the size that the desk must stay quick at: 3,000 games x 12 places x 5 years."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from apps.providers.models import (
    Certificate,
    CertificateGame,
    CertificateJurisdiction,
    Document,
    Game,
    GameOffer,
    Lab,
    Provider,
)
from tests.factories import MADE_AT

PLACES: Final = (
    "AU-NT",
    "BE",
    "DE",
    "DK",
    "ES",
    "GB",
    "IT",
    "MT",
    "NJ",
    "NL",
    "RO",
    "SE",
)
GAMES: Final = 3_000
_PER_REPORT: Final = 5
_YEARS: Final = 5


def fill_register(*, games: int = GAMES, today: date = date(2026, 11, 22)) -> None:
    """Give each report a revision a year; the newest ends between 40 days ago and a year ahead."""
    providers = [
        Provider(code=f"big-{n}", name=f"Big {n}", protocol="native", wallet_model="hold")
        for n in range(4)
    ]
    Provider.objects.bulk_create(providers)
    made = Game.objects.bulk_create(
        [
            Game(
                provider=providers[n % 4],
                game_code=f"big-game-{n:04}",
                name=f"Big game {n:04}",
                category="slot",
                theoretical_rtp=Decimal("0.9610"),
            )
            for n in range(games)
        ],
        batch_size=2000,
    )
    GameOffer.objects.bulk_create(
        [GameOffer(game=game, jurisdiction=place) for game in made for place in PLACES],
        batch_size=5000,
    )
    _fill_reports(made, providers, today)


def _fill_reports(made: list[Game], providers: list[Provider], today: date) -> None:
    lab = Lab.objects.create(name="Northlight Labs", created_at=MADE_AT)
    batches = [
        [game for game in made if game.provider == provider][start : start + _PER_REPORT]
        for provider in providers
        for start in range(0, len(made) // len(providers), _PER_REPORT)
    ]
    documents, certificates, named = [], [], []
    for number, batch in enumerate(batches):
        end = today + timedelta(days=number % 400 - 40)
        for revision in range(_YEARS):
            issued = end - timedelta(days=365 * (_YEARS - revision))
            serial = number * _YEARS + revision
            document = Document(
                sha256=f"{serial:064x}",
                size_bytes=1,
                storage_key=f"big/{serial}",
                original_name=f"{serial}.pdf",
                page_count=1,
                link_count=0,
                signature_state="none",
                signature_checked_at=MADE_AT,
                judged_after_decisions=0,
                created_at=MADE_AT,
            )
            documents.append(document)
            certificates.append(
                Certificate(
                    lab=lab,
                    report_number=f"NL-{number:05}",
                    revision=revision,
                    kind="game",
                    provider_code=batch[0].provider.code,
                    issued_on=issued,
                    effective_on=issued,
                    expires_on=issued + timedelta(days=365),
                    result="complies",
                    document=document,
                    created_at=MADE_AT,
                )
            )
            named.append([game.game_code for game in batch])
    Document.objects.bulk_create(documents, batch_size=2000)
    Certificate.objects.bulk_create(certificates, batch_size=2000)
    CertificateGame.objects.bulk_create(
        [
            CertificateGame(certificate=certificate, game_code=code)
            for certificate, codes in zip(certificates, named, strict=True)
            for code in codes
        ],
        batch_size=5000,
    )
    CertificateJurisdiction.objects.bulk_create(
        [
            CertificateJurisdiction(certificate=certificate, jurisdiction=place)
            for certificate in certificates
            for place in PLACES
        ],
        batch_size=5000,
    )
