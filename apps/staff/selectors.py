"""What staff asks about approvals and people."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apps.staff.approvals import registered_kinds
from apps.staff.contracts import VISIT, LookUp
from apps.staff.enums import ApprovalState, Role
from apps.staff.models import Approval, AuditorLookUp, AuditorSeat, User

type Person = User | AnonymousUser


def decidable_kinds(user: Person) -> list[str]:
    """Return the kinds of approval whose permission ``user`` has."""
    return [kind.kind for kind in registered_kinds() if user.has_perm(kind.permission)]


def pending_for(approvals: QuerySet[Approval], user: Person) -> QuerySet[Approval]:
    """Keep what nobody has decided and ``user`` may decide."""
    pending = approvals.filter(state=ApprovalState.PENDING, kind__in=decidable_kinds(user))
    return pending.exclude(requested_by_id=user.pk)


def pending_of(approvals: QuerySet[Approval], user: Person) -> QuerySet[Approval]:
    """Keep what ``user`` asked for and nobody has decided."""
    return approvals.filter(state=ApprovalState.PENDING, requested_by_id=user.pk)


def approvals_awaiting(user: Person, *, limit: int) -> list[Approval]:
    """Return pending approvals that ``user`` may decide, the oldest first."""
    waiting = pending_for(Approval.objects.select_related("requested_by"), user)
    return list(waiting.order_by("requested_at", "pk")[:limit])


def approvals_requested_by(user: Person, *, limit: int) -> list[Approval]:
    """Return ``user``'s own requests that nobody has decided, the oldest first."""
    return list(pending_of(Approval.objects.all(), user).order_by("requested_at", "pk")[:limit])


def approval_of(kind: str, subject: str) -> Approval | None:
    """Return the newest approval of ``kind`` for ``subject``, whatever its state."""
    return (
        Approval.objects.filter(kind=kind, subject=subject)
        .select_related("requested_by", "decided_by")
        .order_by("-pk")
        .first()
    )


def lifetime_of_requests() -> timedelta:
    return timedelta(days=settings.PITBOSS_APPROVAL_DAYS)


def expiry_of(approval: Approval) -> datetime | None:
    """Return from when on the request is too old to be decided; None once it is decided."""
    if approval.state != ApprovalState.PENDING:
        return None
    return approval.requested_at + lifetime_of_requests()


def user_by_username(username: str) -> User | None:
    return User.objects.filter(username=username).first()


def names_of(user_ids: Iterable[int]) -> dict[int, str]:
    """Return how each person is called, by id."""
    return {user.pk: str(user) for user in User.objects.filter(pk__in=list(user_ids))}


def people_with(codename: str) -> list[User]:
    """Return active staff whose roles or own rights give a permission of this name, by name."""
    has = Q(groups__permissions__codename=codename) | Q(user_permissions__codename=codename)
    people = User.objects.filter(has, is_active=True, is_staff=True).distinct()
    return list(people.order_by("display_name", "username"))


def administrators() -> list[User]:
    """Return the active staff who may do everything, by name."""
    people = User.objects.filter(is_superuser=True, is_active=True, is_staff=True)
    return list(people.order_by("display_name", "username"))


def person_by_id(user_id: int) -> User | None:
    return User.objects.filter(pk=user_id, is_active=True).first()


def pending_approvals(kind: str) -> dict[str, Approval]:
    """Return what awaits a second person, by subject."""
    pending = Approval.objects.filter(kind=kind, state=ApprovalState.PENDING)
    return {one.subject: one for one in pending.select_related("requested_by")}


def is_pending(kind: str, subject: str) -> bool:
    """Say whether a request about a subject awaits a second person."""
    return Approval.objects.filter(kind=kind, subject=subject, state=ApprovalState.PENDING).exists()


def approvals_of_subject(kind: str, subject: str) -> list[Approval]:
    """Return every approval ever asked for of a subject, oldest first."""
    approvals = Approval.objects.filter(kind=kind, subject=subject)
    return list(approvals.select_related("requested_by", "decided_by").order_by("pk"))


def agreed_requests(kind: str, subject: str, *, asked_by: int, since: datetime) -> list[Approval]:
    """Return what a person asked for and somebody else agreed to since a moment, latest first."""
    agreed = Approval.objects.filter(
        kind=kind,
        subject=subject,
        state=ApprovalState.EXECUTED,
        requested_by_id=asked_by,
        decided_at__gte=since,
    )
    return list(agreed.order_by("-decided_at", "-pk"))


def decided_approvals(*, limit: int) -> list[Approval]:
    """Return what two people decided last, whatever they decided."""
    undecided = [ApprovalState.PENDING, ApprovalState.CANCELLED, ApprovalState.EXPIRED]
    approvals = Approval.objects.exclude(state__in=undecided)
    decided = approvals.select_related("requested_by", "decided_by")
    return list(decided.order_by("-decided_at", "-pk")[:limit])


def is_auditor(user: Person) -> bool:
    return bool(user.is_authenticated and user.groups.filter(name=Role.AUDITOR).exists())


def open_seat(person_id: int, now: datetime) -> AuditorSeat | None:
    """Return the seat in which this auditor may read now, the one that lasts longest."""
    seats = AuditorSeat.objects.filter(
        person_id=person_id, starts_at__lte=now, ends_at__gt=now, revoked_at__isnull=True
    )
    return seats.order_by("-ends_at", "-pk").first()


def auditors() -> list[User]:
    people = User.objects.filter(groups__name=Role.AUDITOR, is_active=True).distinct()
    return list(people.order_by("display_name", "username"))


def is_visit_logged(look_up: LookUp, now: datetime) -> bool:
    """Say whether this person opened this page with these filters less than ``VISIT`` ago.

    Of longer filters the log holds the beginning only, so nothing is the same as they are.
    """
    same = AuditorLookUp.objects.filter(
        person_id=look_up.person_id,
        seat_id=look_up.seat_id,
        path=look_up.path,
        query=look_up.query,
        status=look_up.status,
        created_at__gt=now - VISIT,
    )
    return same.exists()


def second_factor_since(user_id: int) -> datetime | None:
    """Return when a person enrolled their authenticator app, or None."""
    apps = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP)
    since: datetime | None = apps.values_list("created_at", flat=True).first()
    return since


def recovery_codes_left(user_id: int) -> int:
    kept = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES)
    codes = kept.first()
    return len(codes.wrap().get_unused_codes()) if codes else 0
