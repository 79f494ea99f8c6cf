import ast
import inspect
import logging
from fnmatch import fnmatch

from celery.app.log import Logging
from django.conf import settings

from config.celery import app
from tests.architecture.layers import REPOSITORY, python_files


def _tasks() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_nothing_but_json_goes_through_the_broker() -> None:
    assert app.conf.task_serializer == "json"
    assert app.conf.result_serializer == "json"
    assert list(app.conf.accept_content) == ["json"]


def test_a_task_is_acknowledged_only_when_done() -> None:
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_ignore_result is True
    assert app.conf.result_backend is None


def test_every_task_ends_before_redis_hands_it_to_another_worker() -> None:
    visibility = app.conf.broker_transport_options["visibility_timeout"]

    assert visibility == app.conf.visibility_timeout
    assert visibility == app.conf.result_backend_transport_options["visibility_timeout"]
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit < visibility


def test_no_task_raises_its_own_time_limit_or_loosens_the_rules() -> None:
    _tasks()
    visibility = app.conf.broker_transport_options["visibility_timeout"]
    wrong = [
        name
        for name, task in app.tasks.items()
        if not name.startswith("celery.")
        and (not task.acks_late or (task.time_limit or 0) >= visibility)
    ]

    assert wrong == []


def test_a_worker_waits_for_its_broker_for_ever() -> None:
    assert app.conf.broker_connection_max_retries is None
    assert app.conf.broker_connection_retry_on_startup is True


def test_broker_and_cache_are_different_databases() -> None:
    assert settings.CELERY_BROKER_URL.endswith("virtual_host=0")
    assert settings.CACHES["default"]["LOCATION"].endswith("db=1")


def test_a_worker_logs_at_the_level_that_the_settings_say() -> None:
    """Celery would otherwise set its own, WARNING, over ours."""
    root, before = logging.getLogger(), logging.getLogger().level

    Logging(app).setup_logging_subsystem(loglevel="CRITICAL")

    assert root.level == before
    assert settings.LOGGING["root"]["level"] == "INFO"


def test_queues_that_tasks_are_routed_to_exist() -> None:
    queues = {queue.name for queue in app.conf.task_queues}

    assert {route["queue"] for route in app.conf.task_routes.values()} <= queues
    assert app.conf.task_default_queue in queues
    assert app.conf.task_create_missing_queues is False


def test_scheduled_and_subscribed_tasks_are_registered() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    subscribed = {task for tasks in settings.PITBOSS_SUBSCRIPTIONS.values() for task in tasks}

    assert scheduled | subscribed <= _tasks()


def test_routes_match_a_task_each() -> None:
    known = _tasks()

    assert all(any(fnmatch(task, route) for task in known) for route in app.conf.task_routes)


def test_a_task_takes_names_only_and_lets_through_what_a_newer_sender_adds() -> None:
    """During a deployment an old worker gets the messages of new code."""
    wrong = []
    for name in sorted(_tasks()):
        parameters = inspect.signature(app.tasks[name].run).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        is_open = inspect.Parameter.VAR_KEYWORD in kinds
        is_named = kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
        if not (is_open and is_named):
            wrong.append(name)

    assert wrong == []


def test_no_task_is_sent_to_run_later() -> None:
    """Long waits are rows with a due time: Redis repeats what waits longer than its timeout."""
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in python_files("apps", "config")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and {k.arg for k in node.keywords} & {"eta", "countdown"}
    ]

    assert wrong == []
