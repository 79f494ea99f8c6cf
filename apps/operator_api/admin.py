"""API clients and their tokens: made in two steps, the token shown once."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from apps.core.admin import (
    ActionCall,
    FormPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    RefusalShownIn,
    at_cell,
    badge,
    datetime_column,
    link_cell,
)
from apps.core.admin.actions import ReasonForm
from apps.operator_api import services
from apps.operator_api.contracts import NewToken
from apps.operator_api.enums import MONEY_SCOPES, Scope
from apps.operator_api.models import ApiClient, ApiToken
from apps.operator_api.selectors import (
    latest_requests,
    token_asked_for,
    token_to_pick_up,
    tokens_of,
)

if TYPE_CHECKING:
    from apps.staff.models import Approval

_ASK = (
    "This client moves players' money, so a second person has to agree. Then come back: the token "
    "is shown to you, once."
)
_PICK_UP = (
    "A second person agreed to a token for {days} days. It is made when you go on, and shown once: "
    "have the place open where it belongs."
)


class ClientForm(ReasonForm):
    name = forms.CharField(
        max_length=64,
        strip=True,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Which system of the operator this is, such as Casino backend.",
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="No more than it needs: scopes can't be changed afterwards.",
    )
    field_order = ("name", "scopes", "reason")


class TokenForm(ReasonForm):
    days = forms.IntegerField(
        min_value=1,
        max_value=366,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="How long the token lives, 366 days at most.",
    )
    field_order = ("days", "reason")


def _revoke(call: ActionCall) -> str:
    services.revoke_token(
        token_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Revoked. The next call with it is refused."


def _token_state(token: ApiToken) -> Any:
    if token.revoked_at is not None:
        return badge("revoked", "danger")
    is_live = token.expires_at > timezone.now()
    return badge("live", "success") if is_live else badge("run out", "neutral")


@admin.register(ApiClient)
class ApiClientAdmin(PanelsMixin, ReadOnlyAdmin[ApiClient]):
    """First the client with its scopes, then a token for it."""

    list_empty_text = "No system calls the operator API yet. Add a client, then a token for it."
    list_display = ["name", "may", datetime_column("created_at", title="since")]
    search_fields = ["name__exact"]
    search_help_text = "Name, exactly"
    ordering = ["name"]
    fields = ["name", "may", ("created_by", "created_at")]
    readonly_fields = ["may"]
    reasoned_actions = [
        ReasonedAction(
            name="issue",
            label="Issue a token",
            permission="operator_api.add_apitoken",
            perform=lambda _call: "",
        )
    ]

    @admin.display(description="may")
    def may(self, client: ApiClient) -> str:
        words = dict(Scope.choices)
        return "; ".join(str(words.get(scope, scope)) for scope in client.scopes)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("operator_api.add_apiclient")

    @override
    def get_urls(self) -> list[URLPattern]:
        issue = path(
            "<int:object_id>/do/issue/",
            self.admin_site.admin_view(self.issue_view),
            name="operator_api_apiclient_issue",
        )
        return [issue, *super().get_urls()]

    @override
    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ClientForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with RefusalShownIn(form):
                client_id = services.create_client(
                    name=form.cleaned_data["name"],
                    scopes=form.cleaned_data["scopes"],
                    acting_user=request.user,
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
                return HttpResponseRedirect(_page(client_id))
        back = reverse("admin:operator_api_apiclient_changelist")
        return self._form(request, form, "Add an API client", back)

    def issue_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Issue a token and show it on the answer to this very request, and never again."""
        if not request.user.has_perm("operator_api.add_apitoken"):
            raise PermissionDenied
        client = self.get_object(request, str(object_id))
        if client is None:
            raise Http404
        if _moves_money(client):
            return self._issue_with_two(request, client)
        form = TokenForm(request.POST or None)
        token = _asked(request, form, client, services.issue_token)
        if token is not None:
            return self._issued(request, client, token)
        return self._form(request, form, f"Issue a token: {client}", _page(client.pk))

    def _issue_with_two(self, request: HttpRequest, client: ApiClient) -> HttpResponse:
        """Ask a second person; once they agreed, hand the token to who asked."""
        agreed = token_to_pick_up(client.pk, request.user.pk or 0, timezone.now())
        if agreed is not None:
            return self._pick_up(request, client, agreed)
        form = TokenForm(request.POST or None)
        approval_id = _asked(request, form, client, services.request_token)
        if approval_id is not None:
            messages.success(
                request,
                f"A second person can now agree (approval {approval_id}). "
                "Then pick the token up here.",
            )
            return HttpResponseRedirect(_page(client.pk))
        title = f"Ask for a token that moves money: {client}"
        return self._form(request, form, title, _page(client.pk), _ASK)

    def _pick_up(self, request: HttpRequest, client: ApiClient, agreed: "Approval") -> HttpResponse:
        form = forms.Form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            with RefusalShownIn(form):
                token = services.pick_up_token(
                    client_id=client.pk, acting_user=request.user, now=timezone.now()
                )
                return self._issued(request, client, token)
        title = f"Pick up the token of {client}"
        note = _PICK_UP.format(days=agreed.payload["days"])
        return self._form(request, form, title, _page(client.pk), note)

    def _issued(self, request: HttpRequest, client: ApiClient, token: NewToken) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"New token of {client}",
            "opts": self.opts,
            "token": token,
            "back_url": _page(client.pk),
        }
        return TemplateResponse(request, "operator_api/token_issued.html", context)

    def _form(
        self, request: HttpRequest, form: forms.Form, title: str, back: str, note: str = ""
    ) -> HttpResponse:
        page = FormPage(title=title, question=note, label="Go on", back_url=back)
        return page.show(request, self, form)

    @override
    def panels(self, request: HttpRequest, obj: ApiClient) -> Sequence[Panel]:
        asked = token_asked_for(obj.pk)
        return [
            *([] if asked is None else [_asked_panel(asked)]),
            _tokens_panel(obj),
            _requests_panel(obj),
        ]


