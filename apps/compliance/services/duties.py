"""Who looks after which provider's certificates, and giving them what nobody has."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.compliance.enums import RenewalNoteKind
from apps.compliance.locks import lock_renewals
from apps.compliance.models import DeskDuty, RenewalNote
from apps.compliance.selectors.renewals import duties_by_provider, waiting_renewals
from apps.core.history import note_edit
from apps.core.services import record_audit
from apps.providers.selectors import provider_by_code
from apps.staff.selectors import names_of


@dataclass(frozen=True, slots=True)
class Duty:
    """Who has the duty, by id; an empty provider code is every provider without its own."""

    provider_code: str
    owner_id: int
    deputy_id: int | None


@transaction.atomic
def ensure_duty(duty: Duty, *, reason: str, now: datetime) -> DeskDuty:
    """Give a provider's certificates to somebody unless somebody has them; for seeding."""
    known = duties_by_provider().get(duty.provider_code)
    if known is not None:
        return known
    made = DeskDuty(
        provider=provider_by_code(duty.provider_code) if duty.provider_code else None,
        owner_id=duty.owner_id,
        deputy_id=duty.deputy_id,
    )
    note_edit(made, acting_user=None, reason=reason, now=now)
    made.save(force_insert=True)
    record_audit(
        action="compliance.deskduty.added",
        actor=None,
        subject=f"compliance.deskduty:{made.pk}",
        details={"provider": duty.provider_code},
        reason=reason,
        now=now,
    )
    give_to_duty(provider_code=duty.provider_code, now=now)
    return made


@transaction.atomic
def give_to_duty(*, provider_code: str, now: datetime) -> int:
    """Give renewals that nobody has to whoever has the duty now; return how many."""
    duties = duties_by_provider()
    duty = duties.get(provider_code)
    orphans = waiting_renewals().filter(owner__isnull=True)
    if duty is None:
        return 0
    if provider_code:
        orphans = orphans.filter(certificate__provider_code=provider_code)
    else:
        own = [code for code in duties if code]
        orphans = orphans.exclude(certificate__provider_code__in=own)
    owner = names_of([duty.owner_id])[duty.owner_id]
    locked = lock_renewals(orphans.values_list("pk", flat=True))
    given = 0
    for renewal in locked.values():
        if renewal.owner_id is not None or renewal.closed_at is not None:
            continue
        renewal.owner_id, renewal.deputy_id = duty.owner_id, duty.deputy_id
        renewal.save(update_fields=["owner", "deputy"])
        RenewalNote.objects.create(
            renewal=renewal,
            kind=RenewalNoteKind.ASSIGNED,
            body=f"Given to {owner} by the desk's duties.",
            created_at=now,
        )
        given += 1
    return given
