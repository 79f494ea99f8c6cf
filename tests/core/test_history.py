"""Every version of a row says who edited it, why, and when, by the clock of the edit."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError

from apps.core.history import find_or_add, note_edit
from apps.providers.models import Lab
from apps.providers.services.trust import lab_named
from tests.factories import make_user
from tests.older_schema import schema_at, to_the_newest
from tests.races import race

HOUR = timedelta(hours=1)


def versions(lab: Lab) -> list[tuple[str, datetime, str, str]]:
    return [
        (
            version.name,
            version.history_date,
            str(version.history_user),
            version.history_change_reason,
        )
        for version in lab.history.order_by("history_id")
    ]


@pytest.mark.django_db
def test_a_version_carries_the_moment_of_the_edit_not_of_the_save(now: datetime) -> None:
    officer = make_user("officer")
    lab, is_new = find_or_add(
        Lab.objects.filter(name="Norden"),
        Lab(name="Norden", created_at=now - HOUR),
        reason="Named by a document.",
        now=now - HOUR,
    )
    lab.name = "Norden Test"
    note_edit(lab, acting_user=officer, reason="Renamed.", now=now)
    lab.save(update_fields=["name"])
    lab.name = "Nobody"
    note_edit(lab, acting_user=AnonymousUser(), reason="Nobody is signed in.", now=now + HOUR)
    lab.save(update_fields=["name"])

    assert is_new
    assert versions(lab) == [
        ("Norden", now - HOUR, "None", "Named by a document."),
        ("Norden Test", now, str(officer), "Renamed."),
        ("Nobody", now + HOUR, "None", "Nobody is signed in."),
    ]


@pytest.mark.django_db
def test_what_is_on_file_is_found_and_gets_no_version(now: datetime) -> None:
    first = lab_named("Norden", now=now)

    assert lab_named("NORDEN", now=now + HOUR) == first
    assert len(versions(first)) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_row_one_adds_it_and_both_have_it(now: datetime) -> None:
    found = race([lambda: lab_named("Norden", now=now)] * 4)

    lab = Lab.objects.get()
    assert found == [lab] * 4
    assert len(versions(lab)) == 1


@pytest.mark.django_db
def test_what_another_constraint_refuses_is_refused_by_its_name(now: datetime) -> None:
    lab_named("Norden", now=now)

    with pytest.raises(IntegrityError, match="providers_lab_is_one_per_name_in_any_case"):
        find_or_add(
            Lab.objects.filter(name="NORDEN"),
            Lab(name="NORDEN", created_at=now),
            reason="Named by a document.",
            now=now,
        )
    assert [lab.name for lab in Lab.objects.all()] == ["Norden"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_a_laboratory_in_another_case_one_adds_it(now: datetime) -> None:
    names = ["Norden", "NORDEN", "norden", "nOrden"]
    found = race([partial(lab_named, name, now=now) for name in names])

    assert found == [Lab.objects.get()] * 4


@pytest.mark.django_db(transaction=True)
def test_twins_from_before_stop_the_migration_by_name_and_stay(now: datetime) -> None:
    with schema_at("providers", "0021_root_never_changes"):
        twins = [Lab.objects.create(name=name, created_at=now) for name in ("Norden", "NORDEN")]
        alone = Lab.objects.create(name="Sund", created_at=now)
        with pytest.raises(RuntimeError, match=r"'Norden' \(id \d+\), 'NORDEN' \(id \d+\)\. "):
            to_the_newest()
        assert list(Lab.objects.order_by("pk")) == [*twins, alone]
        Lab.objects.filter(pk=twins[1].pk).update(name="Norden (from the second import)")
    assert Lab.objects.count() == 3
