"""Who looks after which provider's certificates, and whom the desk reminded."""

from collections.abc import Iterable, Sequence
from typing import Any, override

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.compliance.enums import ReminderRole
from apps.compliance.models import DeskDuty, Reminder
from apps.compliance.services.duties import give_to_duty
from apps.compliance.services.reminders import compose_mail
from apps.core.admin import (
    HistoryAdmin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    hide_personal,
)
from apps.core.counting import counted
from apps.staff.selectors import people_with

ROLE_TONES = {"owner": "info", "deputy": "warning", "desk": "warning", "instead": "danger"}


@admin.register(DeskDuty)
class DeskDutyAdmin(HistoryAdmin[DeskDuty]):
    list_empty_text = (
        "Nobody is named, so every compliance officer is reminded. Name an owner and a deputy."
    )
    list_display = ["for_whom", "owner", "deputy", "acknowledge_days"]
    list_select_related = ["provider", "owner", "deputy"]
    list_display_links = ["for_whom"]
    ordering = ["provider__code", "pk"]
    fieldsets = [
        (
            "Duty",
            {
                "description": "Without a provider it is for every provider that has no duty of "
                "its own. Open renewals that nobody has go to the owner at once.",
                "fields": ["provider", ("owner", "deputy"), "acknowledge_days"],
            },
        ),
    ]

    @admin.display(description="provider", ordering="provider__code")
    def for_whom(self, duty: DeskDuty) -> str:
        return str(duty)

    @override
    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in {"owner", "deputy"}:
            workers = [person.pk for person in people_with("work_renewal")]
            people = db_field.remote_field.model.objects.filter(pk__in=workers)
            kwargs["queryset"] = people.order_by("display_name", "username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @override
    def save_model(self, request: HttpRequest, obj: DeskDuty, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        code = obj.provider.code if obj.provider else ""
        give_to_duty(provider_code=code, now=timezone.now())


class ProblemFilter(admin.SimpleListFilter):
    title = "mail"
    parameter_name = "problem"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> Iterable[tuple[str, str]]:
        return [("yes", "Could not be mailed")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> QuerySet[Reminder]:
        return queryset.exclude(problem="") if self.value() == "yes" else queryset


@admin.register(Reminder)
class ReminderAdmin(PanelsMixin, ReadOnlyAdmin[Reminder]):
    list_empty_text = (
        "No reminder was sent. They go out 90, 60, 30, 14, 7 and 1 days before a certificate ends."
    )
    list_display = [
        "report",
        "what",
        "recipient",
        badge_column("role", ROLE_TONES, title="told as"),
        datetime_column("created_at", title="written"),
        "mailed",
    ]
    list_filter = [choice_filter("role", "told as", ReminderRole.choices), ProblemFilter]
    list_select_related = ["flag", "recipient", "renewal__certificate"]
    search_fields = ["renewal__certificate__report_number__exact"]
    search_help_text = "Report number, exactly"
    ordering = ["-pk"]
    fields = ["renewal", "recipient", "role", "what", "created_at", "mailed"]

    @override
    def panels(self, request: HttpRequest, obj: Reminder) -> Sequence[Panel]:
        mail = compose_mail(obj)
        hide_personal(request, obj.recipient)
        sender = settings.DEFAULT_FROM_EMAIL
        head = [f"From: {sender}", f"To: {obj.recipient.email}", f"Subject: {mail.header}"]
        return [
            Panel(
                title="The mail",
                note="As it reads from what is on file now; it was sent as things stood then.",
                code="\n".join([*head, "", mail.body]),
            )
        ]

    @admin.display(description="report")
    def report(self, reminder: Reminder) -> str:
        return str(reminder.renewal.certificate)

    @admin.display(description="about")
    def what(self, reminder: Reminder) -> str:
        return about(reminder)

    @admin.display(description="mailed", ordering="sent_at")
    def mailed(self, reminder: Reminder) -> SafeString:
        return mailed(reminder)


def about(reminder: Reminder) -> str:
    """Say what the reminder was about: "Expiring, 30 days"."""
    days = reminder.flag.threshold_days
    return reminder.flag.get_kind_display() + ("" if days is None else f", {counted(days, 'day')}")


def mailed(reminder: Reminder) -> SafeString:
    """Say when it was mailed, why it was not, or that it is on its way."""
    if reminder.problem:
        return badge(reminder.problem, "danger")
    return at_cell(reminder.sent_at) if reminder.sent_at else badge("on its way", "info")
