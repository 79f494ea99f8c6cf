"""Members of staff and their roles."""

from typing import TYPE_CHECKING, Any, override

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.core.admin import HistoryAdmin, ReadOnlyAdmin, choice_filter, datetime_column
from apps.core.services import record_audit
from apps.staff.enums import Role
from apps.staff.models import User

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin

admin.site.unregister(Group)


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
class UserAdmin(HistoryAdmin[User], _UserAdmin):
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
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["display_name", "first_name", "last_name", "email"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
        ("Times", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "display_name", "usable_password", "password1", "password2"],
            },
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
