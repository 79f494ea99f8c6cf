"""Every address x every kind of person x verb equals a table that people reviewed."""

import logging
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import override_settings

from apps.staff.enums import Role
from tests.architecture.role_matrix import (
    HEADER,
    ROLE_COLUMNS,
    TABLE,
    actual_lines,
    blank_templates,
    by_address,
    reviewed_lines,
    write_table,
)

COOKIES = "django.contrib.sessions.backends.signed_cookies"


def test_every_role_has_a_column() -> None:
    assert set(ROLE_COLUMNS.values()) == set(Role)
    assert HEADER in TABLE.read_text().splitlines()


def test_the_table_is_sorted_and_names_each_address_once() -> None:
    lines = reviewed_lines()
    places = list(by_address(lines))

    assert places == sorted(places)
    assert len(places) == len(lines)


@pytest.fixture
def silence() -> Iterator[None]:
    """Keep some ten thousand requests out of the log; writing them takes longer than answering."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@pytest.mark.usefixtures("silence")
def test_everybody_may_do_exactly_what_the_reviewed_table_says(
    request: pytest.FixtureRequest,
) -> None:
    call_command("seed_roles", verbosity=0)
    with override_settings(TEMPLATES=blank_templates(), SESSION_ENGINE=COOKIES):
        lines = actual_lines()
    if request.config.getoption("--write-role-matrix"):
        write_table(lines)
    actual, reviewed = by_address(lines), by_address(reviewed_lines())

    new = [line for place, line in actual.items() if place not in reviewed]
    gone = [place for place in reviewed if place not in actual]
    other = [
        f"reviewed {reviewed[place]}\nactual   {line}"
        for place, line in actual.items()
        if place in reviewed and reviewed[place] != line
    ]
    report = "\n".join(["", "New; review each letter, then add to the table:", HEADER, *new])
    report += "\n".join(["", "Not as reviewed:", HEADER, *other, "Gone:", *gone])
    assert not new + gone + other, f"{TABLE}{report}"
