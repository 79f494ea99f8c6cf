"""The provider goes live: its checklist is proven, and two people agree."""

import base64
import json
import secrets
import shutil
from pathlib import Path
from typing import Final

from django.core.management import call_command

from apps.onboarding.enums import WAIVABLE
from apps.onboarding.services.checklist import prove, record_promise
from apps.onboarding.services.going_live import request_go_live
from apps.providers.enums import KeyState, ProviderStage
from apps.providers.selectors import provider_by_code
from apps.providers.selectors.keys import keys_of
from apps.providers.services.keys import retire_provider_key
from apps.simulator.acceptance.bonus import put_rule_in_force
from apps.simulator.borealis.home import CODE
from apps.simulator.demo.commands import run_json
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding
from apps.staff.services import approve

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


def take_live(stage: Stage) -> Finding:
    """Rotate the key, run the acceptance kit, prove every item; then two people take it live."""
    if provider_by_code(CODE).stage == ProviderStage.LIVE:
        return Finding(is_held=True, text=f"{CODE} is live already.")
    engineer, officer = stage.staff["integration"], stage.staff["compliance"]
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
    approval_id = request_go_live(
        CODE,
        waived=[proof.item for proof in open_items],
        acting_user=engineer,
        reason="Rehearsed; what no report covers stays closed by the launch gate.",
        now=stage.clock(),
    )
    approve(approval_id=approval_id, user=officer, reason="Checklist read.", now=stage.clock())
    is_live = provider_by_code(CODE).stage == ProviderStage.LIVE
    return Finding(
        is_held=is_live and kit["is_green"],
        text=f"{kit['counts']['green']} scenarios green, {len(proofs) - len(open_items)} of "
        f"{len(proofs)} items hold, {len(open_items)} waived by two people; {CODE} is live.",
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
