"""Before the day begins: people, provider, players, campaign, bonus, certificates."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.core.management import call_command

from apps.bonuses.contracts import RuleTerms, WeightTable
from apps.bonuses.enums import RequirementBasis
from apps.bonuses.selectors import active_rule, describe_requirement, grant_by_key
from apps.bonuses.services.grants import grant_bonus
from apps.bonuses.services.rules import create_rule, request_activation
from apps.core.money import display_money
from apps.players.selectors import player_by_ref
from apps.promotions.contracts import CampaignContent
from apps.promotions.enums import CampaignState
from apps.promotions.selectors import campaign_by_code
from apps.promotions.services.campaigns import create_campaign
from apps.promotions.services.review import submit_campaign
from apps.promotions.services.schedule import go_live
from apps.providers.enums import RootState
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.certificates import proposed_roots
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.root_proposals import propose_decision
from apps.providers.services.trust import recheck_signatures
from apps.simulator.borealis.home import CODE, REGULAR_PLAYER
from apps.simulator.borealis.rounds import PROMO, STAKES_MINOR
from apps.simulator.certificates.folder import make_lab_folder
from apps.simulator.certificates.reports import NORTH
from apps.simulator.demo.going_live import begin_live, load_with_first_key
from apps.simulator.demo.people import CHARACTERS, seed_people
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding
from apps.staff.home_cards import LIMIT
from apps.staff.services import approve

RULE: Final = "welcome-200"
GRANT_KEY: Final = f"demo:{RULE}:{REGULAR_PLAYER}"
DEPOSIT_MINOR: Final = 10_000
REQUIRED_MINOR: Final = 1_200_000
"""40 times (deposit 100.00 + bonus 200.00): the sum a bonus rule is judged by."""


def migrate(_stage: Stage) -> Finding:
    """Bring the database to the code's shape; it may be the first time."""
    call_command("migrate", interactive=False, verbosity=0)
    return Finding(is_held=True, text="The database fits the code.")


def seed(stage: Stage) -> Finding:
    """Make roles and people; a second run finds them."""
    stage.people = seed_people(stage.data_dir / "demo" / "password.txt", now=stage.clock())
    roles = {one.role for one in CHARACTERS}
    return Finding(
        is_held=True,
        text=f"{len(stage.people.users)} people in {len(roles)} roles.",
        figures={"people": len(stage.people.users)},
    )


def load_reference_data(stage: Stage) -> Finding:
    """Load the provider, its games and its players with their opening balances, twice.

    The second time must change nothing.
    """
    load_with_first_key(stage.home.path, stage.data_dir / "demo")
    call_command("load_provider", str(stage.home.path), verbosity=0, stdout=_Silence())
    call_command("load_provider", str(stage.home.path), verbosity=0, stdout=_Silence())
    begin_live(stage)
    player = player_by_ref(REGULAR_PLAYER)
    return Finding(
        is_held=player.player_ref == REGULAR_PLAYER,
        text=f"Provider {CODE} with its games and players; loading twice is loading once.",
    )


def register_certificates(stage: Stage) -> Finding:
    """Import the laboratory's folder; two officers trust its root, as after a phone call."""
    folder = make_lab_folder(stage.data_dir / "demo" / "certificates", now=stage.clock())
    request = ImportRequest(folder=folder.path, trust=(), acting_user=None, now=stage.clock())
    report = import_folder(request, stage.tell)
    trusted = _trust_roots(stage)
    return Finding(
        is_held=not report.has_failed
        and len(report.registered) + len(report.unchanged) == len(folder.reports),
        text=f"{len(report.registered)} registered, {len(report.unchanged)} known already; "
        f"{trusted} root trusted by two people; renewals to upload lie in {folder.renewals}.",
        figures={"registered": len(report.registered), "unchanged": len(report.unchanged)},
    )


