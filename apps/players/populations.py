"""What of player protection an auditor draws samples of and exports."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from apps.core.populations import Member, Narrowing, Population, export_file
from apps.players.enums import LimitKind
from apps.players.models import Exclusion, Limit, Move, Player, ProtectionCheck, RealityCheck
from apps.players.selectors.protection import display_limit


def ids_of_players_in(jurisdiction: str, as_of: datetime) -> QuerySet[Any, int]:
    """Return who was registered there at a moment: the place left by the first move after it.

    The history of the row would not do: of players added before it began with how they were added,
    it begins with their first change.
    """
    later = Move.objects.filter(player_id=OuterRef("pk"), moved_at__gt=as_of)
    left = Subquery(later.order_by("moved_at", "pk").values("left")[:1])
    found = Player.objects.annotate(place=Coalesce(left, "jurisdiction"))
    return found.filter(place=jurisdiction).values_list("pk", flat=True)


def of_players_in(rows: QuerySet[Any], narrowing: Narrowing, player: str) -> QuerySet[Any]:
    """Keep the rows of players who were registered in the jurisdiction, where one is named."""
    if not narrowing.jurisdiction:
        return rows
    ids = ids_of_players_in(narrowing.jurisdiction, narrowing.as_of)
    return rows.filter(**{f"{player}__in": ids})


def _in_period(rows: QuerySet[Any], moment: str, narrowing: Narrowing) -> QuerySet[Any]:
    found = rows.filter(
        **{f"{moment}__gte": narrowing.since, f"{moment}__lt": narrowing.until},
    )
    return narrowing.bounded(of_players_in(found, narrowing, "player_id"))


def _limit_changes(narrowing: Narrowing) -> QuerySet[Any]:
    return _in_period(Limit.history.all(), "history_date", narrowing)


def _limit_members(ids: Sequence[int]) -> dict[int, Member]:
    found = Limit.history.filter(history_id__in=ids).select_related("player")
    return {one.history_id: _limit_member(one) for one in found}


def _limit_member(version: Any) -> Member:
    amount = version.amount_minor if version.minutes is None else version.minutes
    shown = display_limit(version.kind, amount or 0, version.player.currency)
    return Member(
        reference=f"limit {version.id}, version {version.history_id}",
        what=f"{version.player.player_ref}: {LimitKind(version.kind).label} {shown}",
        at=version.history_date,
        link=_protection_of(version.player_id),
    )


def _members(
    kind: str, found: QuerySet[Any], moment: str, what: Callable[[Any], str]
) -> dict[int, Member]:
    """Say of each row whose it is and what happened; the link is the player's protection."""
    return {
        one.pk: Member(
            reference=f"{kind} {one.pk}",
            what=f"{one.player.player_ref}: {what(one)}",
            at=getattr(one, moment),
            link=_protection_of(one.player_id),
        )
        for one in found.select_related("player")
    }


def _exclusions(narrowing: Narrowing) -> QuerySet[Any]:
    return _in_period(Exclusion.objects.all(), "created_at", narrowing)


def _exclusion_members(ids: Sequence[int]) -> dict[int, Member]:
    found = Exclusion.objects.filter(pk__in=ids)
    return _members("exclusion", found, "created_at", _said_of_exclusion)


def _said_of_exclusion(exclusion: Exclusion) -> str:
    return exclusion.get_kind_display()


def _checks(narrowing: Narrowing) -> QuerySet[Any]:
    return _in_period(ProtectionCheck.objects.all(), "checked_at", narrowing)


def _check_members(ids: Sequence[int]) -> dict[int, Member]:
    found = ProtectionCheck.objects.filter(pk__in=ids)
    return _members("check", found, "checked_at", _said_of_check)


def _said_of_check(check: ProtectionCheck) -> str:
    verdict = "allowed" if check.is_allowed else f"refused: {', '.join(check.codes)}"
    return f"{check.get_kind_display()}, {verdict}"


def _reality_checks(narrowing: Narrowing) -> QuerySet[Any]:
    return _in_period(RealityCheck.objects.all(), "happened_at", narrowing)


