"""The ASGI application: one route per protocol, small constant answers, no detail to strangers."""

import asyncio
import hmac
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from apps.core.schema import SchemaWatch
from apps.gateway.contracts import Refused, Unreadable
from apps.gateway.http.collector import Collector, close_connection
from apps.gateway.http.directory import Directory
from apps.gateway.http.parking import Parking, spool_folder, spool_limits
from apps.gateway.http.room import NoRoomError, Place, Room, RoomLimits
from apps.gateway.services.intake import (
    UnauthenticatedError,
    UnreadableError,
    adapter_of,
    read_callback,
)
from apps.providers.adapters.contract import (
    Adapter,
    CallbackRequest,
    CallbackResponse,
    EnvelopeError,
)
from apps.providers.adapters.registry import ADAPTERS
from apps.providers.contracts import ProviderProfile, WebhookKey
from apps.providers.enums import Permission

logger = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
_PATH = re.compile(r"/callbacks/([a-z0-9_-]{1,32})(?:/([a-z0-9/_-]{0,64}))?")
_LIMITS = RoomLimits()
_NOBODY = 0
"""What callers of unknown providers take is counted together, as one provider's is."""
_KEY_OF_NOBODY = WebhookKey("", secrets.token_bytes(32), datetime.min.replace(tzinfo=UTC), None)
_TOLERANCE_SECONDS = 300
_ADAPTERS_BY_PATH = {path: adapter for adapter in ADAPTERS.values() for path in adapter.routes}
"""No two protocols share a path (a test says so), so a path tells how to refuse a caller."""


