"""How much of the process's memory callbacks may take: by number, by bytes, and per provider."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_MIB: Final = 1024 * 1024


class NoRoomError(Exception):
    """A callback that is turned away unread: ``overloaded`` by all, ``flooding`` by its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What may be here at once. A body in memory is several times its bytes once it is parsed.

    A provider's share is a quarter: it takes four that flood at once to fill the process.
    """

    most_bytes: int = 32 * _MIB
    most_callbacks: int = 5_000
    provider_bytes: int = 8 * _MIB
    provider_callbacks: int = 1_250


class Room:
    """Counts what is here, from the first byte of a body until its callback is answered.

    Bytes count as they come in, not as they are announced: a caller that promises much and sends
    little takes little. For one thread, that of the event loop.
    """

    def __init__(self, limits: RoomLimits) -> None:
        self._limits = limits
        self._bytes: Counter[int] = Counter()
        self._callbacks: Counter[int] = Counter()

    @property
    def bytes_taken(self) -> int:
        return self._bytes.total()

    @property
    def callbacks_waiting(self) -> int:
        return self._callbacks.total()

    @contextmanager
    def entered(self, provider_id: int) -> Iterator["Place"]:
        """Make a place for one callback; what it took is given back whatever becomes of it."""
        place = Place(self, provider_id)
        try:
            yield place
        finally:
            self._bytes[provider_id] -= place.size
            if place.is_waiting:
                self._callbacks[provider_id] -= 1

    def take_bytes(self, provider_id: int, size: int) -> None:
        """Count bytes of a provider's callback.

        Raises:
            NoRoomError: there is no room; nothing was counted.
        """
        if self._bytes[provider_id] + size > self._limits.provider_bytes:
            raise NoRoomError("flooding")
        if self.bytes_taken + size > self._limits.most_bytes:
            raise NoRoomError("overloaded")
        self._bytes[provider_id] += size

    def take_turn(self, provider_id: int) -> None:
        """Count a callback that waits to be judged.

        Raises:
            NoRoomError: there is no room; nothing was counted.
        """
        if self._callbacks[provider_id] >= self._limits.provider_callbacks:
            raise NoRoomError("flooding")
        if self.callbacks_waiting >= self._limits.most_callbacks:
            raise NoRoomError("overloaded")
        self._callbacks[provider_id] += 1


class Place:
    """What one callback takes of the room."""

    def __init__(self, room: Room, provider_id: int) -> None:
        self._room = room
        self._provider_id = provider_id
        self.size = 0
        self.is_waiting = False

    def grow(self, size: int) -> None:
        """Take room for more bytes of the body.

        Raises:
            NoRoomError: there is none.
        """
        self._room.take_bytes(self._provider_id, size)
        self.size += size

    def wait(self) -> None:
        """Take a turn among those that wait; only for what is authentic.

        Raises:
            NoRoomError: too many wait already.
        """
        self._room.take_turn(self._provider_id)
        self.is_waiting = True
