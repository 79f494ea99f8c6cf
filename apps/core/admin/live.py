"""Pages that renew themselves: a static script asks for the same address again and swaps one part.

The filters are in the address, so they are kept. Nothing runs while the tab is hidden.
"""

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, override

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin

    _Base = DjangoModelAdmin[Any]
else:
    _Base = object

FRAGMENT_HEADER: Final = "X-Pitboss-Fragment"
_AT_HEADER: Final = "X-Pitboss-At"
LIVE_SCRIPT: Final = "pitboss/live.js"


def renews_itself(request: HttpRequest) -> bool:
    """Say whether a page asks by itself, which is nobody's use of the session.

    Anybody can send the header, so it stands for a page that is read and for nothing else.
    """
    return request.method == "GET" and FRAGMENT_HEADER in request.headers


def is_renewal(request: HttpRequest, response: HttpResponse) -> bool:
    """Say whether a page asked by itself for what it shows, and got it.

    Any page may be asked for with the header; only one that renews itself answers with its moment.
    """
    return renews_itself(request) and response.status_code == 200 and _AT_HEADER in response


def answer_fragment(
    request: HttpRequest, response: HttpResponse, fragment_template: str
) -> HttpResponse:
    """Let the script have only the part of a page that it swaps; people get the whole page."""
    if not isinstance(response, TemplateResponse):
        return response
    if FRAGMENT_HEADER in request.headers:
        response.template_name = fragment_template
    response[_AT_HEADER] = timezone.now().astimezone(UTC).strftime("%H:%M:%S")
    patch_vary_headers(response, [FRAGMENT_HEADER])
    return response


class _LiveMixin(_Base):
    live_seconds = 5

    @property
    @override
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=[LIVE_SCRIPT])


class LiveListMixin(_LiveMixin):
    """Keeps the rows of a list fresh."""

    change_list_template = "admin/live_list.html"

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "live_seconds": self.live_seconds}
        response = super().changelist_view(request, context)
        return answer_fragment(request, response, "admin/live_rows.html")


class LivePanelsMixin(_LiveMixin):
    """Keeps the panels of a page fresh; list it before ``PanelsMixin``."""

    change_form_outer_after_template = "admin/live_panels.html"

    def is_live(self, _request: HttpRequest, _obj: Any, /) -> bool:
        """Say whether the page goes on to change; one that doesn't stops renewing itself."""
        return True

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        is_live = self.is_live(request, kwargs.get("obj"))
        context["live_seconds"] = self.live_seconds if is_live else None
        response = super().render_change_form(request, context, *args, **kwargs)
        if not is_live:
            response["X-Pitboss-Live"] = "over"
        return answer_fragment(request, response, "admin/panels.html")
