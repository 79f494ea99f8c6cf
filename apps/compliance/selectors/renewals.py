"""How renewals, duties and reminders are read."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.compliance.enums import CLOSED_RENEWALS, ReminderRole, RenewalState
from apps.compliance.models import CalendarFeed, DeskDuty, Reminder, Renewal, RenewalNote
from apps.providers.enums import CertificateState
from apps.providers.selectors.lapses import End
from apps.staff.selectors import Person, administrators, people_with

WORK: Final = "compliance.work_renewal"
WHOSE: Final = (
    ("awaiting", "Mine or nobody's, not closed"),
    ("mine", "Mine, not closed"),
    ("deputy", "Mine as deputy, not closed"),
    ("nobody", "Nobody's yet"),
    ("open", "All not closed"),
    ("overdue", "Overdue"),
    ("soon", "Due within 30 days"),
)


def with_relations(renewals: QuerySet[Renewal]) -> QuerySet[Renewal]:
    return renewals.select_related("certificate__lab", "successor", "owner", "deputy")


def waiting_renewals() -> QuerySet[Renewal]:
    """Return what is not closed, the nearest end first."""
    waiting = Renewal.objects.exclude(state__in=CLOSED_RENEWALS)
    return with_relations(waiting).order_by("due_on", "pk")


def renewals_of(certificate_ids: Iterable[int]) -> dict[int, Renewal]:
    """Return the newest renewal of each certificate that ever had one, by certificate."""
    found = with_relations(Renewal.objects.filter(certificate_id__in=list(certificate_ids)))
    return {renewal.certificate_id: renewal for renewal in found.order_by("pk")}


def filter_whose(
    renewals: QuerySet[Renewal], whose: str, person: Person, today: date
) -> QuerySet[Renewal]:
    """Keep what ``WHOSE`` names; any other word keeps all."""
    waiting = ~Q(state__in=CLOSED_RENEWALS)
    conditions = {
        "awaiting": waiting & (Q(owner_id=person.pk) | Q(owner__isnull=True)),
        "mine": waiting & Q(owner_id=person.pk),
        "deputy": waiting & Q(deputy_id=person.pk),
        "nobody": waiting & Q(owner__isnull=True),
        "open": waiting,
        "overdue": waiting & Q(due_on__lt=today),
        "soon": waiting & Q(due_on__gte=today, due_on__lte=today + timedelta(days=30)),
    }
    return renewals.filter(conditions.get(whose, Q()))


def notes_of(renewal: Renewal) -> QuerySet[RenewalNote]:
    return renewal.notes.select_related("author").order_by("pk")


def reminders_of(renewal: Renewal) -> QuerySet[Reminder]:
    return renewal.reminders.select_related("recipient", "flag").order_by("-pk")


def reminder_by_id(reminder_id: int) -> Reminder | None:
    return (
        Reminder.objects.select_related(
            "recipient", "flag", "renewal__certificate__lab", "renewal__owner"
        )
        .filter(pk=reminder_id)
        .first()
    )


def duties_by_provider() -> dict[str, DeskDuty]:
    """Return who looks after which provider, by its code; "" is for every other."""
    duties = DeskDuty.objects.select_related("provider", "owner", "deputy")
    return {duty.provider.code if duty.provider else "": duty for duty in duties}


def worker_ids() -> set[int]:
    """Return everybody who works on renewals, by id."""
    return {person.pk for person in people_with("work_renewal")}


def mailable_people(permission: str) -> list[int]:
    """Return who has a permission and a mail address, else the administrators who have one."""
    people = [person.pk for person in people_with(permission) if person.email]
    return people or [person.pk for person in administrators() if person.email]


def open_renewals_of(certificate_ids: Iterable[int]) -> dict[int, int]:
    """Return the id of the open renewal of each certificate that has one."""
    waiting = waiting_renewals().filter(certificate_id__in=list(certificate_ids))
    return dict(waiting.values_list("certificate_id", "pk"))


def decided_ends(certificate_ids: Iterable[int]) -> set[End]:
    """Return the ends that are decided: not renewed, reviewed, or replaced by what still stands.

    A successor that was withdrawn or recalled since decides nothing any more.
    """
    closed = Renewal.objects.filter(
        Q(state__in=[RenewalState.WONT_RENEW, RenewalState.REVIEWED])
        | Q(state=RenewalState.DONE, successor__state=CertificateState.REGISTERED)
        & Q(successor__recalled_on__isnull=True),
        certificate_id__in=list(certificate_ids),
    )
    return {End(*row) for row in closed.values_list("certificate_id", "end_kind", "ends_on")}


def flags_told(flag_ids: Iterable[int]) -> set[int]:
    """Return those of the flags that anybody was reminded of."""
    told = Reminder.objects.filter(flag_id__in=list(flag_ids))
    return set(told.values_list("flag_id", flat=True))


def silent_reminders() -> list[Reminder]:
    """Return reminders to owners that nobody acknowledged and no deputy was told of.

    Only the newest of a renewal counts: what it says is what the older ones said, and nearer.
    """
    told_on = Reminder.objects.filter(flag=OuterRef("flag")).exclude(role=ReminderRole.OWNER)
    silent = (
        Reminder.objects.filter(role=ReminderRole.OWNER)
        .exclude(renewal__state__in=CLOSED_RENEWALS)
        .filter(
            Q(renewal__acknowledged_at__isnull=True)
            | Q(renewal__acknowledged_at__lt=F("created_at"))
        )
        .order_by("renewal_id", "-pk")
        .distinct("renewal_id")
        .values("pk")
    )
    return list(
        Reminder.objects.filter(pk__in=silent)
        .filter(~Exists(told_on))
        .select_related("flag", "renewal__certificate")
        .order_by("pk")
    )


def live_feed_of(person: Person) -> CalendarFeed | None:
    return CalendarFeed.objects.filter(person_id=person.pk, revoked_at=None).first()


def awaiting(person: Person, *, limit: int) -> list[Renewal]:
    """Return the open renewals of a person, then those of nobody, by due day."""
    open_to = Q(owner_id=person.pk) | Q(owner__isnull=True)
    mine_first = F("owner_id").asc(nulls_last=True)
    return list(waiting_renewals().filter(open_to).order_by(mine_first, "due_on", "pk")[:limit])


def reminders_unsent() -> int:
    """Return how many reminders are still on their way."""
    return Reminder.objects.filter(sent_at__isnull=True, problem="").count()


def reminders_with_a_problem(*, limit: int) -> list[Reminder]:
    """Return the reminders of open renewals that could not be mailed, the newest first."""
    failed = Reminder.objects.exclude(problem="").exclude(renewal__state__in=CLOSED_RENEWALS)
    return list(failed.select_related("recipient", "renewal__certificate").order_by("-pk")[:limit])
