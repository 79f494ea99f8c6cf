"""manage.py grant_bonus: give a player a bonus under a rule."""

import json
from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.bonuses.selectors import grant_progress
from apps.bonuses.services.grants import grant_bonus
from apps.core.errors import DomainError
from apps.core.money import display_money, to_minor
from apps.players.selectors import player_by_ref


class Command(BaseCommand):
    help = "Give a player the bonus of a rule for a deposit; the same key gives it once."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--player", required=True, help="player reference, such as p-70000")
        parser.add_argument("--rule", required=True, help="code of an active bonus rule")
        parser.add_argument("--deposit", required=True, help="in main units, such as 100.00")
        parser.add_argument("--key", required=True, help="idempotency key")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            player = player_by_ref(options["player"])
            grant = grant_bonus(
                player_id=player.id,
                rule_code=options["rule"],
                deposit_minor=to_minor(options["deposit"], player.currency),
                acting_user=None,
                idempotency_key=options["key"],
                now=timezone.now(),
            )
        except DomainError as error:
            raise CommandError(f"{error} ({error.code})") from error
        progress = grant_progress(grant)
        if options["json"]:
            facts = {
                "grant": grant.pk,
                "player": player.player_ref,
                "rule": str(grant.rule),
                "state": grant.state,
                "currency": grant.currency,
                "bonus_minor": grant.bonus_minor,
                "required_minor": grant.required_minor,
                "remaining_minor": grant.remaining_minor,
                "requirement": progress.sentence,
            }
            self.stdout.write(json.dumps(facts))
            return
        bonus = display_money(grant.bonus_minor, grant.currency)
        self.stdout.write(f"Grant {grant.pk} to {player.player_ref} under {grant.rule}: {bonus}.")
        self.stdout.write(f"Requirement: {progress.sentence}.")
        self.stdout.write(f"Play it by {grant.expires_at:%Y-%m-%d %H:%M} UTC.")
