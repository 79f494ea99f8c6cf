"""The provider is live from the start, and its checklist is proven by what it did since."""

import base64
import json
import secrets
import shutil
from pathlib import Path
from typing import Final

from django.core.management import call_command

from apps.onboarding.enums import WAIVABLE
from apps.onboarding.services.checklist import prove, record_promise
from apps.providers.enums import KeyState, Permission, ProviderStage
from apps.providers.selectors import provider_by_code
from apps.providers.selectors.keys import keys_of
from apps.providers.services.keys import retire_provider_key
from apps.providers.services.policy import demand_policy
from apps.providers.services.standing import take_live
from apps.simulator.acceptance.bonus import put_rule_in_force
from apps.simulator.borealis.home import CODE
from apps.simulator.demo.commands import run_json
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding

HANDOVER: Final = "handover"
"""Where the first key is: the one that both sides replace before anything is at stake."""


def load_with_first_key(home: Path, folder: Path) -> None:
    """Load the provider as it was handed over, with the key that is rotated away before go-live."""
    handover = folder / HANDOVER
    if handover.exists():
        return
    handover.mkdir(parents=True)
    for name in ("games.csv", "players.csv"):
        shutil.copyfile(home / name, handover / name)
    identity = json.loads((home / "provider.json").read_text())
    identity["webhook_secret"] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (handover / "provider.json").write_text(json.dumps(identity))
    with (folder / "handover.log").open("w") as log:
        call_command("load_provider", str(handover), verbosity=0, stdout=log)


def begin_live(stage: Stage) -> None:
    """Take the provider live as it was before the demonstration: real players play from its start.

    Its checklist is proven later, by what the days before brought. Its rounds were played before
    their sessions could be launched here, so its stakes may come without one.
    """
    if provider_by_code(CODE).stage != ProviderStage.LIVE:
        reason = "It was live before the demonstration's first day."
        flags = {"stake_without_session": Permission.ALLOW}
        demand_policy(CODE, flags, reason=reason, now=stage.clock())
        take_live(CODE, reason=reason, now=stage.clock())


def prove_checklist(stage: Stage) -> Finding:
    """Rotate the key, run the acceptance kit and prove every item of the checklist."""
    engineer = stage.staff["integration"]
    _rotate(stage)
    record_promise(
        CODE,
        months=12,
        reference="Contract of the demonstration, clause 4.2",
        acting_user=engineer,
        now=stage.clock(),
    )
    put_rule_in_force(
        author=stage.staff["promo"], approver=stage.staff["promo-colleague"], now=stage.clock()
    )
    kit = run_json("acceptance", "--provider", CODE, "--to", stage.stack.gateway_url)
    proofs = prove(CODE, acting_user=engineer, now=stage.clock())
    open_items = [proof for proof in proofs if not proof.is_green]
    if any(proof.item not in WAIVABLE for proof in open_items):
        found = " ".join(f"{proof.item}: {proof.summary}" for proof in open_items)
        return Finding(is_held=False, text=f"Not proven. {found}")
    return Finding(
        is_held=kit["is_green"],
        text=f"{kit['counts']['green']} scenarios green, {len(proofs) - len(open_items)} of "
        f"{len(proofs)} items hold, the others two people may waive.",
        figures={
            "scenarios": kit["counts"],
            "items": {proof.item: proof.is_green for proof in proofs},
        },
    )


def _rotate(stage: Stage) -> None:
    """Retire the key of the handover: the provider signs with its own by now."""
    *_, first = keys_of(provider_by_code(CODE).pk)
    if first.state == KeyState.ACTIVE:
        retire_provider_key(
            key_id=first.pk,
            acting_user=stage.staff["integration"],
            reason="The provider signs with its own key.",
            now=stage.clock(),
        )
