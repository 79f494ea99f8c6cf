"""The private calendar address: read-only, by token, no session and no cookie."""

from datetime import UTC, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.compliance.errors import UnknownFeedError
from apps.compliance.icalendar import to_ics
from apps.compliance.services.feeds import read_feed
from apps.providers.selectors.matrix import desk_dates

_BACK, _AHEAD = timedelta(days=92), timedelta(days=2 * 366)


@require_safe
def calendar_feed(request: HttpRequest) -> HttpResponse:
    """Answer the calendar of ``?token=``; the token is in the query, which no log keeps."""
    now = timezone.now()
    try:
        read_feed(token=request.GET.get("token", "")[:128], now=now)
    except UnknownFeedError as refusal:
        return HttpResponse(str(refusal), status=404, content_type="text/plain; charset=utf-8")
    today = now.astimezone(UTC).date()
    body = to_ics(
        desk_dates(today - _BACK, today + _AHEAD), domain=settings.PITBOSS_MAIL_DOMAIN, stamp=now
    )
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="pitboss.ics"'
    answer["Cache-Control"] = "private, no-store"
    return answer