class Gateway:
    """Takes callbacks from providers.

    ``replay_token`` is set only in a gateway that a replay started itself: there, and nowhere
    else, a request that carries it may say by which clock it is judged, and is taken as the
    traffic of a live provider, which it was when it was recorded.
    """

    def __init__(self, *, replay_token: str = "", limits: RoomLimits = _LIMITS) -> None:
        self._replay_token = replay_token
        self._directory = Directory()
        self._schema = SchemaWatch()
        self._room = Room(limits)
        self._collector = Collector(self._directory, Parking(spool_folder(), spool_limits()))
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="directory")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status, body, headers = await self._respond(scope, receive)
            await _send(send, status, body, headers)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._collector.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._collector.stop()
                self._reader.submit(close_connection).result()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _respond(self, scope: Scope, receive: Receive) -> "_Response":
        if scope["path"] in {"/healthz", "/readyz"}:
            return await self._health(scope["path"])
        match = _PATH.fullmatch(scope["path"])
        if match is None or (match[2] or "") not in _ADAPTERS_BY_PATH:
            return _error(404, "not_found")
        return await self._answer(match[1], match[2] or "", scope, receive)

    async def _answer(
        self, provider_code: str, path: str, scope: Scope, receive: Receive
    ) -> "_Response":
        # Should even the profile be out of reach, the provider still hears its own words.
        adapter = _ADAPTERS_BY_PATH[path]
        try:
            profile = await self._profile(provider_code)
            if profile is not None and path not in adapter_of(profile).routes:
                # Another protocol's path: no stranger learns who is here and what they speak.
                profile = None
            methods = adapter.routes[path]
            if scope["method"] not in methods:
                return _error(405, "method_not_allowed", {"allow": ", ".join(sorted(methods))})
            response = await self._callback(profile, adapter, scope, receive)
        except DatabaseError:
            response = adapter.refuse(None, "unavailable")
        except Exception:
            # The provider must retry: we can't say whether its events were taken in.
            logger.exception("gateway.request.failed")
            response = adapter.refuse(None, "unavailable")
        return response.status, response.body, dict(response.headers)

    async def _callback(
        self, profile: ProviderProfile | None, adapter: Adapter, scope: Scope, receive: Receive
    ) -> CallbackResponse:
        _, _, provider_code, *below = scope["path"].split("/", 3)
        request, now = self._request("".join(below), scope)
        try:
            _check_headers(adapter, request)
            if profile is not None and self._is_replayed(request.headers):
                profile = _as_recorded(profile)
            with self._room.entered(_NOBODY if profile is None else profile.id) as place:
                request = replace(request, body=await _read_body(receive, place))
                if profile is None:
                    # The body is read and an HMAC checked as for who is known; nobody has this key.
                    adapter.authenticate([_KEY_OF_NOBODY], request, _TOLERANCE_SECONDS)
                inbound = read_callback(profile, request, now=now)
                place.wait()
                judged = await self._collector.apply(inbound)
        except (UnauthenticatedError, NoBodyError, EnvelopeError, NoRoomError) as error:
            is_envelope = isinstance(error, EnvelopeError)
            counted = f"envelope_{error.code}" if is_envelope else error.code
            answer = adapter.refuse(request, error.code)
            kept = None
            if isinstance(error, UnreadableError):
                kept = Unreadable(error.delivery, answer.status, error.code)
            self._refuse(profile, counted, provider_code, kept)
            return answer
        return judged.response

    async def _profile(self, provider_code: str) -> ProviderProfile | None:
        known, profile = self._directory.known_profile(provider_code)
        if known:
            return profile
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._load_profile, provider_code)

    def _load_profile(self, provider_code: str) -> ProviderProfile | None:
        # Whoever waited here while another callback read the profile need not read it again.
        known, profile = self._directory.known_profile(provider_code)
        if known:
            return profile
        try:
            return self._directory.load_profile(provider_code)
        except DatabaseError:
            connection.close()
            profile = self._directory.last_profile(provider_code)
            if profile is None:
                raise
            return profile

    def _request(self, path: str, scope: Scope) -> tuple[CallbackRequest, datetime]:
        """Return the request without its body, and the clock that our own keys are judged by."""
        headers = _headers(scope)
        now = datetime.now(UTC)
        request = CallbackRequest(
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=b"",
            received_at=self._received_at(headers, now),
        )
        return request, now

    def _received_at(self, headers: dict[str, str], now: datetime) -> datetime:
        """Return now; in a replay of our own, traffic is judged by the capture's clock."""
        if not self._is_replayed(headers):
            return now
        try:
            return datetime.fromisoformat(headers["x-pitboss-received-at"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            return now

    def _is_replayed(self, headers: Mapping[str, str]) -> bool:
        """Tell whether the replay that started this gateway sent the request."""
        token = headers.get("x-pitboss-replay-token", "").encode()
        return bool(self._replay_token) and hmac.compare_digest(token, self._replay_token.encode())

    def _refuse(
        self,
        profile: ProviderProfile | None,
        code: str,
        provider_code: str,
        unreadable: Unreadable | None,
    ) -> None:
        self._collector.refuse(
            Refused(
                provider_id=profile.id if profile else None,
                code=code,
                at=datetime.now(UTC),
                detail="" if profile else f"path names {provider_code}",
                unreadable=unreadable,
            )
        )

    async def _health(self, path: str) -> "_Response":
        if path == "/healthz":
            return 200, b'{"status":"ok"}', {}
        loop = asyncio.get_running_loop()
        try:
            pending = await loop.run_in_executor(self._reader, _ask_database, self._schema)
        except DatabaseError:
            return _error(503, "database_unavailable", {"retry-after": "5"})
        if pending:
            answer = {"error": "migrations_pending", "pending": pending}
            return 503, json.dumps(answer).encode(), {"retry-after": "5"}
        return 200, b'{"status":"ready"}', {}


type _Response = tuple[int, bytes, dict[str, str]]


def _ask_database(schema: SchemaWatch) -> list[str]:
    """Return what the database that answers lacks."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return schema.pending()
    except DatabaseError:
        connection.close()
        raise


def _headers(scope: Scope) -> dict[str, str]:
    """Return headers by lower-case name; a repeated one is joined, and so fails its grammar."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


class NoBodyError(Exception):
    """A body that is not taken: too large, or too slow in coming."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _check_headers(adapter: Adapter, request: CallbackRequest) -> None:
    """Refuse by path and headers alone, before a body is read; the same for who is not known.

    Raises:
        UnauthenticatedError: headers that nobody can have signed.
        NoBodyError: a body is announced that would not be taken.
    """
    if not adapter.may_be_signed(request):
        raise UnauthenticatedError
    announced = request.headers.get("content-length", "")
    is_number = announced.isascii() and announced.isdigit()
    if is_number and int(announced[:19]) > MOST_BYTES:
        raise NoBodyError("too_large")


async def _read_body(receive: Receive, place: Place) -> bytes:
    """Return the body, having taken room for it.

    Raises:
        NoBodyError: it is too large, or too slow in coming.
        NoRoomError: there is no room for it.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise NoBodyError("too_slow")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > MOST_BYTES:
                    raise NoBodyError("too_large")
                place.grow(len(chunk))
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise NoBodyError("too_slow") from None


def _as_recorded(profile: ProviderProfile) -> ProviderProfile:
    """Return the provider as it was when its traffic was recorded: live, and in no session of ours.

    Only the gateway that a replay started for itself asks for it.
    """
    policy = replace(profile.policy, stake_without_session=Permission.ALLOW)
    return replace(profile, is_live=True, policy=policy)


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> _Response:
    return status, json.dumps({"error": code}).encode(), headers or {}


async def _send(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    fixed = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    pairs = [(k.encode(), v.encode()) for k, v in (fixed | headers).items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
