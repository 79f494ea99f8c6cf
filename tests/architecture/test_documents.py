"""README.md and docs/ name what there is: every command, every setting, every page."""

import ast
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
from django.core.management import get_commands, load_command_class

from apps.core.embedded.programs import Ports, stack_programs
from config.environment import Environment
from tests.architecture.layers import REPOSITORY

README: Final = REPOSITORY / "README.md"
SETTINGS: Final = REPOSITORY / "docs" / "settings.md"
DEPLOYMENT: Final = REPOSITORY / "docs" / "deployment.md"
PAGES: Final = sorted([README, *REPOSITORY.glob("docs/**/*.md")])

COMMAND: Final = re.compile(r"manage\.py ([a-z][a-z_]+)")
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
ROW: Final = re.compile(r"^\| (`manage\.py .*?) \| (.*) \|$", re.MULTILINE)
MAKE: Final = re.compile(r"`make ([a-z]+)|^make ([a-z]+)", re.MULTILINE)
SETTING: Final = re.compile(r"\b(PITBOSS_[A-Z0-9_]+|DATABASE_URL|REDIS_URL)\b")
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED_TEST: Final = re.compile(r"`([a-z_/0-9]+\.py)::(\w+)`")
INSIDE: Final = {"PITBOSS_REPLAY_TOKEN", "PITBOSS_SUPERVISOR_PID"}
"""What one of our processes tells another that it starts; nobody else sets them."""


def _ours() -> set[str]:
    return {name for name, app in get_commands().items() if app.startswith("apps.")}


def _settings_read() -> set[str]:
    """Return the variables' names as the environment spells them."""
    aliases = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
    return {aliases.get(name, f"PITBOSS_{name.upper()}") for name in Environment.model_fields}


def test_the_readme_has_a_row_for_every_command_of_ours() -> None:
    rows = {name for named, _ in ROW.findall(README.read_text()) for name in COMMAND.findall(named)}
    assert _ours() - rows == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    assert set(COMMAND.findall(page.read_text())) - set(get_commands()) == set()


def test_every_test_that_a_page_names_is_there() -> None:
    named = {match for page in PAGES for match in NAMED_TEST.findall(page.read_text())}
    wrong = []
    for file, name in sorted(named):
        path = REPOSITORY / "tests" / file
        tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            wrong.append(f"{file}::{name}")

    assert len(named) > 300
    assert wrong == []


@pytest.mark.parametrize("row", ROW.findall(README.read_text()), ids=lambda row: row[0][:40])
def test_every_option_in_the_readmes_rows_is_one_of_its_command(row: tuple[str, str]) -> None:
    named, meaning = row
    known: set[str] = set()
    for name in COMMAND.findall(named):
        command = load_command_class(get_commands()[name], name)
        parser = command.create_parser("manage.py", name)
        known |= {option for action in parser._actions for option in action.option_strings}
    assert set(OPTION.findall(named + meaning)) - known == set()


def test_the_deployment_runs_each_process_as_the_supervisor_does() -> None:
    """What `up` runs is measured and killed in the soak; the page must not run something else."""
    [block] = [b for b in BLOCK.findall(DEPLOYMENT.read_text()) if "celery -A config beat" in b]
    ports = Ports(host="127.0.0.1", web=8000, gateway=8001, provider=8002)
    programs = stack_programs(ports, REPOSITORY, with_provider=False)
    run = {program.name: _options(" ".join(program.command)) for program in programs}
    written = {_process_of(line): _options(line) for line in block.splitlines()}
    for options in run.values():
        options.pop("--workdir", None)  # where the supervisor starts them from
        options.pop("--working-dir", None)
    run["gateway"]["--host"] = ports.host  # its own default
    assert written == run


def _process_of(line: str) -> str:
    marks = {"granian": "web", "run_gateway": "gateway", "relay_outbox": "relay"}
    celery = {" worker ": "worker", " beat ": "beat"}
    return next(name for mark, name in (marks | celery).items() if mark in line)


def _options(line: str) -> dict[str, str]:
    """Return each long option with its value, whether `=` or a space stands between them."""
    return dict(re.findall(r"(?<=\s)(--[a-z-]+)(?:[= ](?!-)(\w[\w./]*))?", line))


def test_every_target_of_make_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {a or b for page in PAGES for a, b in MAKE.findall(page.read_text())}
    assert named - targets == set()


def test_the_settings_page_has_every_variable_once_and_no_other() -> None:
    rows = [line.split(" | ")[0] for line in SETTINGS.read_text().splitlines() if line[:3] == "| `"]
    named = [name for row in rows for name in SETTING.findall(row)]
    assert sorted(named) == sorted(_settings_read())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_variable_that_a_page_names_is_read(page: Path) -> None:
    assert set(SETTING.findall(page.read_text())) - _settings_read() - INSIDE == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_page_and_picture_that_is_linked_is_there(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / unquote(link)).exists()] == []
