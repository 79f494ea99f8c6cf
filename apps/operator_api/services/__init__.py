"""What the operator's API does by itself: know its clients, answer once, ask several apps."""

from apps.operator_api.services.clients import (
    authenticate,
    create_client,
    issue_token,
    revoke_token,
)
from apps.operator_api.services.eligibility import withdrawal_eligibility
from apps.operator_api.services.game_money import cash_out, provider_balance
from apps.operator_api.services.game_sessions import end_session_for_client, open_funded_session
from apps.operator_api.services.idempotency import answer_once
from apps.operator_api.services.mirror import mirror_player
from apps.operator_api.services.money import move_money
from apps.operator_api.services.token_requests import pick_up_token, request_token

__all__ = [
    "answer_once",
    "authenticate",
    "cash_out",
    "create_client",
    "end_session_for_client",
    "issue_token",
    "mirror_player",
    "move_money",
    "open_funded_session",
    "pick_up_token",
    "provider_balance",
    "request_token",
    "revoke_token",
    "withdrawal_eligibility",
]
