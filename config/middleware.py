"""Headers and session rules that Django has no setting for."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, override

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils.cache import patch_vary_headers

from apps.core.admin.live import renews_itself
from config.security import API_POLICY, PERMISSIONS_POLICY

if TYPE_CHECKING:

    class _PrometheusAfterMiddleware:
        """What we use of the library's class, which has no types of its own."""

        def label_metric(
            self,
            metric: Any,
            request: HttpRequest,
            response: HttpResponse | None = None,
            **labels: str,
        ) -> Any: ...
else:
    from django_prometheus.middleware import (
        PrometheusAfterMiddleware as _PrometheusAfterMiddleware,
    )

type View = Callable[[HttpRequest], HttpResponse]

_MACHINE_PATHS = ("/api/", "/callbacks/", "/healthz", "/readyz", "/metrics", "/.well-known/")
_PAGES = "/api/docs/"
_SINCE = "pitboss_session_since"


class QuietMetricsMiddleware(_PrometheusAfterMiddleware):
    """Count the pages of a compartment as pages, so that metrics don't tell what goes on."""

    @override
    def label_metric(
        self, metric: Any, request: HttpRequest, response: HttpResponse | None = None, **labels: str
    ) -> Any:
        quiet = {name: _without_compartments(value) for name, value in labels.items()}
        return super().label_metric(metric, request, response, **quiet)


def _without_compartments(label: str) -> str:
    closed = settings.PITBOSS_COMPARTMENTS
    is_inside = any(f"admin:{app}_" in label or f"/{app}/" in label for app in closed)
    return "admin:page" if is_inside else label


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


class ReadingPagesMiddleware:
    """Refuse unsafe verbs where a page of the admin is only read: lists, histories, downloads."""

    _NAMES = frozenset({"index", "app_list", "search", "autocomplete", "jsi18n", "view_on_site"})
    _SUFFIXES = (
        "_changelist",
        "_history",
        "_coverage",
        "_download",
        "_raw",
        "_page",
        "_file",
        "_again",
    )

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or not self._is_read(request):
            return None
        # A list that offers bulk actions takes them by POST; Django's views carry their admin.
        model_admin = getattr(view, "model_admin", None)
        if self._is_list(request) and model_admin and model_admin.get_actions(request):
            return None
        raise PermissionDenied

    def _is_read(self, request: HttpRequest) -> bool:
        name = _admin_page(request)
        return name in self._NAMES or name.endswith(self._SUFFIXES)

    def _is_list(self, request: HttpRequest) -> bool:
        return request.method == "POST" and _admin_page(request).endswith("_changelist")


def _admin_page(request: HttpRequest) -> str:
    """Return the name of the admin's page that is asked for, empty for all else."""
    match = request.resolver_match
    if match is None or match.app_name != "admin":
        return ""
    return match.url_name or ""


class IdleSessionMiddleware(SessionMiddleware):
    """Count only what a person asks for: a page that renews itself keeps no session alive."""

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if renews_itself(request) and not request.session.modified:
            if request.session.accessed:
                patch_vary_headers(response, ["Cookie"])
            return response
        return super().process_response(request, response)


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
