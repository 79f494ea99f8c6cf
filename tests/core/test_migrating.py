"""The forward state draws anew what a change makes stale, and a data migration sees all of it."""

from typing import Any, cast

import pytest
from django.core.management.commands import migrate
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, RunPython
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from apps.core.management.commands.migrate import Command
from apps.core.migrating import ForwardExecutor, ForwardState


def model_of(state: ProjectState, name: str) -> type[models.Model]:
    return cast("type[models.Model]", state.apps.get_model("library", name))


def references(to: str) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(f"library.{to}", models.CASCADE, related_name="+")


@pytest.fixture
def state() -> ForwardState:
    """A page is of a book, a book is by an author, a signed copy is a book, a shelf is alone."""
    state = ForwardState()
    number: dict[str, models.Field[Any, Any]] = {"id": models.BigAutoField(primary_key=True)}
    for name, fields, bases in (
        ("author", number, (models.Model,)),
        ("book", number | {"author": references("author")}, (models.Model,)),
        ("page", number | {"book": references("book")}, (models.Model,)),
        ("letter", number | {"page": references("page")}, (models.Model,)),
        ("signed", {}, ("library.book",)),
        ("shelf", number, (models.Model,)),
    ):
        state.add_model(ModelState("library", name, fields, {"proxy": name == "signed"}, bases))
    assert len(state.apps.get_models()) == 6
    return state


@pytest.mark.parametrize(
    ("change", "redrawn"),
    [
        (
            AddConstraint("book", models.CheckConstraint(condition=models.Q(id__gt=0), name="up")),
            {"book", "page", "signed"},
        ),
        (AddIndex("book", models.Index(fields=["author"], name="by")), {"book", "page", "signed"}),
        (AddField("book", "title", models.TextField()), {"book", "page", "signed"}),
        (AddField("book", "shelf", references("shelf")), {"book", "page", "letter", "signed"}),
        (AddField("shelf", "label", models.TextField()), {"shelf"}),
        (CreateModel("room", [("id", models.BigAutoField(primary_key=True))]), {"room"}),
    ],
    ids=["a constraint", "an index", "a column", "a reference", "elsewhere", "a model"],
)
def test_a_change_draws_anew_its_model_and_what_refers_to_it(
    state: ForwardState, change: Operation, redrawn: set[str]
) -> None:
    before = {model._meta.model_name: model for model in state.apps.get_models()}
    change.state_forwards("library", state)
    after = {model._meta.model_name: model for model in state.apps.get_models()}

    assert {name for name in after if after[name] is not before.get(name)} == redrawn
    book = model_of(state, "book")
    for field, target in (("page", "book"), ("letter", "page")):
        leads_to = model_of(state, field)._meta.get_field(target).related_model
        assert cast("type[models.Model]", leads_to)._meta.label == f"library.{target}"
    assert model_of(state, "page")._meta.get_field("book").related_model is book
    assert issubclass(model_of(state, "signed"), book)


def test_a_data_migration_is_given_models_that_all_lead_to_each_other(state: ForwardState) -> None:
    seen: list[Any] = []
    for change in (
        AddField("book", "title", models.TextField()),
        AddField("author", "name", models.TextField()),
    ):
        change.state_forwards("library", state)
    look = RunPython(lambda apps, _editor: seen.append(apps))
    look.database_forwards("library", connection.schema_editor(), state.clone(), state)
    by_name = {model._meta.model_name: model for model in seen[0].get_models()}

    assert by_name["book"]._meta.get_field("author").related_model is by_name["author"]
    assert by_name["page"]._meta.get_field("book").related_model is by_name["book"]
    assert by_name["letter"]._meta.get_field("page").related_model is by_name["page"]
    assert {field.name for field in by_name["author"]._meta.fields} == {"id", "name"}


def test_the_command_migrates_with_it() -> None:
    assert issubclass(Command, migrate.Command)
    assert vars(migrate)["MigrationExecutor"] is ForwardExecutor
