"""Keys shared with providers: rotation with overlap, and which key is really used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, override

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.core.admin import (
    ActionCall,
    FormPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    RefusalShownIn,
    badge,
    choice_filter,
    datetime_column,
)
from apps.providers.contracts import NewKey
from apps.providers.enums import KeyPurpose, KeyState
from apps.providers.key_panels import KeyFacts, key_panels
from apps.providers.models import ProviderKey
from apps.providers.selectors import provider_choices
from apps.providers.services import key_proposals, keys
from apps.providers.services.key_proposals import ProposedKey

KEY_USES = {KeyPurpose.CALLBACKS: "callbacks", KeyPurpose.ORDERS: "our orders"}
KEY_TONES = {"proposed": "warning", "active": "success", "retired": "neutral", "revoked": "danger"}


def key_standing(key: ProviderKey, now: datetime) -> SafeString:
    """Say whether a key verifies or signs now: an active one does between its two moments."""
    if key.state == KeyState.ACTIVE and key.not_after is not None and key.not_after <= now:
        return badge("Ended", "neutral")
    if key.state == KeyState.ACTIVE and key.not_before > now:
        return badge("Not yet valid", "info")
    return badge(key.get_state_display(), KEY_TONES[key.state])


def _moment(label: str, help_text: str, *, required: bool = False) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=f"{label} (UTC)",
        required=required,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )


class AddKeyForm(ReasonForm):
    """Asks for the next key; without a secret we make one and show it once."""

    provider = forms.TypedChoiceField(
        coerce=int, choices=provider_choices, widget=UnfoldAdminSelectWidget
    )
    purpose = forms.ChoiceField(choices=KeyPurpose.choices, widget=UnfoldAdminSelectWidget)
    kid = forms.CharField(
        label="Key id",
        max_length=32,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Its public name, new for this provider, for example k-2026-12.",
    )
    secret = forms.CharField(
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "autocomplete": "off"}),
        help_text="The secret the provider gave you, or its RSA public key as PEM (callbacks of "
        "hub88, caleta). Left empty, one is made and shown once: give it to the provider.",
    )
    not_before = _moment("Valid from", "Empty: from now on.")
    not_after = _moment("Valid until", "Empty: until somebody ends it.")
    end_others_at = _moment(
        "The present keys end",
        "Those of the same purpose. Until then old and new both hold: either verifies a callback, "
        "and an order is signed with both. Empty: they stay; end them once nobody uses them.",
    )
    field_order = [
        "provider",
        "purpose",
        "kid",
        "secret",
        "not_before",
        "not_after",
        "end_others_at",
    ]


class EndKeyForm(ReasonForm):
    until = _moment("Valid until", "Until then the key verifies or signs.", required=True)
    field_order = ["until"]


def _retire(call: ActionCall) -> str:
    keys.retire_provider_key(
        key_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Retired. What it signs is refused from now on, and we sign nothing with it."


def _withdraw(call: ActionCall) -> str:
    keys.retire_provider_key(
        key_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Withdrawn. It never verified or signed anything."


def _revoke(call: ActionCall) -> str:
    keys.revoke_provider_key(
        key_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Revoked. The gateway refuses it within 5 seconds. Look at what it signed last."


def _end(call: ActionCall) -> str:
    keys.end_provider_key(
        key_id=call.object_id,
        until=call.fields["until"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return "The end is set. Until then the key verifies or signs."


def _is_active(key: Any, _user: Any) -> bool:
    return bool(key.state == KeyState.ACTIVE)


@admin.register(ProviderKey)
class ProviderKeyAdmin(PanelsMixin, ReadOnlyAdmin[ProviderKey]):
    list_empty_text = (
        "No key is on file, so no callback is believed. A provider is loaded with its first."
    )
    list_display = [
        "kid",
        "provider",
        "purpose",
        "standing",
        datetime_column("not_before", title="from"),
        datetime_column("not_after", title="until"),
        datetime_column("created_at", title="created"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("purpose", "purpose", KeyPurpose.choices),
        choice_filter("state", "state", KeyState.choices),
    ]
    list_select_related = ["provider"]
    search_fields = ["kid__exact"]
    search_help_text = "Key id, exactly"
    ordering = ["-created_at", "-pk"]
    fields = [
        ("provider", "kid"),
        ("purpose", "standing"),
        ("not_before", "not_after"),
        ("created_at", "added_by", "approval"),
    ]
    reasoned_actions = [
        ReasonedAction(
            name="end",
            label="Set the end",
            permission="providers.change_providerkey",
            perform=_end,
            question="For a planned change: give the provider time to change to the next key.",
            form_class=EndKeyForm,
            is_offered=_is_active,
        ),
        ReasonedAction(
            name="retire",
            label="Retire key",
            permission="providers.change_providerkey",
            perform=_retire,
            question="For callbacks: what is signed with it is refused at once, retries too. For "
            "orders: we sign nothing with it any more. Make sure that another key is active.",
            tone="danger",
            is_offered=_is_active,
        ),
        ReasonedAction(
            name="withdraw",
            label="Withdraw proposal",
            permission="providers.change_providerkey",
            perform=_withdraw,
            question="Nobody can agree to it any more. A new proposal needs a new name.",
            is_offered=lambda key, _user: key.state == KeyState.PROPOSED,
        ),
        ReasonedAction(
            name="revoke",
            label="Revoke key",
            permission="providers.change_providerkey",
            perform=_revoke,
            question="For a key that leaked. It ends now, and what it signed stays marked. "
            "Add the next key first if the provider should go on sending.",
            tone="danger",
            is_offered=lambda key, _user: key.state != KeyState.REVOKED,
        ),
    ]

    @admin.display(description="state", ordering="state")
    def standing(self, key: ProviderKey) -> SafeString:
        return key_standing(key, timezone.now())

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("providers.add_providerkey")

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Add the next key through the service; a secret we made is shown in this answer only."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("provider", "")
        initial = {"provider": wanted, "kid": f"k-{timezone.now():%Y%m%d-%H%M}"}
        form = AddKeyForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            answer = self._add(request, form)
            if answer is not None:
                return answer
        page = FormPage(
            title="Propose the next key",
            question="A second person has to agree before anything signed with it is "
            "believed, and before we sign with it. Several keys may be valid at once, so that "
            "nothing is refused while the provider changes over. No key has both purposes: who "
            "holds the one can't play the other side.",
            label="Ask for approval",
            back_url=reverse("admin:providers_providerkey_changelist"),
        )
        return page.show(request, self, form)

    def _add(self, request: HttpRequest, form: AddKeyForm) -> HttpResponse | None:
        now = timezone.now()
        sent = form.cleaned_data
        new = NewKey(
            provider_id=sent["provider"],
            kid=sent["kid"],
            secret=sent["secret"],
            not_before=sent["not_before"] or now,
            not_after=sent["not_after"],
            end_others_at=sent["end_others_at"],
            purpose=sent["purpose"],
        )
        with RefusalShownIn(form):
            made = key_proposals.propose_provider_key(
                new, acting_user=request.user, reason=sent["reason"], now=now
            )
            return self._proposed(request, new, made)
        return None

    def _proposed(self, request: HttpRequest, new: NewKey, made: ProposedKey) -> HttpResponse:
        """Show the key on the answer to this very request, and never again."""
        listing = reverse("admin:providers_providerkey_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Key {new.kid} awaits a second person",
            "opts": self.opts,
            "secret": made.secret,
            "approval_id": made.approval_id,
            "kid": new.kid,
            "is_for_orders": new.purpose == KeyPurpose.ORDERS,
            "back_url": f"{listing}?provider_id={new.provider_id}",
        }
        answer = TemplateResponse(request, "providers/key_added.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    @override
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Adding has a page of its own; what is left here is reading.
        if request.method == "POST":
            raise PermissionDenied
        return super().changeform_view(request, *args, **kwargs)

    @override
    def panels(self, request: HttpRequest, obj: ProviderKey) -> Sequence[Panel]:
        if obj.pk is None:
            raise Http404
        return key_panels(request, KeyFacts(provider_id=obj.provider_id, kid=obj.kid))
