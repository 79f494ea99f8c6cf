"""What the gateway adds to the pages of the apps below: re-processing, and who signed what."""

from typing import Any, override
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from apps.core.admin import (
    ActionCall,
    Panel,
    ReasonedAction,
    ReasonForm,
    at_cell,
    badge,
    link_cell,
)
from apps.gateway.selectors import what_is_open
from apps.gateway.services.cash_outs import cash_out_by_staff
from apps.gateway.services.closing import Closing, ClosingOrder, request_closing
from apps.gateway.services.id_scopes import change_id_scopes
from apps.gateway.services.intake import why_not_again
from apps.gateway.services.reprocessing import reprocess_delivery
from apps.providers.enums import RoundScope, TransactionScope
from apps.providers.key_panels import KeyFacts
from apps.providers.selectors.catalogue import provider_codes
from apps.providers.selectors.id_scopes import Scopes, ScopeSetting, scope_setting
from apps.rounds.enums import RoundState
from apps.rounds.panels import status_word
from apps.rounds.traffic import deliveries_with_key
from apps.wallet.play_models import provider_of_pot
from apps.wallet.selectors import balances

_SHOWN = 10


def _reprocess(call: ActionCall) -> str:
    counts = reprocess_delivery(
        delivery_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    told = ", ".join(f"{count:,} {status_word(status)}" for status, count in sorted(counts.items()))
    return f"Applied again: {told}. A repeat moved nothing."


REPROCESS = ReasonedAction(
    name="reprocess",
    label="Re-process",
    permission="rounds.change_delivery",
    perform=_reprocess,
    question="The stored bytes go through the one way in again. What was applied already is "
    "answered as a repeat and moves nothing; what was parked, or refused and is no new stake, is "
    "judged anew by today's rules. A new stake is never taken this way, since the provider counts "
    "it as refused: it may send it again. The provider is not told.",
    tone="primary",
    is_offered=lambda delivery, _user: not why_not_again(delivery.pk),
    why_not=lambda delivery: why_not_again(delivery.pk),
)


class ClosingForm(ReasonForm):
    """Asks how the round ended, and how we know."""

    closing = forms.ChoiceField(
        choices=[
            ("", "Choose"),
            (Closing.RETURN.value, "Return: not played to its end, the stake goes back"),
            (Closing.SETTLE.value, "Settle: played, the stake is taken and waiting wins are paid"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    evidence = forms.CharField(
        min_length=10,
        max_length=2_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="What the provider's round log or statement says about this round, and who "
        "confirmed it. The second person reads this.",
    )
    field_order = ["closing", "evidence", "reason"]


def _close_round(call: ActionCall) -> str:
    order = ClosingOrder(call.object_id, Closing(call.fields["closing"]), call.fields["evidence"])
    approval_id = request_closing(order, acting_user=call.user, reason=call.reason, now=call.now)
    return f"Approval {approval_id} awaits a second person. Nothing has moved yet."


CLOSE_ROUND = ReasonedAction(
    name="close",
    label="Close with a second person",
    permission="rounds.request_closing",
    perform=_close_round,
    question="For a stuck round that its provider will not close. Compare its round log first. "
    "Should any message of the provider come into the round before the second person agrees, this "
    "request is void. A return leaves wins that were paid by a message of their own and takes back "
    "what one message won together with its stake; the request says how much of each.",
    tone="danger",
    is_offered=lambda game_round, _user: bool(game_round.state == RoundState.STUCK),
    form_class=ClosingForm,
)


class IdScopesForm(ReasonForm):
    """Asks where ids are unique; nothing is chosen beforehand, so neither changes unnoticed."""

    transaction_scope = forms.ChoiceField(
        choices=[("", "Choose"), *TransactionScope.choices],
        widget=UnfoldAdminSelectWidget,
        label="A transaction id is",
    )
    round_scope = forms.ChoiceField(
        choices=[("", "Choose"), *RoundScope.choices],
        widget=UnfoldAdminSelectWidget,
        label="A round id is",
    )
    field_order = ("transaction_scope", "round_scope", "reason")


def _change_id_scopes(call: ActionCall) -> str:
    change_id_scopes(
        policy_id=call.object_id,
        scopes=Scopes(call.fields["transaction_scope"], call.fields["round_scope"]),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return "Changed. The gateway reads ids like this within a few seconds."


def _may_change_ids(setting: ScopeSetting) -> bool:
    return setting.is_asked and not setting.is_fixed_for_ever


ID_SCOPES = ReasonedAction(
    name="ids",
    label="Change what ids mean",
    permission="providers.change_providerpolicy",
    perform=_change_id_scopes,
    question="Two messages with one id within the scope are the same message. Possible while the "
    "provider is rehearsed with and nothing is open, or before its first event; never once it is "
    "live: an old message sent again would then be booked a second time.",
    is_offered=lambda policy, _user: _may_change_ids(scope_setting(policy.pk)),
    form_class=IdScopesForm,
)


def id_scopes_panel(policy_id: int) -> Panel:
    """Say whether what a provider's ids mean may still change, and what speaks against it."""
    setting = scope_setting(policy_id)
    found = what_is_open(setting.provider_id, setting.provider_code)
    if setting.is_fixed_for_ever:
        word, tone = "Fixed for ever", "neutral"
        why = "Live, and its events follow these scopes. Another would book old messages again."
    elif not setting.is_asked:
        word, tone = "The protocol decides", "neutral"
        why = "Its ids are unique at the provider, and so are its rounds."
    elif found:
        word, tone = "Not now", "warning"
        why = "Let the rounds close, sweep or cash out, and resolve transfers first."
    else:
        word, tone = "Free to change", "success"
        why = "Nothing is open. The first event of live play fixes it for ever."
    return Panel(
        title="What ids mean",
        columns=["May change", "Why", "Followed since", "Open at the provider"],
        rows=[
            [
                badge(word, tone),
                why,
                at_cell(setting.fixed_at) if setting.fixed_at else "no event yet",
                ", ".join(found) or "nothing",
            ]
        ],
    )


def key_use_panel(request: HttpRequest, key: KeyFacts) -> Panel | None:
    """Show which deliveries a key signed last, for who may see deliveries."""
    if not request.user.has_perm("rounds.view_delivery"):
        return None
    deliveries = deliveries_with_key(key.provider_id, key.kid, limit=_SHOWN)
    query = urlencode({"provider_id": key.provider_id, "key_id": key.kid, "who": "all"})
    return Panel(
        title="Last deliveries signed with this key",
        note="Among the provider's newest 20,000.",
        columns=["Received", "Delivery"],
        rows=[
            [
                at_cell(one.received_at),
                link_cell(
                    reverse("admin:rounds_delivery_change", args=[one.pk]),
                    one.message_id or one.pk,
                ),
            ]
            for one in deliveries
        ],
        empty_text="None. Where the key is to end, the provider no longer needs it.",
        link=reverse("admin:rounds_delivery_changelist") + f"?{query}",
    )


def _providers_with_money(player_id: int) -> list[tuple[str, str]]:
    """Return where the player has something; one that is switched off may still hold it."""
    holding = {provider_of_pot(pot) for pot, amount in balances(player_id).items() if amount}
    return [(code, name) for code, name in provider_codes() if code in holding]


class CashOutForm(ReasonForm):
    provider = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        help_text="All that the player has in a sub-wallet or in the provider's own wallet.",
    )
    field_order = ["provider", "reason"]

    @override
    def fit(self, obj: Any) -> None:
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - as declared above
        field.choices = [("", "Choose"), *_providers_with_money(obj.pk)]


def _cash_out(call: ActionCall) -> str:
    done = cash_out_by_staff(
        player_id=call.object_id,
        provider_code=call.fields["provider"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    if done.transfer is None:
        return "The money is the player's cash again."
    return f"The provider is asked; transfer {done.transfer.public_id} shows what it says."


CASH_OUT = ReasonedAction(
    name="cash_out",
    label="Fetch money back from a provider",
    permission="wallet.cash_out_player",
    perform=_cash_out,
    question="Brings all back to the player's cash that is set apart for one provider's games. A "
    "sub-wallet with an open round is left alone; a provider's own wallet is asked and may say no.",
    tone="primary",
    form_class=CashOutForm,
    is_offered=lambda player, _user: bool(_providers_with_money(player.pk)),
)
