"""Keeping what an audit of pots against a provider's figures found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.core.services.publish import publish
from apps.staff.services.approvals import Person
from apps.wallet.contracts import AuditReport, ComparedPot
from apps.wallet.enums import FindingState
from apps.wallet.errors import FindingExplainedError
from apps.wallet.events import WalletDrifted
from apps.wallet.models import AuditFinding, WalletAudit


@dataclass(frozen=True, slots=True)
class _Difference:
    """A pot for which the provider stated another figure than ours, at an event."""

    pot: ComparedPot
    ours_minor: int
    theirs_minor: int
    event_at: datetime

    @classmethod
    def of(cls, pot: ComparedPot) -> "_Difference | None":
        ours, theirs = pot.ours_minor, pot.theirs_minor
        if ours is None or theirs is None or pot.event_at is None:
            return None
        return cls(pot, ours, theirs, pot.event_at)


@transaction.atomic
def record_comparison(
    provider_id: int, provider_code: str, pots: Sequence[ComparedPot], *, now: datetime
) -> AuditReport:
    """Keep one audit of a provider and its new findings, and tell who listens of drift.

    A difference that an earlier audit found at the same event is not found again, nor one that is
    only carried along since.
    """
    differing = [_Difference.of(pot) for pot in pots]
    new = _not_found_before([one for one in differing if one is not None])
    heard = sum(pot.words > 0 for pot in pots)
    audit = WalletAudit.objects.create(
        provider_id=provider_id,
        provider_code=provider_code,
        compared=heard,
        unheard=len(pots) - heard,
        words=sum(pot.words for pot in pots),
        findings=len(new),
        audited_at=now,
    )
    AuditFinding.objects.bulk_create(
        AuditFinding(
            audit=audit,
            account_id=one.pot.account_id,
            provider_code=provider_code,
            currency=one.pot.currency,
            event_id=one.pot.event_id,
            event_at=one.event_at,
            ours_minor=one.ours_minor,
            theirs_minor=one.theirs_minor,
            event_before=one.pot.event_before,
            theirs_before_minor=one.pot.theirs_before_minor,
            moved_minor=one.pot.moved_minor,
        )
        for one in new
    )
    if new:
        publish(
            WalletDrifted(audit_id=audit.pk, provider=provider_code, findings=len(new)), now=now
        )
    return AuditReport(
        audit_id=audit.pk,
        provider_code=provider_code,
        compared=audit.compared,
        unheard=audit.unheard,
        words=audit.words,
        findings=audit.findings,
        audited_at=now,
    )


@transaction.atomic
def explain_finding(*, finding_id: int, acting_user: Person, reason: str, now: datetime) -> None:
    """Close a finding with the words that explain it.

    Raises:
        ReasonRequiredError: nobody said why.
        FindingExplainedError: somebody explained it already.
    """
    words = require_reason(reason)
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


def _not_found_before(differing: Sequence[_Difference]) -> list[_Difference]:
    accounts = [one.pot.account_id for one in differing]
    found = AuditFinding.objects.filter(account_id__in=accounts)
    rows = list(found.values_list("account_id", "event_id", "theirs_minor", "ours_minor"))
    events = {(account_id, event_id) for account_id, event_id, _, _ in rows}
    carried = {(account_id, theirs - ours) for account_id, _, theirs, ours in rows}
    return [
        one
        for one in differing
        if (one.pot.account_id, one.pot.event_id) not in events
        and not (
            one.pot.is_carried
            and (one.pot.account_id, one.theirs_minor - one.ours_minor) in carried
        )
    ]
