"""A keyed request takes effect once: its key, its content and its answer are kept with the effect.

The effect, the answer and the key are one transaction, so there is no moment at which one of them
stands without the others. A copy that arrives while the first is under way is told so at once, by
an advisory lock that ends with the transaction; no row has to be cleaned up after a crash.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from apps.core.canonical import content_hash
from apps.operator_api.contracts import Answer, KeyedRequest
from apps.operator_api.errors import KeyReusedError, RequestInFlightError
from apps.operator_api.models import IdempotentRequest

# Asked for in the space of 64-bit locks; two keys that share a number only wait for each other.
_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%s)"


def answer_once(request: KeyedRequest, effect: Callable[[], Answer], *, now: datetime) -> Answer:
    """Run ``effect`` for a key once and keep its answer; every repeat gets that answer again.

    ``effect`` returns the refusals that are final as answers. What it raises goes up and leaves
    nothing: neither the effect nor the key.

    Raises:
        RequestInFlightError: a copy of the request is under way.
        KeyReusedError: the key was used for a request with other content.
    """
    request_hash = content_hash(request.content)
    with transaction.atomic(durable=True):
        _lock(request)
        # Read under the lock: whoever held it before has committed.
        kept = IdempotentRequest.objects.filter(
            client_id=request.client_id, key=request.key
        ).first()
        if kept is not None:
            if kept.request_hash != request_hash:
                raise KeyReusedError
            return Answer(kept.answer_status, kept.answer_body, is_repeat=True)
        answer = effect()
        IdempotentRequest.objects.create(
            client_id=request.client_id,
            key=request.key,
            request_hash=request_hash,
            answer_status=answer.status,
            answer_body=answer.body,
            created_at=now,
        )
        return answer


def _lock(request: KeyedRequest) -> None:
    name = f"operator_api.key:{request.client_id}:{request.key}"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute(_TRY_LOCK, [number])
        if not cursor.fetchone()[0]:
            raise RequestInFlightError
