"""Requests that take effect once: the client's key, and the answer that is kept with it."""

import re
from collections.abc import Callable
from typing import Final

from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import DomainError
from apps.operator_api.api import rendering
from apps.operator_api.api.answers import TransferAnswer
from apps.operator_api.api.problems import problem_of, status_of
from apps.operator_api.contracts import Answer, MoneyMoved

_KEY: Final = re.compile(r"[!-~]{1,128}")


class IdempotencyKeyMissingError(ParseError):
    default_detail = "Give an Idempotency-Key of 1 to 128 visible ASCII characters."
    default_code = "idempotency_key_missing"


def key_of(request: Request) -> str:
    """Return the key that a request must carry.

    Raises:
        IdempotencyKeyMissingError: it carries none, or one that can't be a key.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissingError
    return key


def answer_about(move: Callable[[], MoneyMoved]) -> Answer:
    """Move the money and write the answer; what speaks against it by now is an answer as well.

    A request that was wrong in itself, or that names nobody, keeps no key: it can be corrected.
    """
    try:
        moved = move()
    except DomainError as refusal:
        if status_of(refusal) != status.HTTP_409_CONFLICT:
            raise
        return Answer(status_of(refusal), problem_of(refusal))
    return Answer(status.HTTP_201_CREATED, dict(TransferAnswer(rendering.transfer(moved)).data))


def replay_headers(answer: Answer) -> dict[str, str] | None:
    """Return what tells a client that its request had been done before."""
    return {"Idempotency-Replayed": "true"} if answer.is_repeat else None


def respond(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, headers=replay_headers(answer))
