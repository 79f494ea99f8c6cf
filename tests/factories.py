"""Small makers of the rows that tests stand on. Add yours below the last, sorted by app."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.models import (
    Certificate,
    CertificateGame,
    CertificateJurisdiction,
    Document,
    Game,
    GameOffer,
    GateOverride,
    Lab,
    Provider,
)
from apps.staff.enums import Role
from apps.staff.models import Approval, AuditorSeat, User

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"


def make_user(
    username: str = "", *, permissions: tuple[str, ...] = (), roles: tuple[str, ...] = ()
) -> User:
    """Make an active member of staff; permissions are ``app_label.codename``."""
    user = User.objects.create_user(
        username=username or f"person-{next(_numbers)}", password=PASSWORD, is_staff=True
    )
    for name in permissions:
        label, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=label, codename=codename)
        )
    for role in roles:
        user.groups.add(Group.objects.get(name=role))
    if Role.AUDITOR in roles:
        make_seat(user)
    return user


def make_seat(person: User, *, start: timedelta = -timedelta(days=30)) -> AuditorSeat:
    """Give an auditor ninety days to read, begun a month ago."""
    now = timezone.now()
    return AuditorSeat.objects.create(
        person=person,
        starts_at=now + start,
        ends_at=now + start + timedelta(days=90),
        purpose="The yearly audit.",
        granted_by=User.objects.create_user(f"granter-{next(_numbers)}"),
        granted_at=now,
    )


MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)


def make_player(
    player_ref: str = "", *, currency: str = "EUR", jurisdiction: str = "MT", status: str = "active"
) -> Player:
    return Player.objects.create(
        player_ref=player_ref or f"p-{next(_numbers)}",
        currency=currency,
        jurisdiction=jurisdiction,
        kyc_status="verified",
        status=status,
        created_at=MADE_AT,
    )


def make_provider(code: str = "aurora") -> Provider:
    return Provider.objects.create(
        code=code, name=code.title(), protocol="native", wallet_model="hold"
    )


def make_game(
    provider: Provider, game_code: str = "aurora-reef", *, offered_in: tuple[str, ...] = ("MT",)
) -> Game:
    """Make an active slot, offered but without certificate cover; see ``make_cover``."""
    game = Game.objects.create(
        provider=provider,
        game_code=game_code,
        name=game_code.replace("-", " ").title(),
        category="slot",
        theoretical_rtp=Decimal("0.9610"),
    )
    for jurisdiction in offered_in:
        GameOffer.objects.create(game=game, jurisdiction=jurisdiction)
    return game


def make_override(game: Game, jurisdiction: str, now: datetime) -> GateOverride:
    """Let two people stand in for the report that the game lacks there, for a day from ``now``."""
    one, two = make_user(), make_user()
    approval = Approval.objects.create(
        kind="providers.gate_override",
        subject=f"{game.pk}:{jurisdiction}",
        title="Override",
        payload={},
        payload_hash="0" * 64,
        requested_by=one,
        requested_at=now,
        request_reason="The lab is late.",
    )
    return GateOverride.objects.create(
        game=game,
        jurisdiction=jurisdiction,
        starts_at=now,
        ends_at=now + timedelta(days=1),
        reason="The lab is late.",
        requested_by=one,
        approved_by=two,
        approval=approval,
        created_at=now,
    )


def make_cover(
    game: Game, jurisdiction: str = "MT", *, expires_on: date = date(2027, 6, 30)
) -> Certificate:
    """Make a game certificate that covers the game from 1 January 2026 through ``expires_on``."""
    number = next(_numbers)
    lab, _ = Lab.objects.get_or_create(name="Northlight Labs", defaults={"created_at": MADE_AT})
    document = Document.objects.create(
        sha256=f"{number:064x}",
        size_bytes=1,
        storage_key=f"certificates/{number}",
        original_name=f"{number}.pdf",
        page_count=1,
        link_count=0,
        signature_state="none",
        signature_checked_at=MADE_AT,
        judged_after_decisions=0,
        created_at=MADE_AT,
    )
    certificate = Certificate.objects.create(
        lab=lab,
        report_number=f"NL-{number}",
        revision=1,
        kind="game",
        provider_code=game.provider.code,
        issued_on=date(2026, 1, 1),
        effective_on=date(2026, 1, 1),
        expires_on=expires_on,
        result="complies",
        document=document,
        is_rehearsal=jurisdiction == REHEARSAL_JURISDICTION,
        created_at=MADE_AT,
    )
    CertificateGame.objects.create(certificate=certificate, game_code=game.game_code)
    CertificateJurisdiction.objects.create(certificate=certificate, jurisdiction=jurisdiction)
    return certificate
