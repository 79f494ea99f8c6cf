"""The schema as an earlier version left it, for tests of migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import override

from django.conf import settings
from django.db import connection
from django.db.migrations.state import ProjectState

from apps.core.migrating import ForwardExecutor, ForwardState
from apps.core.services import grant_app_role, set_guards_always


class _StateEitherWay(ForwardState):
    """Stays lean when cloned, as one does for every step back."""

    @override
    def clone(self) -> ProjectState:
        twin = super().clone()
        twin.__class__ = type(self)
        return twin


class _Executor(ForwardExecutor):
    """Goes back as lean as forwards; only tests ever go back."""

    def _create_project_state(self, **options: bool) -> ProjectState:
        state: ProjectState = super()._create_project_state(**options)  # type: ignore[misc]  # the stubs leave it out
        return _StateEitherWay(models=state.models, real_apps=state.real_apps)


@contextmanager
def schema_at(app: str, name: str) -> Iterator[None]:
    """Go back to a migration, and through all that came after it at the end, whatever happens.

    All, not up to one that is named: what a test leaves out is missing in every test after it.
    """
    _Executor(connection).migrate([(app, name)])
    try:
        yield
    finally:
        to_the_newest()


def to_the_newest() -> None:
    """Run every migration that waits, and guard and grant what it made as the command does."""
    executor = ForwardExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    set_guards_always()
    if settings.PITBOSS_APP_ROLE is not None:
        grant_app_role(settings.PITBOSS_APP_ROLE)