def _trust_roots(stage: Stage) -> int:
    officer, deputy = stage.staff["compliance"], stage.staff["compliance-deputy"]
    roots = [root for root in proposed_roots(limit=LIMIT) if root.lab.name == NORTH]
    for root in roots:
        approval_id = propose_decision(
            root_id=root.pk,
            wanted=RootState.TRUSTED,
            acting_user=officer,
            reason="The laboratory read the fingerprint out on the telephone.",
            now=stage.clock(),
        )
        reason = "Compared with the laboratory's letter."
        approve(approval_id=approval_id, user=deputy, reason=reason, now=stage.clock())
        with PdfVetter() as vetter:
            recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=stage.clock())
    return len(roots)


def launch_campaign(stage: Stage) -> Finding:
    """Have one promo manager write a campaign and another approve it, then put it live."""
    now = stage.clock()
    known = campaign_by_code(stage.provider_id, PROMO.campaign)
    if known is not None and known.state == CampaignState.LIVE and known.ends_at > now:
        return Finding(is_held=True, text=f"{PROMO.campaign} is live already.")
    author, approver = stage.staff["promo"], stage.staff["promo-colleague"]
    campaign = create_campaign(_campaign(stage.provider_id, now), acting_user=author, now=now)
    approval_id = submit_campaign(
        campaign_id=campaign.pk, acting_user=author, reason="For the demonstration.", now=now
    )
    approve(approval_id=approval_id, user=approver, reason="Read and agreed.", now=stage.clock())
    live = go_live(
        campaign_id=campaign.pk, acting_user=approver, reason="Begins now.", now=stage.clock()
    )
    return Finding(
        is_held=live.state == CampaignState.LIVE,
        text=f"{PROMO.campaign}, written by {author}, approved by {approver}, is live.",
    )


def _campaign(provider_id: int, now: datetime) -> CampaignContent:
    return CampaignContent(
        provider_id=provider_id,
        code=PROMO.campaign,
        name="Double weekend",
        multiplier=Decimal(PROMO.multiplier),
        starts_at=now - timedelta(minutes=5),
        ends_at=now + timedelta(days=365),
        terms_version="1",
        terms="Wins on marked slot rounds are doubled. 18+. Play for fun, stop when it stops.",
    )


def grant_welcome_bonus(stage: Stage) -> Finding:
    """Grant 100 at 200 % with 40 times D+B: the requirement is 12,000.00 to the cent."""
    now = stage.clock()
    if active_rule(RULE) is None:
        _activate_rule(stage, now)
    player = player_by_ref(REGULAR_PLAYER)
    grant = grant_by_key(GRANT_KEY) or grant_bonus(
        player_id=player.id,
        rule_code=RULE,
        deposit_minor=DEPOSIT_MINOR,
        acting_user=stage.staff["promo"],
        idempotency_key=GRANT_KEY,
        now=now,
    )
    return Finding(
        is_held=grant.required_minor == REQUIRED_MINOR,
        text=f"{REGULAR_PLAYER}: {describe_requirement(grant)}",
        figures={
            "player": REGULAR_PLAYER,
            "bonus": display_money(grant.bonus_minor, grant.currency),
            "required": display_money(grant.required_minor, grant.currency),
        },
    )


def _activate_rule(stage: Stage, now: datetime) -> None:
    terms = RuleTerms(
        code=RULE,
        name="Welcome bonus",
        currency="AUD",
        percent_bp=20_000,
        basis=RequirementBasis.DEPOSIT_AND_BONUS,
        requirement_multiple=Decimal(40),
        expires_after_days=30,
        max_bet_minor=STAKES_MINOR[-1],
    )
    weights = WeightTable(
        categories={"slot": 10_000, "roulette": 1_000, "live": 1_000, "blackjack": 500}
    )
    rule = create_rule(terms, weights, acting_user=stage.staff["promo"], now=now)
    approval_id = request_activation(
        rule_id=rule.pk,
        acting_user=stage.staff["promo"],
        reason="The welcome offer.",
        now=now,
    )
    approve(
        approval_id=approval_id,
        user=stage.staff["promo-colleague"],
        reason="Terms checked.",
        now=stage.clock(),
    )


class _Silence:
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)
