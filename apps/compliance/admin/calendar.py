"""The month: what begins, ends and is due, and the private address for one's own calendar."""

import calendar
from datetime import UTC, date, timedelta
from typing import Any, override

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.compliance.icalendar import WORDS
from apps.compliance.models import DeskCalendar
from apps.compliance.selectors.renewals import live_feed_of
from apps.compliance.services.feeds import make_feed, revoke_feed
from apps.core.admin import PageAdmin
from apps.core.errors import DomainError
from apps.providers.selectors.matrix import DeskDate, desk_dates

_TONES = {
    "effective": "success",
    "expires": "danger",
    "review": "warning",
    "invalidated": "danger",
    "recalled": "danger",
    "accreditation": "danger",
}


@admin.register(DeskCalendar)
class DeskCalendarAdmin(PageAdmin[DeskCalendar]):
    """One page with two buttons; there are no rows of its own to open."""

    @override
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "address/",
                wrap(require_POST(self.address_view)),
                name="compliance_deskcalendar_address",
            ),
            path(
                "revoke/",
                wrap(require_POST(self.revoke_view)),
                name="compliance_deskcalendar_revoke",
            ),
            *super().get_urls(),
        ]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.now().astimezone(UTC).date()
        month = _asked_month(request, today)
        weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
        by_day: dict[date, list[DeskDate]] = {}
        for one in desk_dates(weeks[0][0], weeks[-1][-1]):
            by_day.setdefault(one.on, []).append(one)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Calendar, {month:%B %Y}",
            "opts": self.opts,
            "weekdays": list(calendar.day_name),
            "weeks": [
                [_day(day, by_day.get(day, []), month, today) for day in week] for week in weeks
            ],
            "count": sum(len(found) for day, found in by_day.items() if day.month == month.month),
            "previous": f"?month={month - timedelta(days=1):%Y-%m}",
            "next": f"?month={month + timedelta(days=31):%Y-%m}",
            "feed": live_feed_of(request.user),
        }
        return TemplateResponse(request, "compliance/calendar.html", context)

    def address_view(self, request: HttpRequest) -> HttpResponse:
        """Make the person's address and show it once."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            made = make_feed(person=request.user, now=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return _back()
        context = {
            **self.admin_site.each_context(request),
            "title": "Your calendar address",
            "opts": self.opts,
            "address": request.build_absolute_uri(f"{reverse('calendar_feed')}?token={made.token}"),
            "back_url": reverse("admin:compliance_deskcalendar_changelist"),
        }
        answer = TemplateResponse(request, "compliance/calendar_address.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if revoke_feed(person=request.user, now=timezone.now()):
            messages.success(request, "The address no longer works.")
        return _back()


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:compliance_deskcalendar_changelist"))


def _asked_month(request: HttpRequest, today: date) -> date:
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return today.replace(day=1)
    return month if 2000 <= month.year <= 2098 else today.replace(day=1)


def _day(day: date, found: list[DeskDate], month: date, today: date) -> dict[str, Any]:
    return {
        "number": day.day,
        "is_today": day == today,
        "is_outside": day.month != month.month,
        "entries": [
            {
                "tone": _TONES[one.kind],
                "text": one.text,
                "word": WORDS[one.kind],
                "lab": one.lab,
                "url": reverse("admin:providers_certificate_change", args=[one.certificate_id])
                if one.certificate_id is not None
                else reverse("admin:providers_lab_change", args=[one.lab_id]),
            }
            for one in found
        ],
    }
