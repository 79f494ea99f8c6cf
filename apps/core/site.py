"""Which models have pages, asked of the site as Django documents it."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin


def registered_admins() -> Iterator["admin.ModelAdmin[Any]"]:
    """Yield the admin of every model that has one, app by app."""
    for model in apps.get_models():
        if admin.site.is_registered(model):
            yield admin.site.get_model_admin(model)
