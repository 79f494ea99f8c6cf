"""What a gateway does without its database: keep played facts on disk, promise nothing else."""

import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connection

from apps.gateway.contracts import Inbound, SpoolFacts
from apps.gateway.http.spool import Limits, Scan, Spool, SpoolError, SpoolRecord
from apps.gateway.services import intake
from apps.providers.adapters.contract import CallbackRequest, EnvelopeError
from apps.providers.contracts import (
    CanonicalEvent,
    EventRefusal,
    GameRef,
    Parsed,
    ProviderProfile,
)
from apps.providers.enums import Operation, WhenUnavailable
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id

logger = logging.getLogger(__name__)

UNREACHABLE: Final = (OperationalError, InterfaceError)
"""What the driver raises when the server is away or can't work, not when it dislikes the data."""
DRAIN_SECONDS: Final = 1.0
"""How long live traffic waits at most for one slice of what came earlier."""
_BATCH: Final = 200


class _UnreadableError(Exception):
    """A kept delivery that can't be brought in; ``reason`` is for the person who looks."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def may_be_kept(inbound: Inbound) -> bool:
    """Whether a delivery may be answered ``parked`` with nothing but our disk behind it.

    Only the native protocol has the word, and only what the player has played already can be
    booked later without asking anything: a new stake needs the balance, a question an answer.
    """
    provider = inbound.provider
    return (
        _is_spooled(provider)
        and bool(inbound.parsed)
        and all(_is_played(message) for message in inbound.parsed)
    )


def may_overtake(inbound: Inbound) -> bool:
    """Whether a delivery may be applied while earlier ones of other providers still wait.

    Money back may: it is never wrong to credit it early. A stake or a balance would be judged
    without what waits.
    """
    provider = inbound.provider
    if _is_spooled(provider):
        return False
    return all(_is_played(m) or isinstance(m, EventRefusal) for m in inbound.parsed)


def _is_spooled(provider: ProviderProfile) -> bool:
    """Tell whether messages wait on our disk while the ledger can't be reached."""
    is_asked = "when_unavailable" in intake.adapter_of(provider).policy_flags
    return is_asked and provider.policy.when_unavailable == WhenUnavailable.SPOOL


def _is_played(message: Parsed) -> bool:
    if not isinstance(message, CanonicalEvent):
        return False
    if message.round_type == "rollback" or message.operation != Operation.ROUND:
        return message.operation != Operation.STAKE
    return message.finalized


def spool_folder() -> Path:
    folder: Path = settings.PITBOSS_DATA_DIR / "spool"
    return folder


def spool_limits() -> Limits:
    return Limits(settings.PITBOSS_SPOOL_MAX_BYTES, settings.PITBOSS_SPOOL_MAX_RECORDS)


@dataclass(slots=True)
class _Names:
    """Profiles and games for one slice of draining."""

    profiles: dict[int, ProviderProfile] = field(default_factory=dict)
    games: dict[tuple[int, str], GameRef] = field(default_factory=dict)

    def profile(self, provider_id: int) -> ProviderProfile:
        if provider_id not in self.profiles:
            try:
                profile = provider_profile_by_id(provider_id)
            except ObjectDoesNotExist:
                raise _UnreadableError("unknown_provider") from None
            self.games |= {(provider_id, code): g for code, g in games_by_code(provider_id).items()}
            self.profiles[provider_id] = profile
        return self.profiles[provider_id]


