"""Rounds, as an auditor draws samples of them and exports them with events and ledger lines."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.urls import reverse

from apps.core.money import display_money
from apps.core.populations import Member, Narrowing, Population, export_file
from apps.players.populations import PLAYERS_FILE, of_players_in
from apps.players.selectors import rehearsal_player_ids
from apps.rounds.models import Round, RoundEvent
from apps.wallet.selectors import transfers_of_subjects


def _rounds(narrowing: Narrowing) -> QuerySet[Any]:
    rows = Round.objects.filter(opened_at__gte=narrowing.since, opened_at__lt=narrowing.until)
    rehearsal = rehearsal_player_ids()
    if rehearsal:
        rows = rows.exclude(player_id__in=rehearsal)
    if narrowing.provider_code:
        rows = rows.filter(provider__code=narrowing.provider_code)
    return narrowing.bounded(of_players_in(rows, narrowing, "player_id"))


def _members(ids: Sequence[int]) -> dict[int, Member]:
    found = Round.objects.filter(pk__in=ids).select_related("provider", "player", "game")
    return {
        one.pk: Member(
            reference=f"{one.provider.code} {one.round_ref}",
            what=f"{one.player.player_ref}, {one.game.game_code}: "
            f"{display_money(one.stake_minor, one.currency)} staked, "
            f"{display_money(one.win_minor, one.currency)} won, {one.get_state_display().lower()}",
            at=one.opened_at,
            link=reverse("admin:rounds_round_change", args=[one.pk]),
        )
        for one in found
    }


def _events(members: QuerySet[Any]) -> QuerySet[Any]:
    return RoundEvent.objects.filter(round_id__in=members.values("pk"))


def _ledger_lines(members: QuerySet[Any]) -> QuerySet[Any]:
    subject = Concat(F("provider__code"), Value(":"), F("event_id"))
    return transfers_of_subjects(_events(members).annotate(subject=subject).values("subject"))


ROUNDS: Final = Population(
    name="rounds",
    label="Rounds",
    moment="opened",
    permission="rounds.view_round",
    rows=_rounds,
    members=_members,
    files=[
        export_file(
            "rounds.csv",
            {
                "id": "pk",
                "provider": "provider__code",
                "round": "round_ref",
                "player": "player__player_ref",
                "game": "game__game_code",
                "currency": "currency",
                "state": "state",
                "stake_minor": "stake_minor",
                "stake_bonus_minor": "stake_bonus_minor",
                "win_minor": "win_minor",
                "events_that_stand": "standing_events",
                "opened_at": "opened_at",
                "settled_at": "settled_at",
            },
        ),
        export_file(
            "events.csv",
            {
                "id": "pk",
                "provider": "provider__code",
                "round": "round_ref",
                "event": "event_id",
                "fingerprint": "fingerprint",
                "player": "player_ref",
                "game": "game_code",
                "type": "round_type",
                "operation": "operation",
                "finalized": "finalized",
                "occurred_at": "occurred_at",
                "received_at": "received_at",
                "currency": "currency",
                "bet_minor": "bet_minor",
                "win_minor": "win_minor",
                "answer": "status",
                "code": "code",
                "money": "money_state",
                "refers_to": "reference_event_id",
                "origin": "origin",
            },
            of=_events,
        ),
        export_file(
            "ledger_lines.csv",
            {
                "id": "pk",
                "subject": "subject",
                "kind": "kind",
                "from_player": "debit_account__player__player_ref",
                "from_pot": "debit_account__pot",
                "from_house": "debit_account__house",
                "to_player": "credit_account__player__player_ref",
                "to_pot": "credit_account__pot",
                "to_house": "credit_account__house",
                "amount_minor": "amount_minor",
                "currency": "currency",
                "key": "idempotency_key",
                "reverses": "reverses_id",
                "occurred_at": "occurred_at",
                "posted_at": "created_at",
            },
            of=_ledger_lines,
        ),
        PLAYERS_FILE,
    ],
)