def _asked[Made](
    request: HttpRequest, form: TokenForm, client: ApiClient, make: Callable[..., Made]
) -> Made | None:
    """Return what was made of a form that was sent; None where it is still to be filled in."""
    if request.method == "POST" and form.is_valid():
        with RefusalShownIn(form):
            return make(
                client_id=client.pk,
                days=form.cleaned_data["days"],
                acting_user=request.user,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
    return None


def _moves_money(client: ApiClient) -> bool:
    return not MONEY_SCOPES.isdisjoint(client.scopes)


def _page(client_id: int) -> str:
    return reverse("admin:operator_api_apiclient_change", args=[client_id])


def _asked_panel(asked: "Approval") -> Panel:
    return Panel(
        title="A token awaits a second person",
        note="Once they agree, who asked picks it up here.",
        columns=["Approval", "Asked by", "Asked", "Why"],
        rows=[
            [
                link_cell(reverse("admin:staff_approval_change", args=[asked.pk]), asked.pk),
                str(asked.requested_by),
                at_cell(asked.requested_at),
                asked.request_reason,
            ]
        ],
        tone="warning",
    )


def _tokens_panel(client: ApiClient) -> Panel:
    return Panel(
        title="Tokens",
        note="To change a token under traffic, issue the next one before you revoke the last.",
        columns=["Token", "State", "Issued", "Ends", "Last used"],
        rows=[
            [
                link_cell(reverse("admin:operator_api_apitoken_change", args=[token.pk]), token),
                _token_state(token),
                at_cell(token.issued_at),
                at_cell(token.expires_at),
                at_cell(token.last_used_at),
            ]
            for token in tokens_of(client.pk)
        ],
        empty_text="No token yet, so this client can't call. Issue one.",
    )


def _requests_panel(client: ApiClient) -> Panel:
    return Panel(
        title="Latest keyed requests",
        columns=["Idempotency key", "Answer", "When"],
        rows=[
            [request.key, str(request.answer_status), at_cell(request.created_at)]
            for request in latest_requests(client.pk)
        ],
        empty_text="It has moved no money yet.",
    )


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[ApiToken]):
    list_empty_text = "No token was issued. Open an API client to add one; it is shown once."
    list_display = [
        "prefix",
        "client",
        "state",
        datetime_column("issued_at", title="issued"),
        datetime_column("expires_at", title="ends"),
        datetime_column("last_used_at", title="last used"),
    ]
    list_select_related = ["client"]
    search_fields = ["prefix__exact"]
    search_help_text = "First twelve characters, exactly"
    ordering = ["-pk"]
    fields = [
        ("client", "prefix"),
        ("issued_by", "issued_at", "expires_at"),
        ("moves_money", "approval"),
        "last_used_at",
        ("revoked_at", "revoked_reason"),
    ]
    reasoned_actions = [
        ReasonedAction(
            name="revoke",
            label="Revoke token",
            permission="operator_api.change_apitoken",
            perform=_revoke,
            question="Calls with this token are refused from now on.",
            tone="danger",
            is_offered=lambda token, _user: token.revoked_at is None,
        )
    ]

    @admin.display(description="state")
    def state(self, token: ApiToken) -> Any:
        return _token_state(token)
