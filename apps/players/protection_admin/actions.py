"""What an officer may do for a player: each a permission, a reason and one service call."""

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import ActionCall, ReasonedAction, ReasonForm, display_at
from apps.core.money import to_minor
from apps.players import services
from apps.players.contracts import ExclusionRequest, LimitRequest
from apps.players.enums import ExclusionKind, LimitKind, Source
from apps.players.errors import NoExclusionError
from apps.players.selectors import exclusions_in_force, player_by_id

_SOURCES: Final = [
    (Source.PLAYER.value, "The player asked for it"),
    (Source.STAFF.value, "We decide it"),
]


def _source_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Who asks", choices=_SOURCES, widget=UnfoldAdminSelectWidget(choices=_SOURCES)
    )


class LimitForm(ReasonForm):
    kind = forms.ChoiceField(
        label="Limit", choices=LimitKind.choices, widget=UnfoldAdminSelectWidget
    )
    amount = forms.CharField(
        required=False,
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="In the player's currency, such as 100.00; minutes for play time and "
        "between reality checks. "
        "Leave it empty to remove the limit.",
    )
    source = _source_field()
    field_order = ["kind", "amount", "source", "reason"]


class CancelForm(ReasonForm):
    kind = forms.ChoiceField(
        label="Limit whose change is cancelled",
        choices=LimitKind.choices,
        widget=UnfoldAdminSelectWidget,
    )
    source = _source_field()
    field_order = ["kind", "source", "reason"]


class _UntilForm(ReasonForm):
    ends_at = forms.DateTimeField(
        label="Ends at (UTC)",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )
    source = _source_field()
    field_order = ["ends_at", "source", "reason"]

    def clean_ends_at(self) -> datetime | None:
        ends_at: datetime | None = self.cleaned_data["ends_at"]
        return ends_at.replace(tzinfo=UTC) if ends_at else None


class TimeOutForm(_UntilForm):
    pass


class SelfExclusionForm(_UntilForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_at"].required = False
        self.fields[
            "ends_at"
        ].help_text = (
            "Empty for an indefinite one. At its date it does not lapse: it is ended on request."
        )


class SourceForm(ReasonForm):
    source = _source_field()
    field_order = ["source", "reason"]


class EndForm(ReasonForm):
    kind = forms.ChoiceField(
        label="What ends",
        choices=[
            (ExclusionKind.SELF_EXCLUSION.value, ExclusionKind.SELF_EXCLUSION.label),
            (ExclusionKind.CLOSURE.value, ExclusionKind.CLOSURE.label),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    source = _source_field()
    field_order = ["kind", "source", "reason"]


def _asked_by(call: ActionCall) -> str:
    """Name who asked: the player through our staff, or our staff themselves."""
    username = str(call.user.get_username())
    return f"player, noted by {username}" if call.fields["source"] == "player" else username


def _set_limit(call: ActionCall) -> str:
    kind, text = LimitKind(call.fields["kind"]), call.fields["amount"].strip()
    currency = player_by_id(call.object_id).currency
    request = LimitRequest(
        player_id=call.object_id,
        kind=kind.value,
        source=call.fields["source"],
        asked_by=_asked_by(call),
        reason=call.reason,
        amount_minor=to_minor(text, currency) if text and not kind.is_in_minutes else None,
        # Whole minutes are read as an amount in a currency without decimals would be.
        minutes=to_minor(text, "JPY") if text and kind.is_in_minutes else None,
    )
    change = services.set_limit(request, actor=call.user, now=call.now)
    if change.is_pending:
        return f"{kind.label}: waits until {display_at(change.effective_at)}; until then as before."
    return f"{kind.label}: holds from now on."


def _cancel(call: ActionCall) -> str:
    kind = LimitKind(call.fields["kind"])
    services.cancel_pending_limit(
        call.object_id,
        kind.value,
        source=call.fields["source"],
        reason=call.reason,
        actor=call.user,
        now=call.now,
    )
    return f"{kind.label}: the change is cancelled, the limit goes on."


def _exclude(call: ActionCall, kind: ExclusionKind) -> str:
    request = ExclusionRequest(
        player_id=call.object_id,
        kind=kind.value,
        source=call.fields["source"],
        asked_by=_asked_by(call),
        reason=call.reason,
        ends_at=call.fields.get("ends_at"),
    )
    services.exclude(request, actor=call.user, now=call.now)
    return f"{kind.label} holds from now on; sessions end, money back and withdrawals go on."


def _time_out(call: ActionCall) -> str:
    return _exclude(call, ExclusionKind.TIME_OUT)


def _self_exclude(call: ActionCall) -> str:
    return _exclude(call, ExclusionKind.SELF_EXCLUSION)


def _close(call: ActionCall) -> str:
    services.close_account(
        call.object_id,
        source=call.fields["source"],
        asked_by=_asked_by(call),
        reason=call.reason,
        actor=call.user,
        now=call.now,
    )
    return "The account is closed; the balance stays the player's to withdraw."


def _end(call: ActionCall) -> str:
    """End the exclusions of a kind that hold, the one that may end last deciding."""
    kind = call.fields["kind"]
    ends = [
        services.end_exclusion(
            one.pk,
            source=call.fields["source"],
            asked_by=_asked_by(call),
            reason=call.reason,
            actor=call.user,
            now=call.now,
        )
        for one in exclusions_in_force(call.object_id, call.now)
        if one.kind == kind and getattr(one, "end", None) is None
    ]
    if not ends:
        raise NoExclusionError(f"No {ExclusionKind(kind).label.lower()} holds that could be ended.")
    last = max(end.effective_at for end in ends)
    return f"It lets go at {display_at(last)}, after the cooling-off."


ACTIONS: Final = (
    ReasonedAction(
        name="set-limit",
        label="Set a limit",
        permission="players.set_limit",
        perform=_set_limit,
        question="A first or lower limit holds at once. A higher one, or removing it, waits for "
        "the delay of the player's jurisdiction.",
        tone="primary",
        form_class=LimitForm,
    ),
    ReasonedAction(
        name="cancel-limit",
        label="Cancel a pending change",
        permission="players.set_limit",
        perform=_cancel,
        form_class=CancelForm,
    ),
    ReasonedAction(
        name="time-out",
        label="Time-out",
        permission="players.exclude_player",
        perform=_time_out,
        question="The player can't play until the end, which can't be brought forward.",
        form_class=TimeOutForm,
    ),
    ReasonedAction(
        name="self-exclude",
        label="Self-exclude",
        permission="players.exclude_player",
        perform=_self_exclude,
        question="The player can't play until it is ended on request. It is never shortened.",
        tone="danger",
        form_class=SelfExclusionForm,
    ),
    ReasonedAction(
        name="close",
        label="Close the account",
        permission="players.close_account",
        perform=_close,
        question="Where the jurisdiction says so, a closed account is never reopened.",
        tone="danger",
        form_class=SourceForm,
    ),
    ReasonedAction(
        name="end-exclusion",
        label="End an exclusion",
        permission="players.end_exclusion",
        perform=_end,
        question="Only after its earliest end. It lets go after the cooling-off.",
        form_class=EndForm,
    ),
)
