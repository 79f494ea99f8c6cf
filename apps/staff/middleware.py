"""What holds for an auditor on every page: a seat, reading only, hidden personal data, a log."""

from collections.abc import Callable
from typing import Final

from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.core.admin.live import is_renewal
from apps.staff import selectors, services
from apps.staff.contracts import LookUp
from apps.staff.models import AuditorSeat

type View = Callable[..., HttpResponse]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What an auditor may send: what is about their own account, and what draws samples, and asks for
# exports or takes the request back.
_TOOLS: Final = frozenset(
    {
        "logout",
        "login",
        "password_change",
        "auditing_sample_add",
        "auditing_export_add",
        "auditing_export_do",
    }
)
_UNLOGGED: Final = frozenset({"jsi18n", "logout"})


class AuditorSeatMiddleware:
    """Stands behind the sign-in: other people pass it untouched."""

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not selectors.is_auditor(request.user):
            return self._get_response(request)
        now = timezone.now()
        seat = selectors.open_seat(request.user.pk or 0, now)
        if seat is None:
            logout(request)
            page = TemplateResponse(request, "admin/seat_closed.html", {"now": now}, status=403)
            return page.render()
        request.personal_data_masked = True  # type: ignore[attr-defined]  # for core's admin
        # Taken before the page runs: signing out ends the request's user.
        person_id, name = request.user.pk or 0, request.user.get_username()
        response = self._get_response(request)
        self._log(request, response, seat, person_id, name)
        return response

    def process_view(
        self, request: HttpRequest, _view: View, _args: object, kwargs: dict[str, object]
    ) -> None:
        match = request.resolver_match
        if not getattr(request, "personal_data_masked", False) or match is None:
            return
        if request.method in _SAFE or match.app_name != "admin":
            return  # Outside the admin are the sign-in and addresses that answer to tokens.
        is_unmasking = str(match.url_name).endswith("_do") and kwargs.get("name") == "unmask"
        if match.url_name not in _TOOLS and not is_unmasking:
            raise PermissionDenied

    @staticmethod
    def _log(
        request: HttpRequest, response: HttpResponse, seat: AuditorSeat, person_id: int, name: str
    ) -> None:
        match = request.resolver_match
        page = str(match.view_name) if match is not None else ""
        if page.removeprefix("admin:") in _UNLOGGED:
            return
        services.note_look(
            LookUp(
                seat_id=seat.pk,
                person_id=person_id,
                person_name=name,
                page=page,
                path=request.path,
                query=request.GET.urlencode(),
                status=response.status_code,
                is_renewal=is_renewal(request, response),
            ),
            now=timezone.now(),
        )
