"""Keeping what an audit of pots against a provider's figures found."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.core.errors import ReasonRequiredError
from apps.core.services import record_audit
from apps.core.services.publish import publish
from apps.staff.services.approvals import Person
from apps.wallet.contracts import AuditReport, ComparedPot
from apps.wallet.enums import FindingState
from apps.wallet.errors import FindingExplainedError
from apps.wallet.events import WalletDrifted
from apps.wallet.models import AuditFinding, WalletAudit


@transaction.atomic
def record_comparison(
    provider_id: int, provider_code: str, pots: Sequence[ComparedPot], *, now: datetime
) -> AuditReport:
    """Keep one audit of a provider and its new findings, and tell who listens of drift.

    A difference that an earlier audit found at the same event is not found again.
    """
    differing = [
        pot for pot in pots if pot.theirs_minor is not None and pot.theirs_minor != pot.ours_minor
    ]
    known = set(
        AuditFinding.objects.filter(
            account_id__in=[pot.account_id for pot in differing]
        ).values_list("account_id", "event_id")
    )
    new = [pot for pot in differing if (pot.account_id, pot.event_id) not in known]
    heard = sum(pot.theirs_minor is not None for pot in pots)
    audit = WalletAudit.objects.create(
        provider_id=provider_id,
        provider_code=provider_code,
        compared=heard,
        unheard=len(pots) - heard,
        findings=len(new),
        audited_at=now,
    )
    AuditFinding.objects.bulk_create(
        AuditFinding(
            audit=audit,
            account_id=pot.account_id,
            provider_code=provider_code,
            currency=pot.currency,
            event_id=pot.event_id,
            event_at=pot.event_at,
            ours_minor=pot.ours_minor,
            theirs_minor=pot.theirs_minor,
        )
        for pot in new
    )
    if new:
        publish(
            WalletDrifted(audit_id=audit.pk, provider=provider_code, findings=len(new)), now=now
        )
    return AuditReport(audit.pk, provider_code, audit.compared, audit.unheard, audit.findings, now)


@transaction.atomic
def explain_finding(*, finding_id: int, acting_user: Person, reason: str, now: datetime) -> None:
    """Close a finding with the words that explain it.

    Raises:
        ReasonRequiredError: nobody said why.
        FindingExplainedError: somebody explained it already.
    """
    words = reason.strip()
    if not words:
        raise ReasonRequiredError
    finding = AuditFinding.objects.select_for_update().get(pk=finding_id)
    if finding.state == FindingState.EXPLAINED:
        raise FindingExplainedError("This finding was explained already.")
    finding.state = FindingState.EXPLAINED
    finding.explanation = words[:500]
    finding.explained_at = now
    finding.save(update_fields=["state", "explanation", "explained_at"])
    record_audit(
        action="wallet.finding.explained",
        actor=acting_user,
        subject=f"finding:{finding.pk}",
        details={"provider": finding.provider_code, "event_id": finding.event_id},
        reason=words,
        now=now,
    )
