"""No page without a second factor, and a fresh proof before what matters."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.urls import reverse

from apps.staff.sign_in.proofs import gave_second_factor, is_enrolled, proved_lately

type View = Callable[[HttpRequest], HttpResponse]

_ADMIN = "/admin/"
_ALWAYS_OPEN = ("/admin/login/", "/admin/logout/", "/admin/confirm/", "/admin/second-factor/")

# Pages of the admin that ask for a proof not older than ten minutes, by name (and button); the
# second set shows its page and asks only before it saves.
STEP_UP_PAGES = frozenset(
    {
        "staff_approval_do/approve",
        "staff_user_do",
        "staff_user_add",
        "auth_user_password_change",
        "providers_providerkey_add",
        "providers_providerkey_do",
        "operator_api_apiclient_add",
        "operator_api_apiclient_do",
        "operator_api_apiclient_issue",
        "operator_api_apitoken_do",
        "auditing_export_add",
        "auditing_export_download",
    }
)
STEP_UP_SAVES = frozenset({"staff_user_change"})


class SecondFactorMiddleware:
    """Lead people who lack a second factor to where they get it, before any page is shown.

    Active where PITBOSS_MFA_REQUIRED is. The password alone opens nothing but these pages.
    """

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_guarded(request) or gave_second_factor(request):
            return self._get_response(request)
        if not request.path.startswith(_ADMIN):
            return HttpResponseForbidden("Second factor needed.", content_type="text/plain")
        if is_enrolled(request):
            return _to("mfa_reauthenticate", request)
        return HttpResponseRedirect(reverse("mfa_activate_totp"))

    def process_view(
        self, request: HttpRequest, _view: View, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if not _is_guarded(request) or not _asks_for_proof(request) or proved_lately(request):
            return None
        # The form is opened again afterwards; what was typed is not kept, it may hold a secret.
        return _to("mfa_reauthenticate", request)


def _is_guarded(request: HttpRequest) -> bool:
    if not settings.PITBOSS_MFA_REQUIRED or request.path.startswith(_ALWAYS_OPEN):
        return False
    return request.user.is_authenticated


def _asks_for_proof(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or match.app_name != "admin":
        return False
    page = match.url_name or ""
    if {page, f"{page}/{match.kwargs.get('name', '')}"} & STEP_UP_PAGES:
        return True
    return page in STEP_UP_SAVES and request.method not in {"GET", "HEAD", "OPTIONS"}


def _to(page: str, request: HttpRequest) -> HttpResponse:
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse(page)}?{query}")
