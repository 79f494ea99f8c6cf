"""Who tried to sign in: evidence, so it is read here and never edited or deleted."""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin, datetime_column

for _model in (AccessAttempt, AccessFailureLog, AccessLog):
    admin.site.unregister(_model)


@admin.register(AccessAttempt, AccessFailureLog, AccessLog)
class SignInAdmin(ReadOnlyAdmin[Any]):
    list_display = [
        datetime_column("attempt_time", title="when"),
        "username",
        "ip_address",
        "user_agent",
    ]
    search_fields = ["username__exact", "ip_address__exact"]
    search_help_text = "User name or address, exactly"
    ordering = ["-attempt_time", "-pk"]
