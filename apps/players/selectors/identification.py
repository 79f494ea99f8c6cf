"""Who may not start to play or pay in because of age or identity; the rules are data."""

from collections.abc import Iterator
from datetime import date, datetime

from apps.core.jurisdictions import day_in
from apps.players import rules
from apps.players.contracts import PlayerRef, ProtectionReason
from apps.players.enums import CheckKind, KycStatus, RuleKind
from apps.players.models import Player

_IDENTITY_RULES = {
    CheckKind.LAUNCH: RuleKind.IDENTITY_BEFORE_LAUNCH,
    CheckKind.DEPOSIT: RuleKind.IDENTITY_BEFORE_DEPOSIT,
}
_RESOLVE = "Resolve it in the operator's identity system and mirror the player anew."


def identification_reasons(
    player: PlayerRef, kind: CheckKind, now: datetime
) -> Iterator[ProtectionReason]:
    """Return what age and identity say against a launch or a deposit; nothing where they agree.

    A verified identity includes the age. A rejected one refuses everywhere; one not verified yet,
    and an unknown age, refuse where the jurisdiction's rules ask for them first. A birthday begins
    at midnight there.
    """
    born = Player.objects.filter(pk=player.id).values_list("date_of_birth", flat=True).first()
    today = day_in(player.jurisdiction, now)
    yield from _age_reasons(player, born, today)
    if player.kyc_status == KycStatus.REJECTED:
        text = f"The player's identity was checked and rejected. {_RESOLVE}"
        yield ProtectionReason("identity_rejected", text)
    elif player.kyc_status != KycStatus.VERIFIED and rules.is_demanded(
        _IDENTITY_RULES[kind], player.jurisdiction, today
    ):
        before = "game" if kind == CheckKind.LAUNCH else "deposit"
        text = (
            f"In {player.jurisdiction} identity is verified before the first {before}, and the "
            f"player's is {player.kyc_status}. {_RESOLVE}"
        )
        yield ProtectionReason("identity_not_verified", text)


def _age_reasons(player: PlayerRef, born: date | None, today: date) -> Iterator[ProtectionReason]:
    least = rules.minimum_age(player.jurisdiction, today)
    if born is not None:
        if rules.age_on(born, today) < least:
            text = f"In {player.jurisdiction} one may play from the age of {least}. {_RESOLVE}"
            yield ProtectionReason("under_age", text)
    elif player.kyc_status != KycStatus.VERIFIED and rules.is_demanded(
        RuleKind.AGE_PROOF, player.jurisdiction, today
    ):
        text = (
            "The player's age is not known: neither a date of birth nor a verified identity is "
            f"on file. {_RESOLVE}"
        )
        yield ProtectionReason("age_unknown", text)