def _reality_check_members(ids: Sequence[int]) -> dict[int, Member]:
    found = RealityCheck.objects.filter(pk__in=ids)
    return _members("reality check", found, "happened_at", _said_of_reality_check)


def _said_of_reality_check(check: RealityCheck) -> str:
    return f"{check.get_step_display()} after {check.minutes_played} minutes"


def _protection_of(player_id: int) -> str:
    return reverse("admin:players_playerprotection_change", args=[player_id])


PLAYER_COLUMNS: Final = {
    "id": "pk",
    "player": "player_ref",
    "jurisdiction": "jurisdiction",
    "currency": "currency",
    "status": "status",
    "kyc": "kyc_status",
    "date_of_birth": "date_of_birth",
    "created_at": "created_at",
}

PLAYERS_FILE: Final = export_file(
    "players.csv",
    PLAYER_COLUMNS,
    of=lambda members: Player.objects.filter(pk__in=members.values("player_id")),
    personal=Player.personal_fields,
)

POPULATIONS: Final = (
    Population(
        name="limit_changes",
        label="Limit changes",
        moment="made",
        permission="players.view_limit",
        rows=_limit_changes,
        members=_limit_members,
        filters=frozenset({"jurisdiction"}),
        files=[
            export_file(
                "limit_changes.csv",
                {
                    "version": "history_id",
                    "limit": "id",
                    "player": "player__player_ref",
                    "currency": "player__currency",
                    "kind": "kind",
                    "amount_minor": "amount_minor",
                    "minutes": "minutes",
                    "effective_from": "effective_from",
                    "effective_until": "effective_until",
                    "cancelled_at": "cancelled_at",
                    "source": "source",
                    "asked_by": "asked_by",
                    "reason": "reason",
                    "step": "history_type",
                    "at": "history_date",
                },
                personal=["reason"],
            ),
            PLAYERS_FILE,
        ],
    ),
    Population(
        name="exclusions",
        label="Exclusions and closures",
        moment="recorded",
        permission="players.view_playerprotection",
        rows=_exclusions,
        members=_exclusion_members,
        filters=frozenset({"jurisdiction"}),
        files=[
            export_file(
                "exclusions.csv",
                {
                    "id": "pk",
                    "player": "player__player_ref",
                    "kind": "kind",
                    "starts_at": "starts_at",
                    "ends_at": "ends_at",
                    "ending": "ending",
                    "earliest_end_at": "earliest_end_at",
                    "source": "source",
                    "asked_by": "asked_by",
                    "reason": "reason",
                    "recorded_at": "created_at",
                    "end_requested_at": "end__requested_at",
                    "end_effective_at": "end__effective_at",
                    "end_asked_by": "end__asked_by",
                    "end_reason": "end__reason",
                },
                personal=["reason", "end_reason"],
            ),
            PLAYERS_FILE,
        ],
    ),
    Population(
        name="protection_checks",
        label="Protection checks",
        moment="made",
        permission="players.view_protectionrecord",
        rows=_checks,
        members=_check_members,
        filters=frozenset({"jurisdiction"}),
        files=[
            export_file(
                "protection_checks.csv",
                {
                    "id": "pk",
                    "player": "player__player_ref",
                    "kind": "kind",
                    "jurisdiction": "jurisdiction",
                    "is_allowed": "is_allowed",
                    "codes": "codes",
                    "basis": "basis",
                    "at": "checked_at",
                },
            ),
            PLAYERS_FILE,
        ],
    ),
    Population(
        name="reality_checks",
        label="Reality checks",
        moment="happened",
        permission="players.view_protectionrecord",
        rows=_reality_checks,
        members=_reality_check_members,
        filters=frozenset({"jurisdiction"}),
        files=[
            export_file(
                "reality_checks.csv",
                {
                    "id": "pk",
                    "player": "player__player_ref",
                    "step": "step",
                    "minutes_played": "minutes_played",
                    "session": "session_ref",
                    "at": "happened_at",
                },
            ),
            PLAYERS_FILE,
        ],
    ),
)
