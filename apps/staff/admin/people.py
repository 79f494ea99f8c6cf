"""Members of staff and their roles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, override

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.core.admin import (
    ActionCall,
    HistoryAdmin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    at_cell,
    choice_filter,
    datetime_column,
)
from apps.core.admin.masking import HIDDEN
from apps.core.services import record_audit
from apps.staff import selectors, services
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import second_factor
from apps.staff.sign_in.sessions import device_of

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin

# Second factors and sessions are seen on the person's page; mail addresses are not used.
for _model in (Group, EmailAddress, Authenticator, UserSession):
    admin.site.unregister(_model)

# A change of these ends the person's sessions.
_RIGHTS = frozenset({"is_active", "is_staff", "is_superuser", "groups"})


def _end_sessions(call: ActionCall) -> str:
    services.end_sessions_of(
        user_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Ended. They sign in again, with their second factor."


def _ask_mfa_reset(call: ActionCall) -> str:
    approval = services.request_mfa_reset(
        user_id=call.object_id, requested_by=call.user, reason=call.reason, now=call.now
    )
    return f"Asked: approval {approval.pk} awaits a second person."


def _may_ask_mfa_reset(user: User, _asker: Any) -> bool:
    return selectors.second_factor_since(user.pk) is not None and not _reset_is_asked(user)


def _reset_is_asked(user: User) -> bool:
    return selectors.is_pending(second_factor.MFA_RESET, second_factor.mfa_subject(user.pk))


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin[Group]):
    """Roles come from config/roles.py by ``manage.py seed_roles``; here they can be read."""

    list_display = ["name", "permission_count", "people"]
    fields = ["name", "permission_list"]
    search_fields = ["name__exact"]
    ordering = ["name"]

    @admin.display(description="permissions")
    def permission_count(self, group: Group) -> int:
        return group.permissions.count()

    @admin.display(description="people")
    def people(self, group: Group) -> str:
        names = [str(user) for user in User.objects.filter(groups=group, is_active=True)[:20]]
        return ", ".join(names) or self.empty_value_display

    @admin.display(description="permissions")
    def permission_list(self, group: Group) -> str:
        rows = group.permissions.order_by("content_type__app_label", "codename").values_list(
            "content_type__app_label", "codename"
        )
        return ", ".join(f"{label}.{codename}" for label, codename in rows)


@admin.register(User)
class UserAdmin(PanelsMixin, HistoryAdmin[User], _UserAdmin):
    """Accounts are deactivated, never deleted. Every edit needs a reason."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = [
        "username",
        "display_name",
        "roles",
        "is_active",
        "is_superuser",
        datetime_column("last_login", title="last login"),
    ]
    list_filter = [
        choice_filter("groups__name", "role", Role.choices),
        choice_filter("is_active", "active", [("True", "Yes"), ("False", "No")]),
    ]
    search_fields = ["username__exact", "email__exact"]
    search_help_text = "User name or mail address, exactly"
    ordering = ["username"]
    filter_horizontal = ["groups"]
    readonly_fields = ["last_login", "date_joined", "second_factor"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["display_name", "first_name", "last_name", "email"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
        ("Second factor", {"fields": ["second_factor"]}),
        ("Times", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "description": "Without a mail address nobody can be reminded of anything by mail.",
                "fields": [
                    "username",
                    "display_name",
                    "email",
                    "usable_password",
                    "password1",
                    "password2",
                    "groups",
                ],
            },
        )
    ]

    reasoned_actions = [
        ReasonedAction(
            name="end-sessions",
            label="End their sessions",
            permission="staff.change_user",
            perform=_end_sessions,
            question="Everywhere they are signed in, at once. Their account stays as it is.",
        ),
        ReasonedAction(
            name="reset-mfa",
            label="Ask to reset the second factor",
            permission="staff.ask_mfa_reset",
            perform=_ask_mfa_reset,
            question=(
                "Once a second person agrees, the authenticator app and the recovery codes are "
                "removed, every session ends, and the person enrols anew at the next sign-in. "
                "Make sure first that it is really them who asks."
            ),
            is_offered=_may_ask_mfa_reset,
        ),
    ]

    @override
    def panels(self, request: HttpRequest, obj: User) -> Sequence[Panel]:
        is_hidden = self.is_hidden(request, obj.pk)
        return [
            Panel(
                title="Signed in now",
                columns=["Device", "Address", "Signed in", "Used last"],
                rows=[
                    [
                        device_of(session.user_agent),
                        HIDDEN if is_hidden else session.ip,
                        at_cell(session.created_at),
                        at_cell(session.last_seen_at),
                    ]
                    for session in services.live_sessions(obj.pk)
                ],
                empty_text="Nowhere.",
            )
        ]

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        # Nobody raises anybody, themselves included, above what they are.
        return [*fields, "is_superuser", "groups"]

    @admin.display(description="authenticator app")
    def second_factor(self, user: User) -> str:
        since = selectors.second_factor_since(user.pk)
        if since is None:
            return "none enrolled"
        asked = "; a reset awaits a second person, under Approvals" if _reset_is_asked(user) else ""
        return f"since {since:%Y-%m-%d %H:%M} UTC{asked}"

    @override
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            # Whoever is added here works here; without it nobody signs in.
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and _RIGHTS.intersection(form.changed_data):
            services.end_sessions(user_id=form.instance.pk)

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all())) or "-"

    @override
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            record_audit(
                action="staff.user.password_set",
                actor=request.user,
                subject=f"staff.user:{id}",
                details={},
                reason="Password set by an administrator.",
                now=timezone.now(),
            )
        return response
