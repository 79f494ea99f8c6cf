"""Make, approve and retire versions of bonus rules."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from apps.bonuses.arithmetic import match_minor, requirement_minor
from apps.bonuses.contracts import FULL_WEIGHT_BP, RuleTerms, WeightTable
from apps.bonuses.enums import RequirementBasis, RuleState
from apps.bonuses.errors import RuleChangedError, RuleNotDraftError, RuleTermsError, SignedOutError
from apps.bonuses.jurisdictions import check_requirement
from apps.bonuses.locks import lock_rule, lock_rule_code
from apps.bonuses.models import BonusRule, GameWeight
from apps.core.history import note_edit
from apps.core.money import MAX_MINOR, exponent
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

ACTIVATION: Final = "bonuses.rule_activation"

# The deposit on which a rule is checked against a jurisdiction's cap: large enough that rounding
# to minor units can't hide a difference.
_SAMPLE_DEPOSIT_MINOR: Final = 10**9

MAX_PERCENT_BP: Final = 1_000_000
MAX_DAYS: Final = 3_650
MAX_MULTIPLE: Final = 10_000


@transaction.atomic
def create_rule(
    terms: RuleTerms,
    weights: WeightTable,
    *,
    acting_user: Person,
    reason: str = "Created.",
    now: datetime,
) -> BonusRule:
    """Make a draft: version 1 of a new code, or the next version of one that exists.

    Raises:
        RuleTermsError: a term is missing, not positive, or contradicts another one.
        UnknownCurrencyError: the currency isn't in the ISO 4217 table.
    """
    check_terms(terms)
    lock_rule_code(terms.code)
    rule = BonusRule(
        **asdict(terms),
        version=_next_version(terms.code),
        created_by_id=author_id(acting_user),
        created_at=now,
    )
    note_edit(rule, acting_user=acting_user, reason=reason, now=now)
    rule.save(force_insert=True)
    GameWeight.objects.bulk_create(_weight_rows(rule, weights))
    return rule


@transaction.atomic
def edit_rule(
    *, rule_id: int, terms: RuleTerms, acting_user: Person, reason: str, now: datetime
) -> BonusRule:
    """Change the terms of a draft; its code stays.

    A request for approval made before is void from then on, because it binds the former content.

    Raises:
        RuleNotDraftError: the rule is active or retired.
        RuleTermsError, UnknownCurrencyError: see ``create_rule``.
        SignedOutError: nobody is signed in.
    """
    check_terms(terms)
    author_id(acting_user)
    rule = lock_rule(rule_id)
    if rule.state != RuleState.DRAFT:
        raise RuleNotDraftError(rule)
    if terms.code != rule.code:
        raise RuleTermsError(
            "The code names all versions of a rule and can't change.", concerns="code"
        )
    for name, value in asdict(terms).items():
        setattr(rule, name, value)
    note_edit(rule, acting_user=acting_user, reason=reason, now=now)
    rule.save(update_fields=list(asdict(terms)))
    return rule


@transaction.atomic
def new_version(*, rule_id: int, acting_user: Person, reason: str, now: datetime) -> BonusRule:
    """Copy a rule and its weights into a draft of the next version.

    Raises:
        ReasonRequiredError: nobody said why.
        UnknownRuleError: there is no such rule.
    """
    words = require_reason(reason)
    source = lock_rule(rule_id)
    return create_rule(
        terms_of(source), weights_of(source), acting_user=acting_user, reason=words, now=now
    )


@transaction.atomic
def request_activation(*, rule_id: int, acting_user: Person, reason: str, now: datetime) -> int:
    """Ask a second person to make a draft the active version; returns the approval's id.

    Raises:
        RuleNotDraftError: the rule is active or retired.
        RuleTermsError: no game counts, or a term is wrong.
        RequirementTooHighError: the rule asks for more than its jurisdiction allows.
    """
    rule = lock_rule(rule_id)
    if rule.state != RuleState.DRAFT:
        raise RuleNotDraftError(rule)
    check_rule(rule, now=now)
    approval = request_approval(
        kind=ACTIVATION,
        subject=f"bonus-rule:{rule.pk}",
        title=f"Activate bonus rule {rule}: {rule.name}",
        payload=rule_content(rule),
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_activation(payload: dict[str, Any]) -> None:
    """Refuse when the draft isn't what was asked to be approved; locks the rule.

    Raises:
        RuleChangedError: its terms or weights changed.
        RuleNotDraftError: it is no draft any more.
    """
    rule = lock_rule(int(payload["rule_id"]))
    if rule.state != RuleState.DRAFT:
        raise RuleNotDraftError(rule)
    if rule_content(rule) != payload:
        raise RuleChangedError(rule)


def editors_of_rule(payload: dict[str, Any]) -> set[int]:
    """Return who wrote the draft, from its history: none of them may approve it."""
    history = BonusRule.history.filter(id=int(payload["rule_id"]))
    writers = set(history.exclude(history_user=None).values_list("history_user_id", flat=True))
    authors = BonusRule.objects.filter(pk=int(payload["rule_id"]))
    return writers | set(authors.values_list("created_by_id", flat=True))


def execute_activation(grant: ApprovalGrant) -> dict[str, Any]:
    """Make the approved draft active and retire the version before it; runs inside the approval.

    Raises:
        RuleChangedError, RuleNotDraftError: see ``recheck_activation``.
    """
    recheck_activation(grant.payload)
    rule = lock_rule(int(grant.payload["rule_id"]))
    lock_rule_code(rule.code)
    check_rule(rule, now=grant.now)
    approved = f"Approval {grant.approval_id}"
    for former in BonusRule.objects.filter(code=rule.code, state=RuleState.ACTIVE):
        note_edit(former, acting_user=None, reason=approved, now=grant.now)
        _set_state(former, RuleState.RETIRED)
    rule.activated_at = grant.now
    rule.approval_id = grant.approval_id
    note_edit(rule, acting_user=None, reason=approved, now=grant.now)
    _set_state(rule, RuleState.ACTIVE, "activated_at", "approval")
    return {"rule_id": rule.pk, "version": rule.version}


@transaction.atomic
def retire_rule(*, rule_id: int, acting_user: Person, reason: str, now: datetime) -> BonusRule:
    """Stop new grants under a rule, or drop a draft; grants already made go on under its terms.

    Raises:
        RuleTermsError: no reason is given.
    """
    rule = lock_rule(rule_id)
    if not reason.strip():
        raise RuleTermsError("Say why the rule is retired.", concerns="reason")
    if rule.state != RuleState.RETIRED:
        note_edit(rule, acting_user=acting_user, reason=reason, now=now)
        _set_state(rule, RuleState.RETIRED)
        record_audit(
            action="bonuses.rule.retired",
            actor=acting_user,
            subject=f"bonus-rule:{rule.pk}",
            details={"code": rule.code, "version": rule.version},
            reason=reason,
            now=now,
        )
    return rule


def check_rule(rule: BonusRule, *, now: datetime) -> None:
    """Refuse a rule that can't be activated.

    Raises:
        RuleTermsError, UnknownCurrencyError: as ``check_terms`` says, or no game counts.
        RequirementTooHighError: the law of the place allows no such requirement.
    """
    terms = terms_of(rule)
    check_terms(terms)
    if not any(rule.weights.values_list("weight_bp", flat=True)):
        raise RuleTermsError("No game counts under this rule: its requirement could not be met.")
    bonus_minor = match_minor(_SAMPLE_DEPOSIT_MINOR, terms.percent_bp, None)
    required_minor = requirement_minor(
        multiple=terms.requirement_multiple,
        basis=terms.basis,
        deposit_minor=_SAMPLE_DEPOSIT_MINOR,
        bonus_minor=bonus_minor,
    )
    check_requirement(
        rule.jurisdiction, required_minor=required_minor, bonus_minor=bonus_minor, at=now
    )


def check_terms(terms: RuleTerms) -> None:
    """Refuse terms that no version may have.

    Raises:
        RuleTermsError: a term is missing or not positive.
        UnknownCurrencyError: the currency isn't in the ISO 4217 table.
    """
    exponent(terms.currency)
    if terms.basis not in RequirementBasis.values:
        raise RuleTermsError(
            f"The requirement is on the bonus or on both, not {terms.basis!r}.", concerns="basis"
        )
    for name in ("max_bonus_minor", "max_bet_minor", "contribution_cap_minor"):
        limit = getattr(terms, name)
        if limit is not None and not 0 < limit <= MAX_MINOR:
            raise RuleTermsError(
                "Maximum bonus, maximum bet and cap must be above zero, or left out.",
                concerns=name,
            )
    if not 0 < terms.percent_bp <= MAX_PERCENT_BP:
        raise RuleTermsError("The match is above 0 % and at most 10,000 %.", concerns="percent_bp")
    if not 0 < terms.expires_after_days <= MAX_DAYS:
        raise RuleTermsError(
            "A bonus is valid for at least a day and at most ten years.",
            concerns="expires_after_days",
        )
    _check_multiple(terms.requirement_multiple)
    _check_words(terms)


def _check_multiple(multiple: Decimal) -> None:
    if not multiple.is_finite() or not 0 < multiple < MAX_MULTIPLE:
        raise RuleTermsError(
            "The multiple must be above 0 and below 10,000.", concerns="requirement_multiple"
        )
    if multiple != multiple.quantize(Decimal("0.01")):
        raise RuleTermsError(
            "The multiple has at most two decimals.", concerns="requirement_multiple"
        )


def _check_words(terms: RuleTerms) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", terms.code) or len(terms.code) > 64:
        raise RuleTermsError(
            "The code is small letters, digits and single hyphens, at most 64.", concerns="code"
        )
    if not terms.name.strip() or len(terms.name) > 120 or "\x00" in terms.name:
        raise RuleTermsError("The rule needs a name of at most 120 characters.", concerns="name")
    if len(terms.jurisdiction) > 16 or "\x00" in terms.jurisdiction:
        raise RuleTermsError(
            "A jurisdiction is a code such as MT or AU-NT.", concerns="jurisdiction"
        )


def terms_of(rule: BonusRule) -> RuleTerms:
    names = RuleTerms.__dataclass_fields__
    return RuleTerms(**{name: getattr(rule, name) for name in names})


def weights_of(rule: BonusRule) -> WeightTable:
    rows = list(rule.weights.all())
    return WeightTable(
        games={row.game_code: row.weight_bp for row in rows if row.game_code},
        categories={row.category: row.weight_bp for row in rows if row.category},
    )


def author_id(person: Person) -> int:
    """Return the id of a signed-in member of staff.

    Raises:
        SignedOutError: nobody is signed in.
    """
    if person.pk is None:
        raise SignedOutError
    return person.pk


def rule_content(rule: BonusRule) -> dict[str, Any]:
    """Return everything a second person agrees to, as plain JSON."""
    terms = asdict(terms_of(rule))
    weights = weights_of(rule)
    return {
        "rule_id": rule.pk,
        "version": rule.version,
        **terms,
        "requirement_multiple": f"{rule.requirement_multiple:.2f}",
        "game_weights_bp": dict(sorted(weights.games.items())),
        "category_weights_bp": dict(sorted(weights.categories.items())),
    }


def _next_version(code: str) -> int:
    latest = BonusRule.objects.filter(code=code).aggregate(latest=Max("version"))["latest"]
    return int(latest or 0) + 1


def _weight_rows(rule: BonusRule, weights: WeightTable) -> list[GameWeight]:
    lines: list[tuple[str, Mapping[str, int]]] = [
        ("game_code", weights.games),
        ("category", weights.categories),
    ]
    for _, table in lines:
        if any(not 0 <= weight_bp <= FULL_WEIGHT_BP for weight_bp in table.values()):
            raise RuleTermsError("A weight is between 0 and 10,000 basis points.")
    return [
        GameWeight(rule=rule, weight_bp=weight_bp, **{field: name})
        for field, table in lines
        for name, weight_bp in table.items()
    ]


def _set_state(rule: BonusRule, state: RuleState, *also: str) -> None:
    rule.state = state
    rule.save(update_fields=["state", *also])
