"""Calls to other people's servers: always a deadline, a size limit, no redirects, no inside peers.

A provider's address is data that staff type in, so it could point at our own network. Each call
vets the URL, resolves the name once, refuses it if any answer is not a public address, and connects
to exactly what was vetted: a second look-up can't give another answer. Hosts in
``settings.PITBOSS_HTTP_ALLOWED_HOSTS`` (development's loopback, a private link to a provider) are
exempt from the address rule and may use plain HTTP.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, override
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
from django.conf import settings

from apps.core.errors import (
    AddressNotAllowedError,
    ConnectionFailedError,
    RequestTimedOutError,
    ResponseTooLargeError,
    UnexpectedStatusError,
)

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PUBLIC_PORTS: Final = frozenset({443, 8443})

# Ways to write an IPv4 address inside an IPv6 one that the standard library counts as global.
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


@dataclass(frozen=True, slots=True)
class Response:
    """A 2xx answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float,
    max_bytes: int,
) -> Response:
    """Fetch ``url``; ``timeout_seconds`` is for the whole call, ``max_bytes`` for the decoded body.

    Raises:
        AddressNotAllowedError: the URL or what it resolves to may not be called.
        RequestTimedOutError: not finished in time, however the time was spent.
        ResponseTooLargeError: the body is larger than ``max_bytes``; nothing of it is returned.
        ConnectionFailedError: no connection, bad TLS, or an answer that is not HTTP.
        UnexpectedStatusError: any status but 2xx, redirects included.
    """
    return _send("GET", url, headers=headers, content=b"", limits=(timeout_seconds, max_bytes))


def post(
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float,
    max_bytes: int,
) -> Response:
    """Send ``content``; limits and errors are those of ``get``."""
    return _send("POST", url, headers=headers, content=content, limits=(timeout_seconds, max_bytes))


def _send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None,
    content: bytes,
    limits: tuple[float, int],
) -> Response:
    require_allowed_url(url)
    timeout_seconds, max_bytes = limits
    backend = _VettedBackend(deadline=time.monotonic() + timeout_seconds)
    try:
        with (
            httpx.Client(
                transport=_VettedTransport(backend),
                timeout=timeout_seconds,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(method, url, headers=dict(headers or {}), content=content) as answer,
        ):
            return _read(answer, max_bytes)
    except httpx.TimeoutException:
        raise RequestTimedOutError(f"{_host(url)} gave no answer in {timeout_seconds} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionFailedError(f"{_host(url)}: {type(error).__name__}.") from error


def _read(answer: httpx.Response, max_bytes: int) -> Response:
    if not answer.is_success:
        raise UnexpectedStatusError(
            answer.url.host, answer.status_code, answer.headers.get("retry-after")
        )
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise ResponseTooLargeError(f"{answer.url.host} sent more than {max_bytes:,} bytes.")
    return Response(answer.status_code, dict(answer.headers), bytes(body))


def require_allowed_url(url: str) -> None:
    """Refuse a URL that may not be called whatever its name resolves to; use it when one is saved.

    Raises:
        AddressNotAllowedError: with the reason.
    """
    parts = _split(url)
    host = parts.hostname or ""
    if not host:
        raise AddressNotAllowedError("The address has no host.")
    if parts.username is not None or parts.password is not None:
        raise AddressNotAllowedError("The address must not hold a user name or password.")
    if _is_exempt(host):
        if parts.scheme not in {"http", "https"}:
            raise AddressNotAllowedError("The address must start with http:// or https://.")
        return
    if parts.scheme != "https":
        raise AddressNotAllowedError("The address must start with https://.")
    if (parts.port or 443) not in _PUBLIC_PORTS:
        raise AddressNotAllowedError(f"Port {parts.port} may not be called.")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return
    _require_public(host, [literal])


def _split(url: str) -> SplitResult:
    # urlsplit drops tabs and newlines in silence, so what it shows is not what was written.
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise AddressNotAllowedError("The address holds a space, control or non-ASCII character.")
    if "\\" in url:
        raise AddressNotAllowedError("The address holds a backslash.")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise AddressNotAllowedError("The address can't be read.") from None
    return parts


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _is_exempt(host: str) -> bool:
    return host in settings.PITBOSS_HTTP_ALLOWED_HOSTS


def _require_public(host: str, addresses: list[Address]) -> None:
    for address in addresses:
        mapped = getattr(address, "ipv4_mapped", None) or address
        is_translated = any(address in network for network in _TRANSLATED)
        if is_translated or mapped.is_multicast or not mapped.is_global:
            # One inside address among public ones is how DNS rebinding looks.
            raise AddressNotAllowedError(f"{host} is not a public address.")


def _vetted_addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} can't be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not _is_exempt(host):
        _require_public(host, [ipaddress.ip_address(text.split("%")[0]) for text in addresses])
    return addresses


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose every wait ends at one deadline, however slowly bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self, error: type[Exception]) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise error("the deadline has passed")
        return left

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(httpcore.WriteTimeout))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(stream, self._deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _VettedBackend(httpcore.NetworkBackend):
    """Connects by address: the one that was just vetted. TLS still checks the host's name."""

    def __init__(self, deadline: float) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in _vetted_addresses(host, port):
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout("the deadline has passed")
            try:
                stream = self._backend.connect_tcp(address, port, timeout=left)
            except httpcore.ConnectError as error:
                failure = error
                continue
            return _DeadlineStream(stream, self._deadline)
        raise failure


@cache
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class _VettedTransport(httpx.HTTPTransport):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        super().__init__(trust_env=False)
        # httpx has no argument for the network backend; the pool it made is replaced unused.
        self._pool = httpcore.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=backend,
        )
