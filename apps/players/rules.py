"""The jurisdictions' rules and support links, as data with their source (data/*.json).

A regulator's number changes on a day: a new entry with its own ``effective_from`` is a commit that
somebody reviews, and can be shipped before that day. ``*`` is our own choice for everywhere else.
"""

import json
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from apps.players.contracts import Rule, SupportLink
from apps.players.enums import RuleKind

EVERYWHERE: Final = "*"
CHECK_EVERY: Final = timedelta(days=90)

_ADULT: Final = 18
_DATA: Final = Path(__file__).parent / "data"


@cache
def all_rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            id=entry["id"],
            jurisdiction=entry["jurisdiction"],
            kind=RuleKind(entry["kind"]).value,
            value=entry["value"],
            citation=entry["citation"],
            effective_from=date.fromisoformat(entry["effective_from"]),
            effective_to=_day(entry.get("effective_to")),
            evidence=entry["evidence"],
            checked_on=_day(entry["checked_on"]),
            currency=entry.get("currency", ""),
            category=entry.get("category", ""),
            below_age=entry.get("below_age"),
            url=entry.get("url", ""),
            quote=entry.get("quote", ""),
        )
        for entry in _entries("rules.json")
    )


@cache
def all_support_links() -> tuple[SupportLink, ...]:
    return tuple(
        SupportLink(
            id=entry["id"],
            jurisdiction=entry["jurisdiction"],
            name=entry["name"],
            phone=entry["phone"],
            url=entry["url"],
            evidence=entry["evidence"],
            checked_on=_day(entry["checked_on"]),
        )
        for entry in _entries("support.json")
    )


def rule_value(kind: RuleKind, jurisdiction: str, on: date) -> int | None:
    """Return what the nearest rule in force says: of the region, the country, or our own choice."""
    rules = _nearest(kind.value, jurisdiction, on)
    return max(rules, key=lambda rule: rule.effective_from).value if rules else None


def is_demanded(kind: RuleKind, jurisdiction: str, on: date) -> bool:
    """Tell whether a yes-or-no rule asks for something there; where none is on file, it does."""
    return rule_value(kind, jurisdiction, on) != 0


def minimum_age(jurisdiction: str, on: date) -> int:
    """Return from which age one may play; never under 18, whatever the catalogue says."""
    return max(_ADULT, rule_value(RuleKind.MINIMUM_AGE, jurisdiction, on) or _ADULT)


def hours_or_days(kind: RuleKind, jurisdiction: str, on: date) -> timedelta:
    """Return a rule's duration; days for the shortest self-exclusion, hours for every delay."""
    value = rule_value(kind, jurisdiction, on)
    if value is None:
        # The catalogue has an entry for everywhere; before its first day nothing is raised sooner.
        value = 180 if kind == RuleKind.SELF_EXCLUSION_MINIMUM else 168
    if kind == RuleKind.SELF_EXCLUSION_MINIMUM:
        return timedelta(days=value)
    return timedelta(hours=value)


def is_never_reopened(jurisdiction: str, on: date) -> bool:
    return bool(rule_value(RuleKind.NEVER_REOPENED, jurisdiction, on))


def capped_jurisdictions() -> list[str]:
    """Return where stakes are capped by law, whatever the day; regions count to their country."""
    return sorted({rule.jurisdiction for rule in all_rules() if rule.kind == RuleKind.STAKE_CAP})


def capped_categories(jurisdiction: str, on: date) -> list[str]:
    found = _nearest(RuleKind.STAKE_CAP.value, jurisdiction, on)
    return sorted({rule.category for rule in found})


def stake_cap(
    jurisdiction: str, currency: str, category: str, *, born: date | None, on: date
) -> int | None:
    """Return the largest stake per game cycle, in minor units, or None where none is set.

    Without a date of birth the player counts as young. Where the law caps the category but in
    another currency, the cap is zero: we don't convert a legal limit by a rate of our own.
    """
    rules = [
        rule
        for rule in _nearest(RuleKind.STAKE_CAP.value, jurisdiction, on)
        if rule.category == category
    ]
    applying = [
        rule.value
        for rule in rules
        if rule.currency == currency
        and (rule.below_age is None or born is None or age_on(born, on) < rule.below_age)
    ]
    if applying:
        return min(applying)
    return 0 if rules else None


def product_prohibition(jurisdiction: str, category: str, on: date) -> Rule | None:
    """Return the rule that forbids the product there, or None; a region's word goes first."""
    rule = _of_product(RuleKind.PRODUCT_PROHIBITED, jurisdiction, category, on)
    return rule if rule is not None and rule.value else None


def rtp_floor(jurisdiction: str, category: str, on: date) -> Rule | None:
    """Return the rule that sets the lowest theoretical RTP there, in basis points, or None."""
    return _of_product(RuleKind.RTP_FLOOR, jurisdiction, category, on)


def _of_product(kind: RuleKind, jurisdiction: str, category: str, on: date) -> Rule | None:
    """Return the strictest rule of the nearest place that reaches the category."""
    for place in _places(jurisdiction):
        found = [
            rule
            for rule in all_rules()
            if rule.kind == kind.value
            and rule.jurisdiction == place
            and rule.category in {"", category}
            and rule.is_in_force(on)
        ]
        if found:
            return max(found, key=lambda rule: rule.value)
    return None


def age_on(born: date, on: date) -> int:
    """Return full years; who was born on 29 February is a year older on 1 March."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def support_links(jurisdiction: str) -> tuple[SupportLink, ...]:
    """Return where players of the jurisdiction find help; never empty."""
    for place in _places(jurisdiction):
        links = tuple(link for link in all_support_links() if link.jurisdiction == place)
        if links:
            return links
    return ()


def is_check_due(checked_on: date | None, today: date) -> bool:
    """Tell whether nobody has looked at the source for too long, or ever."""
    return checked_on is None or checked_on + CHECK_EVERY < today


def _nearest(kind: str, jurisdiction: str, on: date) -> list[Rule]:
    for place in _places(jurisdiction):
        found = [
            rule
            for rule in all_rules()
            if rule.kind == kind and rule.jurisdiction == place and rule.is_in_force(on)
        ]
        if found:
            return found
    return []


def _places(jurisdiction: str) -> tuple[str, str, str]:
    return (jurisdiction, jurisdiction.partition("-")[0], EVERYWHERE)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _entries(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((_DATA / name).read_text(encoding="utf-8"))
    return entries
