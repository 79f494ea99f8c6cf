"""The audit chain's head, kept outside the database.

A chain that was cut at its tail, or rewritten from some entry on, verifies by itself. Who keeps
"at this time it had N entries and this head" somewhere else can tell.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from apps.core.contracts import AuditVerdict
from apps.core.errors import AnchorError
from apps.core.models import AuditEntry
from apps.core.services.audit import MAIN_CHAIN, verify_audit_chain


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the chain was when the anchor was written."""

    chain: str
    entries: int
    head_hash: str
    written_at: str


def read_anchor(path: Path) -> Anchor | None:
    """Return the anchor in ``path``, or None where there is no file yet.

    Raises:
        AnchorError: the file is there and is not an anchor.
    """
    try:
        content = json.loads(path.read_text())
        anchor = Anchor(
            chain=str(content["chain"]),
            entries=int(content["entries"]),
            head_hash=str(content["head_hash"]),
            written_at=str(content["written_at"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnchorError(f"{path} can't be read as an anchor: {error}.") from error
    return anchor


def write_anchor(path: Path, verdict: AuditVerdict, *, now: datetime) -> None:
    """Replace the anchor in one step, so that a crash leaves the old one or the new one.

    Raises:
        AnchorError: the verdict is bad (an anchor must never bless that), or the disk refuses.
    """
    if not verdict.holds:
        raise AnchorError("A chain that doesn't hold is not anchored.")
    anchor = Anchor(verdict.chain, verdict.entries, verdict.head_hash, now.isoformat())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x") as file:
            file.write(json.dumps(asdict(anchor), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise AnchorError(f"{path} can't be written: {error}.") from error


def verify_against_anchor(anchor: Anchor | None, chain: str = MAIN_CHAIN) -> AuditVerdict:
    """Verify the chain, then that it still contains what the anchor saw.

    Raises:
        AnchorError: the anchor is of another chain.
    """
    verdict = verify_audit_chain(chain)
    if anchor is None or not verdict.holds or anchor.entries == 0:
        return verdict
    if anchor.chain != chain:
        raise AnchorError(f"The anchor is of chain {anchor.chain!r}, not of {chain!r}.")
    if verdict.entries < anchor.entries:
        why = f"the anchor saw {anchor.entries} entries, {verdict.entries} are left"
        return replace(verdict, why=why)
    entry = AuditEntry.objects.get(chain=chain, sequence=anchor.entries)
    if entry.entry_hash != anchor.head_hash:
        why = f"entry {anchor.entries} is not the one that the anchor saw"
        return replace(verdict, first_bad_id=entry.pk, why=why)
    return verdict