class Parking:
    """Keeps deliveries in the spool and brings them in, in order. For one thread."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._spool: Spool | None = None
        self._drained_at: datetime | None = None

    @property
    def depth(self) -> int:
        return 0 if self._spool is None else self._spool.depth

    def open(self) -> None:
        """Take the spool.

        Raises:
            SpoolError: another process holds it, or it can't be used.
        """
        if self._spool is None:
            self._spool = Spool(self._folder, self._limits)

    def try_open(self) -> bool:
        try:
            self.open()
        except SpoolError as error:
            logger.warning("gateway.spool.not_ours", extra={"error": str(error)})
            return False
        return True

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def facts(self, now: datetime) -> SpoolFacts | None:
        """Return what waits, for people to look at; None where another process holds the spool.

        Raises:
            SpoolError: the disk fails.
        """
        spool = self._spool
        if spool is None:
            return None
        header = spool.oldest_header()
        # What is damaged says nothing of itself, and is set aside with the next drain.
        received_at = now if header is None else datetime.fromisoformat(header["received_at"])
        return SpoolFacts(
            gateway=f"{socket.gethostname()}:{self._folder}"[-255:],
            waiting=spool.depth,
            waiting_bytes=spool.size,
            oldest_at=received_at if spool.depth else None,
            set_aside=len(list(spool.quarantine_folder.glob("*.json"))),
            most_waiting=spool.limits.most_records,
            most_bytes=spool.limits.most_bytes,
            drained_at=self._drained_at,
            reported_at=now,
        )

    def keep(self, inbound: Sequence[Inbound]) -> int:
        """Put deliveries on disk; return how many, the first ones, are safe there."""
        if not inbound or not self.try_open() or self._spool is None:
            return 0
        try:
            kept = self._spool.append([_record_of(one) for one in inbound])
        except SpoolError as error:
            why = {"error": str(error)}
            logger.error("gateway.spool.failed", extra=why)  # noqa: TRY400 - the spool's words
            return 0
        facts = {"kept": kept, "refused": len(inbound) - kept, "depth": self._spool.depth}
        logger.warning("gateway.spool.kept", extra=facts)
        return kept

    def drain(self, *, seconds: float | None) -> bool:
        """Bring in what waits, oldest first; return whether nothing waits any more.

        A segment is deleted once each of its deliveries is durable or set aside. After a crash
        in between it comes again, and every event in it is a repeat.

        Raises:
            OperationalError, InterfaceError: the database is still away.
            SpoolError: the disk fails.
        """
        if self.depth:
            _ask_database()  # before the newest segment is closed for reading
        end = None if seconds is None else time.monotonic() + seconds
        names = _Names()
        while self._spool is not None and (found := self._spool.first()) is not None:
            if end is not None and time.monotonic() > end:
                return False
            path, content = found
            self._bring_in(self._spool, path.stem, content, names)
            self._spool.remove(path)
            self._drained_at = datetime.now(UTC)
            facts = {"segment": path.stem, "depth": self._spool.depth}
            logger.info("gateway.spool.drained", extra=facts)
        return True

    def _bring_in(self, spool: Spool, segment: str, content: Scan, names: _Names) -> None:
        for number, data in enumerate(content.damaged):
            self._set_aside(spool, f"{segment}-damaged-{number}", "damaged", SpoolRecord({}, data))
        batch: list[tuple[str, SpoolRecord, Inbound]] = []
        for number, record in enumerate(content.records):
            name = f"{segment}-{number}"
            try:
                batch.append((name, record, _inbound_of(record, names)))
            except _UnreadableError as error:
                self._set_aside(spool, name, error.reason, record)
            if len(batch) >= _BATCH:
                self._store(spool, batch, names)
                batch = []
        self._store(spool, batch, names)

    def _store(
        self, spool: Spool, batch: Sequence[tuple[str, SpoolRecord, Inbound]], names: _Names
    ) -> None:
        """Take a batch in; where that fails, each alone, so that one can't hold up all."""
        if not batch:
            return
        try:
            intake.take_in([one[2] for one in batch], names.games, now=datetime.now(UTC))
        except UNREACHABLE:
            raise
        except Exception as error:
            if len(batch) == 1:
                logger.exception("gateway.spool.refused")
                name, record, _ = batch[0]
                self._set_aside(spool, name, f"refused_{type(error).__name__}", record)
                return
            for one in batch:
                self._store(spool, [one], names)

    def _set_aside(self, spool: Spool, name: str, reason: str, record: SpoolRecord) -> None:
        facts = {"file": spool.set_aside(name, reason, record), "reason": reason}
        logger.error("gateway.spool.quarantined", extra=facts)


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _record_of(inbound: Inbound) -> SpoolRecord:
    request = inbound.request
    header: dict[str, Any] = {
        "version": 1,
        "provider_id": inbound.provider.id,
        "provider": inbound.provider.code,
        "received_at": inbound.received_at.isoformat(),
        "message_id": inbound.message_id,
        "key_id": inbound.key_id,
        "stored_path": inbound.path,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": inbound.headers,
    }
    return SpoolRecord(header, request.body)


def _inbound_of(record: SpoolRecord, names: _Names) -> Inbound:
    """Read a kept delivery as it came in; it was authentic then, by the key that it names.

    Raises:
        _UnreadableError: its provider or key is gone, or its body can't be read.
    """
    header = record.header
    received_at = datetime.fromisoformat(header["received_at"])
    profile = names.profile(header["provider_id"])
    keys = [key for key in profile.keys if key.kid == header["key_id"]]
    if not any(key.is_active(received_at) for key in keys):
        # Withdrawn just before the database went away, when this gateway could not hear of it.
        raise _UnreadableError("key_not_valid_then")
    request = CallbackRequest(
        method=header["method"],
        path=header["path"],
        query=header["query"],
        headers=header["headers"],
        body=record.body,
        received_at=received_at,
    )
    try:
        parsed = intake.adapter_of(profile).parse(profile, request)
    except EnvelopeError as error:
        raise _UnreadableError(f"envelope_{error.code}") from None
    return Inbound(
        provider=profile,
        message_id=header["message_id"],
        key_id=header["key_id"],
        path=header["stored_path"],
        headers=header["headers"],
        request=request,
        parsed=parsed,
    )
