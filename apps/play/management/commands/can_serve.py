import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.play.contracts import GateAnswer
from apps.play.services import can_serve
from apps.providers.selectors import games_by_code, provider_by_code


def _moment(text: str) -> datetime:
    message = f"{text!r} is not a moment with its zone, like 2026-11-22T10:15:30Z"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(message) from error
    raise ArgumentTypeError(message)


class Command(BaseCommand):
    help = (
        "Says whether a game may be served in a jurisdiction, with the certificate that proves it "
        "or every reason against it. The exit status is 0 for yes and 1 for no, so that a "
        "deployment can ask before it ships a build."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("game", metavar="PROVIDER:GAME", help="such as aurora:aurora-slot-01")
        parser.add_argument("--jurisdiction", required=True, help="such as MT or AU-NT")
        parser.add_argument("--build", default="", help="a build; what is deployed by default")
        parser.add_argument(
            "--variant", default="", help="an RTP variant; the deployed one if none"
        )
        parser.add_argument("--at", type=_moment, help="a moment with its zone; now by default")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        provider_code, _, game_code = options["game"].partition(":")
        try:
            game = games_by_code(provider_by_code(provider_code).pk).get(game_code)
        except DomainError as error:
            raise CommandError(str(error), returncode=2) from error
        if game is None:
            raise CommandError(f"{provider_code} has no game {game_code}.", returncode=1)
        at = options["at"] or timezone.now()
        answer = can_serve(
            game_id=game.id,
            jurisdiction=options["jurisdiction"],
            at=at,
            build=options["build"],
            variant=options["variant"],
        )
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(answer, at), indent=2))
        else:
            self._tell(answer, options["game"], options["jurisdiction"], at)
        if not answer.allowed:
            raise SystemExit(1)

    def _tell(self, answer: GateAnswer, game: str, jurisdiction: str, at: datetime) -> None:
        word = "may be served" if answer.allowed else "must not be served"
        self.stdout.write(f"{game} {word} in {jurisdiction} at {at:%Y-%m-%d %H:%M:%S} UTC.")
        if answer.builds:
            self.stdout.write(f"  build {', '.join(answer.builds)}")
        if answer.variants:
            self.stdout.write(f"  variant {', '.join(answer.variants)}")
        proof = answer.certificate
        if proof is not None:
            until = proof.expires_on or "a change or review"
            self.stdout.write(
                f"  proof: {proof.report_number} rev {proof.revision} of {proof.lab}, until {until}"
            )
        if answer.override_ends_at is not None:
            until = f"{answer.override_ends_at:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"  by override {answer.override_id}, until {until}, in spite of:")
        for reason in (*answer.reasons, *answer.remarks):
            self.stdout.write(f"  {reason.code}: {reason.text}")


def _as_json(answer: GateAnswer, at: datetime) -> dict[str, Any]:
    proof, ends_at = answer.certificate, answer.override_ends_at
    return {
        "allowed": answer.allowed,
        "at": at.isoformat(),
        "builds": list(answer.builds),
        "variants": list(answer.variants),
        "reasons": [_reason(reason) for reason in answer.reasons],
        "remarks": [_reason(remark) for remark in answer.remarks],
        "certificate": None
        if proof is None
        else {
            "lab": proof.lab,
            "report_number": proof.report_number,
            "revision": proof.revision,
            "expires_on": str(proof.expires_on) if proof.expires_on else None,
        },
        "override": None
        if ends_at is None
        else {"id": answer.override_id, "ends_at": ends_at.isoformat()},
    }


def _reason(reason: Any) -> dict[str, str]:
    return {"code": reason.code, "text": reason.text, "rule": reason.rule}
