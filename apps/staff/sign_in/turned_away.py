"""The page of who tried to sign in too often: why, and when to try again."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

_RATE_WINDOW: Final = timedelta(minutes=1)  # every rate of the sign-in's pages is one a minute


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, Any] | None
) -> HttpResponse:
    """Answer for axes, whose lock counts from the latest failure, also one made during it."""
    lead = (
        f"{settings.AXES_FAILURE_LIMIT} sign-ins with this name failed from your address, so that "
        "no more are taken from there for a while. A try before then starts the time anew, with "
        "the right password as well."
    )
    advice = "If you do not know your password, ask an administrator for a new one."
    return _page(request, lead, advice, wait=settings.AXES_COOLOFF_TIME)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer for allauth, which counts how often a page of the sign-in is sent."""
    lead = "Your address or your account has sent this page too often within a minute."
    advice = "Nobody is locked out; nothing that you sent was looked at."
    return _page(request, lead, advice, wait=_RATE_WINDOW)


def _page(request: HttpRequest, lead: str, advice: str, *, wait: timedelta) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Too many tries",
        "lead": lead,
        "advice": advice,
        "again_at": timezone.now() + wait,
        "minutes": int(wait.total_seconds()) // 60,
    }
    answer = render(request, "account/too_many.html", context, status=429)
    answer.headers["Retry-After"] = str(int(wait.total_seconds()))
    answer.headers["Cache-Control"] = "no-store"
    return answer
