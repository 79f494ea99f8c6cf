"""What a client does to a game session beyond what play does by itself: it leaves an entry."""

from datetime import datetime

from django.db import transaction

from apps.core.services import record_audit
from apps.operator_api.contracts import Credentials
from apps.play.enums import SessionEnd
from apps.play.services import end_session


@transaction.atomic
def end_session_for_client(client: Credentials, *, session_id: int, now: datetime) -> None:
    """End a session for a client and write it to the audit chain; again, it changes nothing.

    Raises:
        UnknownSessionError: there is no such session.
    """
    ended = end_session(
        session_id=session_id,
        code=SessionEnd.LOGOUT,
        reason=f"Ended by {client.client_name}.",
        now=now,
    )
    if not ended:
        return
    record_audit(
        action="operator_api.session.ended",
        actor=None,
        subject=f"play.gamesession:{session_id}",
        details={
            "client_id": client.client_id,
            "token_id": client.token_id,
            "code": SessionEnd.LOGOUT.value,
        },
        now=now,
    )
