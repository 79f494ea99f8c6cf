"""The reference provider's HTTP API: round log, payloads, truth, play. A bare ASGI application."""

import asyncio
import contextlib
import csv
import hmac
import io
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import httpx

from apps.core.errors import DomainError
from apps.simulator.borealis.events import ROW_COLUMNS
from apps.simulator.borealis.home import WALLET_PATH
from apps.simulator.borealis.sender import Sender
from apps.simulator.borealis.store import Store
from apps.simulator.borealis.truth import log_page, truth_of_day
from apps.simulator.borealis.wallet import PATHS, GameWallet
from apps.simulator.errors import (
    BadOrderError,
    BadRequestError,
    OtherOrderError,
    UnknownEventError,
    UnknownRunError,
    UnsignedOrderError,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_PAGE: Final = 5_000
LARGEST_RUN: Final = 20_000
LARGEST_BODY: Final = 16_384
NOT_FOUND: Final = (UnknownEventError, UnknownRunError)
# None of these says what became of a transfer.
_ORDER_STATUSES: Final[dict[type[DomainError], HTTPStatus]] = {
    UnsignedOrderError: HTTPStatus.UNAUTHORIZED,
    BadOrderError: HTTPStatus.BAD_REQUEST,
    OtherOrderError: HTTPStatus.CONFLICT,
}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


class ProviderApp:
    """Answers requests and keeps the senders running for as long as the server lives.

    ``wallet`` is the platform with players' wallets: below ``/wallet`` the same is asked of it, and
    the orders that move money there need a signature instead of the token.
    """

    def __init__(
        self,
        store: Store,
        *,
        callback_url: str,
        secret: bytes,
        token: str,
        wallet: GameWallet | None = None,
    ) -> None:
        self._store = store
        self._callback_url = callback_url
        self._secret = secret
        self._authorization = f"Bearer {token}".encode()
        self._wallet = wallet
        self._sending: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._http(scope, receive)
            await _respond(send, answer)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        async with httpx.AsyncClient(timeout=httpx.Timeout(10)) as client:
            senders = [Sender(self._store, client, self._callback_url, self._secret)]
            if (wallet := self._wallet) is not None:
                senders.append(Sender(wallet.store, client, wallet.callback_url, wallet.secret))
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    self._sending = [asyncio.create_task(one.send_forever()) for one in senders]
                    await send({"type": "lifespan.startup.complete"})
                elif message["type"] == "lifespan.shutdown":
                    for task in self._sending:
                        task.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await task
                    await send({"type": "lifespan.shutdown.complete"})
                    return

    async def _http(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] == "/healthz":
            return self._health()
        order = scope["path"].removeprefix(WALLET_PATH)
        if self._wallet is not None and order in PATHS and order != scope["path"]:
            return await self._order(self._wallet, order, await _read(scope, receive))
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, self._authorization):
            return _json({"error": "unauthorized"}, HTTPStatus.UNAUTHORIZED)
        try:
            answer = self._route(await _read(scope, receive))
        except NOT_FOUND as error:
            answer = _refusal(error, HTTPStatus.NOT_FOUND)
        except DomainError as error:
            answer = _refusal(error, HTTPStatus.BAD_REQUEST)
        return answer

    def _health(self) -> Answer:
        # A sender that ended is a provider that no longer delivers: say so, be restarted.
        if not self._sending or any(task.done() for task in self._sending):
            return _json({"status": "not delivering"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return _json({"status": "ok"})

    async def _order(self, wallet: GameWallet, path: str, request: Request) -> Answer:
        try:
            answer = wallet.answer(
                path, request.headers, request.body, now_seconds=int(time.time())
            )
        except (UnsignedOrderError, BadOrderError, OtherOrderError) as error:
            return _refusal(error, _ORDER_STATUSES[type(error)])
        await asyncio.sleep(answer.after_seconds)
        return _json(answer.document)

    def _route(self, request: Request) -> Answer:
        place = request.path.strip("/").split("/")
        if self._wallet is None or place[0] != WALLET_PATH.strip("/"):
            return self._asked(self._store, request, place)
        if (request.method, place[1:]) == ("POST", ["late"]):
            times = _number(_object(request.body).get("answers"), "answers", 1_000)
            self._wallet.answer_late(times)
            return _json({"answers": times}, HTTPStatus.ACCEPTED)
        return self._asked(self._wallet.store, request, place[1:])

    def _asked(self, store: Store, request: Request, place: list[str]) -> Answer:
        match request.method, place:
            case "GET", ["export", "rounds"]:
                answer = _export(store, request)
            case "GET", ["rounds", event_id]:
                answer = _json(store.payload(event_id))
            case "GET", ["truth"]:
                answer = _json(truth_of_day(store.db, _day(request.query.get("day"))))
            case "GET", ["runs", run_no]:
                answer = _json(store.run_progress(_number(run_no, "run", 10**9)))
            case "POST", ["play"]:
                answer = _play(store, request.body)
            case _:
                answer = _json({"error": "not_found"}, HTTPStatus.NOT_FOUND)
        return answer


def _export(store: Store, request: Request) -> Answer:
    query = request.query
    day = _day(query.get("day"))
    page_no = _number(query.get("page", "1"), "page", 10**6)
    page_size = _number(query.get("page_size", "1000"), "page_size", LARGEST_PAGE)
    format_name = query.get("format", "json")
    page = log_page(store.db, day, page=page_no, page_size=page_size)
    if format_name == "csv":
        return _csv(page.rows, pages=page.pages, total=page.total)
    if format_name != "json":
        raise BadRequestError("format is json or csv.")
    following = {"day": day, "format": "json", "page": page_no + 1, "page_size": page_size}
    return _json(
        {
            "day": day,
            "page": page.page,
            "pages": page.pages,
            "total": page.total,
            "rows": page.rows,
            "next": f"{request.path}?{urlencode(following)}" if page_no < page.pages else None,
        }
    )


def _play(store: Store, body: bytes) -> Answer:
    order = _object(body)
    now = datetime.now(UTC)
    day = _day(order.get("day", now.date().isoformat()))
    rounds = _number(order.get("rounds"), "rounds", LARGEST_RUN)
    key = order.get("key", f"{now.timestamp()}")
    if not isinstance(key, str) or not 1 <= len(key) <= 100:
        raise BadRequestError("key is a text of 1 to 100 characters.")
    after = _instant(order.get("after"))
    run = store.play(rounds, day=date.fromisoformat(day), key=key, now=now, after=after)
    return _json(store.run_progress(run.run_no), HTTPStatus.ACCEPTED)


async def _read(scope: Message, receive: Receive) -> Request:
    parsed = parse_qs(scope["query_string"].decode("ascii", "replace"), keep_blank_values=True)
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise BadRequestError(f"A body has at most {LARGEST_BODY} bytes.")
        if not message.get("more_body"):
            break
    query = {name: values[-1] for name, values in parsed.items()}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], query, body, headers)


async def _respond(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode(), value.encode()) for name, value in answer.headers),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _json(document: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(status, json.dumps(document).encode())


def _refusal(error: DomainError, status: HTTPStatus) -> Answer:
    return _json({"error": error.code, "detail": str(error)}, status)


def _csv(rows: list[dict[str, str]], *, pages: int, total: int) -> Answer:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=ROW_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    headers = (("x-total-pages", str(pages)), ("x-total-rows", str(total)))
    return Answer(HTTPStatus.OK, text.getvalue().encode(), "text/csv; charset=utf-8", headers)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadRequestError("The body is a JSON object.")
    return document


def _day(value: object) -> str:
    text = value if isinstance(value, str) else ""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise BadRequestError("day is a calendar day, YYYY-MM-DD.")


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadRequestError("after is an instant, such as 2026-11-22T10:00:00Z.")
    return at.astimezone(UTC)


def _number(value: object, name: str, largest: int) -> int:
    text = str(value)
    # Length before int(): the digits come from outside.
    if text.isascii() and text.isdigit() and len(text) <= 12 and 1 <= int(text) <= largest:
        return int(text)
    raise BadRequestError(f"{name} is a whole number from 1 to {largest}.")
