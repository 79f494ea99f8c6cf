"""Headers and session rules that Django has no setting for."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden

from config.security import API_POLICY, PERMISSIONS_POLICY

type View = Callable[[HttpRequest], HttpResponse]

_MACHINE_PATHS = ("/api/", "/callbacks/", "/healthz", "/readyz", "/metrics", "/.well-known/")
_PAGES = "/api/docs/"
_SINCE = "pitboss_session_since"


def headers_middleware(get_response: View) -> View:
    """Deny browser features, keep signed-in pages uncached, give machines no content at all."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if _is_machine(request.path):
            response.headers["Content-Security-Policy"] = API_POLICY
        if _is_machine(request.path) or request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        if request.path == "/admin/logout/" and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response

    return middleware


def plain_http_middleware(get_response: View) -> View:
    """Refuse plain HTTP where a redirect would invite machines to send their secret twice."""

    def middleware(request: HttpRequest) -> HttpResponse:
        guarded = request.path.startswith(("/api/", "/callbacks/"))
        if guarded and settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return HttpResponseForbidden("HTTPS only.", content_type="text/plain")
        return get_response(request)

    return middleware


def session_age_middleware(get_response: View) -> View:
    """End a session some hours after its sign-in, however busy it is."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            since = request.session.setdefault(_SINCE, int(time.time()))
            if time.time() - since > settings.PITBOSS_SESSION_MAX_SECONDS:
                logout(request)
        return get_response(request)

    return middleware


def _is_machine(path: str) -> bool:
    return path.startswith(_MACHINE_PATHS) and not path.startswith(_PAGES)
