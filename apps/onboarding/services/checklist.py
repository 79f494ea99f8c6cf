"""Keeping the checklist: proofs, the kit's runs, and what a person records."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.errors import ReasonRequiredError
from apps.core.services import publish, record_audit
from apps.onboarding.contracts import Finding, Subject
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.errors import IncompleteRunError, PromiseTooShortError
from apps.onboarding.events import ItemBroke
from apps.onboarding.models import AcceptanceRun, ItemProof, Onboarding, RetentionPromise
from apps.onboarding.selectors import setting_hash, subject_of
from apps.onboarding.services.proving import look_at
from apps.staff.services.approvals import Person


@transaction.atomic
def open_onboarding(provider_code: str, *, now: datetime) -> Onboarding:
    """Give a provider its checklist; safe to repeat.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    subject = subject_of(provider_code)
    onboarding, _ = Onboarding.objects.get_or_create(
        provider_id=subject.id, defaults={"opened_at": now}
    )
    return onboarding


def prove(
    provider_code: str,
    items: Iterable[ChecklistItem] = tuple(ChecklistItem),
    *,
    acting_user: Person | None,
    reason: str = "",
    now: datetime,
) -> list[ItemProof]:
    """Look at items now and keep what was found; an item that turned red is told once.

    A look that somebody asked for with a ``reason`` is an entry of the audit chain too. Call it
    outside a transaction: some items are asked of the provider's own servers.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    onboarding = open_onboarding(provider_code, now=now)
    subject = subject_of(provider_code)
    found = [(item, look_at(item, onboarding, subject, now)) for item in items]
    proofs = [
        _keep(onboarding, subject, item, finding, acting_user=acting_user, now=now)
        for item, finding in found
    ]
    if reason:
        record_audit(
            action="onboarding.items_looked_at",
            actor=acting_user,
            subject=f"provider:{provider_code}",
            details={proof.item: proof.is_green for proof in proofs},
            reason=reason,
            now=now,
        )
    return proofs


@transaction.atomic
def _keep(
    onboarding: Onboarding,
    subject: Subject,
    item: ChecklistItem,
    finding: Finding,
    *,
    acting_user: Person | None,
    now: datetime,
) -> ItemProof:
    # Two looks at once write one after the other, so that only one of them turns the item red.
    Onboarding.objects.select_for_update(no_key=True).get(pk=onboarding.pk)
    before = onboarding.proofs.filter(item=item).order_by("-pk").first()
    proof = ItemProof.objects.create(
        onboarding=onboarding,
        item=item,
        is_green=finding.is_green,
        summary=finding.summary,
        evidence=finding.evidence,
        proved_at=now,
        proved_by_id=None if acting_user is None else acting_user.pk,
    )
    if before is not None and before.is_green and not proof.is_green:
        publish(ItemBroke(provider=subject.code, item=item.value, proof_id=proof.pk), now=now)
    return proof


def record_acceptance(report: dict[str, Any], *, now: datetime) -> ItemProof:
    """Keep a whole run of the acceptance kit and look at the item again.

    ``report`` is the kit's own JSON.

    Raises:
        IncompleteRunError: scenarios were left out.
        UnknownProviderError: no provider carries the report's code.
    """
    if not report["is_whole"]:
        raise IncompleteRunError
    onboarding = open_onboarding(report["provider"], now=now)
    subject = subject_of(report["provider"])
    AcceptanceRun.objects.create(
        onboarding=onboarding,
        kit_version=report["kit_version"],
        dialect=report["dialect"],
        is_green=report["is_green"],
        report=report,
        setting_hash=setting_hash(subject),
        played_at=datetime.fromisoformat(report["played_at"]),
    )
    return prove(subject.code, [ChecklistItem.ACCEPTANCE], acting_user=None, now=now)[0]


def record_promise(
    provider_code: str, *, months: int, reference: str, acting_user: Person, now: datetime
) -> ItemProof:
    """Record how long the provider promised to keep its rounds, and where that is written.

    Raises:
        PromiseTooShortError: it is shorter than our contract with it needs.
        ReasonRequiredError: nobody said where it is written.
        UnknownProviderError: no provider carries this code.
    """
    where = reference.strip()
    if not where or acting_user.pk is None:
        raise ReasonRequiredError
    subject = subject_of(provider_code)
    least = max(12, subject.retention_months)
    if months < least:
        raise PromiseTooShortError(months, least)
    onboarding = open_onboarding(provider_code, now=now)
    with transaction.atomic():
        RetentionPromise.objects.create(
            onboarding=onboarding,
            months=months,
            reference=where,
            recorded_at=now,
            recorded_by_id=acting_user.pk,
        )
        record_audit(
            action="onboarding.promise_recorded",
            actor=acting_user,
            subject=f"provider:{provider_code}",
            details={"months": months},
            reason=where,
            now=now,
        )
    return prove(provider_code, [ChecklistItem.RETENTION], acting_user=acting_user, now=now)[0]
