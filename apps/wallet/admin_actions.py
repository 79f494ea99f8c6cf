"""What people may do about a transfer that is on its way."""

from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from apps.core.admin import ActionCall, ReasonedAction, ReasonForm
from apps.staff.selectors import is_pending
from apps.wallet.enums import GameTransferState, ReceivableEnd
from apps.wallet.services.game_transfers import ask_again
from apps.wallet.services.receivables import (
    RECEIVABLE_END,
    end_subject,
    request_receivable_end,
)
from apps.wallet.services.transfer_fates import request_fate

_FATES: Final = [
    ("", "Choose"),
    (GameTransferState.CONFIRMED.value, "Done: the provider's books have it"),
    (GameTransferState.FAILED.value, "Never done: the provider's books don't have it"),
]


class FateForm(ReasonForm):
    """Asks what the provider's books show, and how we know."""

    outcome = forms.ChoiceField(
        choices=_FATES,
        widget=UnfoldAdminSelectWidget,
        help_text="Done moves the amount to where it was sent; never done gives it back to where "
        "it came from.",
    )
    evidence = forms.CharField(
        min_length=10,
        max_length=2_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Who at the provider said so, when, and what their statement shows for this "
        "transaction id. The second person reads this.",
    )
    field_order = ["outcome", "evidence", "reason"]


def _ask_again(call: ActionCall) -> str:
    ask_again(transfer_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now)
    return "The provider is asked now. Reload this page in a moment to see what it says."


def _request_fate(call: ActionCall) -> str:
    approval_id = request_fate(
        transfer_id=call.object_id,
        fate=GameTransferState(call.fields["outcome"]),
        evidence=call.fields["evidence"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"Approval {approval_id} awaits a second person. Nothing has moved yet."


def _is_open(transfer: Any, _user: Any) -> bool:
    return transfer.decided_at is None


class ReceivableEndForm(ReasonForm):
    end = forms.ChoiceField(
        choices=[("", "Choose"), *ReceivableEnd.choices],
        widget=UnfoldAdminSelectWidget,
        help_text="Settling takes what the player's cash covers, at most what is owed. Written "
        "off, the house bears all that is owed.",
    )
    field_order = ["end", "reason"]


def _is_asked(account: Any) -> bool:
    return is_pending(RECEIVABLE_END, end_subject(account.player_ref, account.currency))


def _request_receivable_end(call: ActionCall) -> str:
    approval_id = request_receivable_end(
        account_id=call.object_id,
        end=ReceivableEnd(call.fields["end"]),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"Approval {approval_id} awaits a second person. Nothing has moved yet."


RECEIVABLE_ACTIONS: Final = [
    ReasonedAction(
        name="end",
        label="Settle or write off with a second person",
        permission="wallet.request_receivable_end",
        perform=_request_receivable_end,
        question="The player can't withdraw while this is owed. A second person has to agree; a "
        "rollback that takes it back first voids the request.",
        tone="primary",
        form_class=ReceivableEndForm,
        is_offered=lambda account, _user: account.open_minor > 0 and not _is_asked(account),
    )
]

TRANSFER_ACTIONS: Final = [
    ReasonedAction(
        name="ask",
        label="Ask the provider now",
        permission="wallet.ask_gametransfer",
        perform=_ask_again,
        question="Asks for this transfer's status at once, and tells the provider again, under "
        "the same transaction id, where it never heard of it. Nothing can move twice. Until it "
        "is decided the player can't start a game there.",
        tone="primary",
        is_offered=_is_open,
    ),
    ReasonedAction(
        name="decide",
        label="Decide with a second person",
        permission="wallet.request_transfer_fate",
        perform=_request_fate,
        question="For a transfer that the provider never decides. Ask it first, and compare its "
        "statement: its own word ends the matter and voids this request. The amount moves once, "
        "when a second person agrees.",
        tone="danger",
        form_class=FateForm,
        is_offered=lambda transfer, user: _is_open(transfer, user) and transfer.attempts > 0,
    ),
]
