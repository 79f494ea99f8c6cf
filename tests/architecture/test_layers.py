import ast
import importlib
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

from apps.core.contracts import Event
from tests.architecture.layers import REPOSITORY, app_heights, python_files


def _own_models() -> list[type[models.Model]]:
    heights = app_heights()
    return [model for model in apps.get_models() if model._meta.app_label in heights]


def test_foreign_keys_point_down_the_layers() -> None:
    heights = app_heights()
    wrong = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in _own_models()
        for field in model._meta.concrete_fields
        if field.is_relation
        and isinstance(field.related_model, type)
        and field.related_model._meta.app_label in heights
        and field.related_model._meta.app_label != model._meta.app_label
        and heights[field.related_model._meta.app_label] >= heights[model._meta.app_label]
    ]

    assert wrong == []


def test_rows_that_others_point_to_are_protected() -> None:
    historical = {"history_user"}
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in _own_models()
        for field in model._meta.concrete_fields
        if field.remote_field is not None
        and field.name not in historical
        and field.remote_field.on_delete is models.CASCADE
    ]

    assert wrong == []


def test_every_app_of_the_repository_is_placed_and_installed() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "apps").glob("*/apps.py")}

    assert folders == set(app_heights())
    assert {f"apps.{name}" for name in folders} == set(settings.FIRST_PARTY_APPS)


def _event_topics() -> dict[str, str]:
    """Topic -> app that publishes it. Imports every app's events: test order must not matter."""
    for label in app_heights():
        if (REPOSITORY / "apps" / label / "events.py").exists():
            importlib.import_module(f"apps.{label}.events")
    ours = [event for event in Event.__subclasses__() if event.__module__.startswith("apps.")]
    return {event.topic: event.__module__.split(".")[1] for event in ours}


def test_events_are_told_to_apps_above_only() -> None:
    heights, topics = app_heights(), _event_topics()
    wrong = [
        f"{topic} -> {task}"
        for topic, tasks in settings.PITBOSS_SUBSCRIPTIONS.items()
        for task in tasks
        if heights[task.split(".")[0]] <= heights[topics[topic]]
    ]

    assert wrong == []


def test_a_topic_begins_with_the_app_that_publishes_it() -> None:
    wrong = [topic for topic, app in _event_topics().items() if topic.split(".")[0] != app]

    assert wrong == []


def test_subscriptions_name_topics_that_somebody_publishes() -> None:
    assert set(settings.PITBOSS_SUBSCRIPTIONS) <= set(_event_topics())


_ALLOWED_FLOATS: dict[str, str] = {
    # file -> why a float is right there
}
_MONEY_APPS = ("core", "wallet", "rounds", "bonuses", "promotions", "gateway", "disputes")


def _float_uses(path: Path) -> list[int]:
    tree = ast.parse(path.read_text())
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float")
        or (isinstance(node, ast.Attribute) and node.attr == "FloatField")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float) and _is_money(path))
    ]


def _is_money(path: Path) -> bool:
    return "money" in path.parts or path.parts[-3] == "wallet"


def test_no_float_where_money_is() -> None:
    folders = [f"apps/{app}" for app in _MONEY_APPS]
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in python_files(*folders)
        if "embedded" not in path.parts and "migrations" not in path.parts
        for line in _float_uses(path)
        if str(path.relative_to(REPOSITORY)) not in _ALLOWED_FLOATS
    ]

    assert wrong == []


def test_no_model_has_a_float_field() -> None:
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in _own_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FloatField)
    ]

    assert wrong == []


def test_constraint_names_begin_with_app_and_table() -> None:
    wrong = [
        constraint.name
        for model in _own_models()
        for constraint in model._meta.constraints
        if not constraint.name.startswith(f"{model._meta.app_label}_")
    ]

    assert wrong == []


def test_files_stay_readable() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {lines} lines"
        for path in python_files("apps", "config")
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 400
    ]

    assert wrong == []
