"""A test that commits leaves nothing to the next but what migrations wrote."""

import pgtrigger
import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from tests.emptying import emptied_row_by_row
from tests.factories import make_cover, make_game, make_player, make_provider, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def filled() -> set[str]:
    """Return the tables that have rows."""
    models = [model for model in apps.get_models() if model._meta.managed]
    managers = {model._meta.db_table: model._base_manager for model in models}
    return {table for table, manager in managers.items() if manager.exists()}


def test_every_table_is_emptied_and_permissions_stay_as_they_were() -> None:
    permissions = set(Permission.objects.values_list("pk", flat=True))
    make_cover(make_game(make_provider()))
    make_player("p-1")
    make_user(permissions=("providers.view_provider",))
    assert len(filled()) > 8
    with pgtrigger.ignore():
        assert emptied_row_by_row()

    assert filled() == {ContentType._meta.db_table, Permission._meta.db_table}
    assert set(Permission.objects.values_list("pk", flat=True)) == permissions


def test_a_thousand_rows_are_left_to_truncating() -> None:
    Group.objects.bulk_create([Group(name=f"group {number}") for number in range(1_000)])
    assert not emptied_row_by_row()
    assert Group.objects.count() == 1_000
