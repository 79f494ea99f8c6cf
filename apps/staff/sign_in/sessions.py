"""Where a person is signed in: their own sessions, and the buttons that end them."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View

from apps.core.admin.live import renews_itself
from apps.staff import services
from apps.staff.errors import NoSuchSessionError

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class SessionNotes:
    """Notes where people are signed in, so that they can look; stands behind the sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            is_use = not renews_itself(request)
            services.note_session(request, now=timezone.now(), is_use=is_use)
        return self._get_response(request)


def device_of(user_agent: str) -> str:
    """Say a browser and system in two words; what is unknown is shown as it came."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    known = " on ".join(part for part in (browser, system) if part)
    return known or user_agent[:60] or "unknown"


@method_decorator(login_required, name="dispatch")
class SessionsView(View):
    """Lists the person's sessions; ending the present one is signing out."""

    http_method_names = ("get", "head", "options", "post")

    def get(self, request: HttpRequest) -> HttpResponse:
        mine = request.session.session_key
        context = {
            **admin.site.each_context(request),
            "title": "Where you are signed in",
            "sessions": [
                {
                    "id": session.pk,
                    "device": device_of(session.user_agent),
                    "user_agent": session.user_agent,
                    "ip": session.ip,
                    "created_at": session.created_at,
                    "last_seen_at": session.last_seen_at,
                    "is_this": session.session_key == mine,
                }
                for session in services.live_sessions(request.user.pk or 0)
            ],
        }
        return TemplateResponse(request, "account/sessions.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        which = request.POST.get("end", "")
        now = timezone.now()
        try:
            if which == "others":
                key = request.session.session_key or ""
                ended = services.end_own_other_sessions(user=user, kept_key=key, now=now)
                messages.success(request, f"Ended: {ended}. You stay signed in here.")
            else:
                is_number = which.isascii() and which.isdigit() and len(which) < 18
                number = int(which) if is_number else 0
                services.end_own_session(session_id=number, user=user, now=now)
                messages.success(request, "That session is ended.")
        except NoSuchSessionError as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("staff_sessions"))
