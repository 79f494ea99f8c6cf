"""The sidebar: the settings' table, cut down to what exists and what the person may see."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.core.site import registered_admins

_ENVIRONMENTS = {
    "production": ["Production", "danger"],
    "test": ["Test", "warning"],
    "development": ["Development", "info"],
}


def environment_badge(_request: HttpRequest) -> list[str]:
    # Overridden settings, as in tests, name no module.
    module = str(settings.SETTINGS_MODULE)
    return _ENVIRONMENTS.get(module.rsplit(".", 1)[-1], ["Development", "info"])


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return Unfold's navigation for the person who asks."""
    pages = dict(_pages(request))
    groups: list[dict[str, Any]] = [
        {
            "title": "Overview",
            "items": [{"title": "Home", "icon": "home", "link": reverse("admin:index")}],
        }
    ]
    for title, entries in settings.PITBOSS_NAVIGATION:
        items = [
            {"title": name, "icon": icon, "link": pages.pop(label)[1]}
            for name, icon, label in entries
            if label in pages
        ]
        if items:
            groups.append({"title": title, "collapsible": True, "items": items})
    rest = [{"title": name, "icon": "more_horiz", "link": link} for name, link in pages.values()]
    if rest:
        groups.append({"title": "More", "collapsible": True, "items": rest})
    return groups


def _pages(request: HttpRequest) -> Iterator[tuple[str, tuple[str, str]]]:
    for model_admin in registered_admins():
        if not model_admin.has_view_permission(request):
            continue
        options = model_admin.opts
        link = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        yield options.label_lower, (str(options.verbose_name_plural).capitalize(), link)
