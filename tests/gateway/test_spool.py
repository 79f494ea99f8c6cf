"""The spool's files: what was answered for is found again, and nothing else is."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.core.admin import Panel
from apps.gateway.contracts import SpoolFacts
from apps.gateway.http.parking import Parking, may_be_kept, may_overtake
from apps.gateway.http.spool import Limits, Spool, SpoolError, SpoolRecord, encode, scan
from apps.gateway.selectors import spool_reports
from apps.gateway.services.spool_reports import report_spool
from apps.providers.enums import WhenUnavailable
from apps.providers.models import ProviderPolicy
from tests.factories import make_user
from tests.gateway.builders import Casino

ROOMY = Limits(most_bytes=10_000_000, most_records=1_000)

texts = st.text(max_size=20)
bodies = st.dictionaries(texts, texts, max_size=3).map(lambda body: json.dumps(body).encode())
records = st.builds(SpoolRecord, st.dictionaries(texts, texts, max_size=3), bodies)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    spool = Spool(folder, ROOMY)
    yield spool
    spool.close()


def record(number: int, size: int = 10) -> SpoolRecord:
    return SpoolRecord({"n": number}, b"x" * size)


def numbers(spool: Spool) -> list[int]:
    """Return what waits, in order, by taking it out."""
    found: list[int] = []
    while (first := spool.first()) is not None:
        path, content = first
        found += [one.header["n"] for one in content.records]
        spool.remove(path)
    return found


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_tail_torn_at_any_byte_is_cut_and_every_whole_record_before_it_is_kept(
    given_records: list[SpoolRecord], data: st.DataObject
) -> None:
    encoded = [encode(one) for one in given_records]
    whole = b"".join(encoded)
    at = data.draw(st.integers(0, len(whole)))
    ends = [sum(map(len, encoded[: n + 1])) for n in range(len(encoded))]
    survivors = sum(end <= at for end in ends)
    zeros = b"\0" * data.draw(st.integers(0, 8)) if at in {0, *ends} else b""
    found = scan(whole[:at] + zeros)
    assert found.records == tuple(given_records[:survivors])
    assert found.damaged == ()
    assert found.end == ([0, *ends][survivors])


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_flipped_bit_is_seen_and_costs_no_other_record(
    given_records: list[SpoolRecord], data: st.DataObject
) -> None:
    encoded = [encode(one) for one in given_records]
    whole = bytearray(b"".join(encoded))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << (bit % 8)
    hit = next(n for n in range(len(encoded)) if bit // 8 < sum(map(len, encoded[: n + 1])))
    found = scan(bytes(whole))
    assert found.records == tuple(given_records[:hit] + given_records[hit + 1 :])
    assert len(found.damaged) == 1
    assert found.end == len(whole)


@given(st.lists(records, min_size=1, max_size=6), st.data())
def test_a_crash_while_writing_loses_no_record_that_was_on_disk(
    given_records: list[SpoolRecord], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "spool"
        first = Spool(folder, ROOMY)
        assert first.append(given_records[:-1]) == len(given_records) - 1
        first.close()
        torn = encode(given_records[-1])
        length = data.draw(st.integers(0, len(torn) - 1))
        segments = sorted(folder.glob("*.seg"))
        target = segments[-1] if segments else folder / "0000000001.seg"
        with target.open("ab") as file:
            file.write(torn[:length])
        again = Spool(folder, ROOMY)
        assert again.depth == len(given_records) - 1
        found = again.first()
        assert (found[1].records if found else ()) == tuple(given_records[:-1])
        again.close()


def test_records_come_back_in_order_across_restarts_and_segments(folder: Path) -> None:
    for start in (0, 3, 6):
        spool = Spool(folder, ROOMY)
        spool.append([record(start, 1_000_000), record(start + 1, 100_000), record(start + 2)])
        spool.close()
    spool = Spool(folder, ROOMY)
    assert spool.depth == 9
    assert numbers(spool) == list(range(9))
    assert (spool.depth, spool.size, list(folder.glob("*.seg"))) == (0, 0, [])
    spool.append([record(9)])
    assert numbers(spool) == [9]
    spool.close()


def test_what_is_being_read_is_not_written_to_any_more(spool: Spool) -> None:
    spool.append([record(1)])
    first = spool.first()
    assert first is not None
    spool.append([record(2)])
    spool.remove(first[0])
    assert numbers(spool) == [2]


@pytest.mark.parametrize("limits", [Limits(10_000_000, 2), Limits(2 * len(encode(record(1))), 99)])
def test_the_bound_is_kept_and_counts_what_an_earlier_process_left(
    folder: Path, limits: Limits
) -> None:
    spool = Spool(folder, limits)
    assert spool.append([record(1)]) == 1
    spool.close()
    spool = Spool(folder, limits)
    assert spool.append([record(2), record(3), record(4)]) == 1
    assert spool.append([record(5)]) == 0
    assert numbers(spool) == [1, 2]
    assert spool.append([record(6)]) == 1
    spool.close()


def test_one_process_holds_the_folder(folder: Path, spool: Spool) -> None:
    with pytest.raises(SpoolError):
        Spool(folder, ROOMY)


def test_only_its_owner_reads_the_spool(folder: Path, spool: Spool) -> None:
    spool.append([record(1)])
    spool.set_aside("a-1", "because", record(2))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes.pop("quarantine") == stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}


def test_a_failing_disk_keeps_nothing_and_harms_nothing(
    folder: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append([record(1)])

    def fail(_fd: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(SpoolError):
            spool.append([record(2)])
    assert spool.append([record(3)]) == 1
    assert numbers(spool) == [1, 3]


def test_what_is_set_aside_says_why(folder: Path, spool: Spool) -> None:
    for _ in range(2):
        spool.set_aside("0000000001-0", "unknown_provider", SpoolRecord({"n": 1}, b"\xff"))
    [page] = (folder / "quarantine").iterdir()
    document = json.loads(page.read_text())
    assert document["reason"] == "unknown_provider"
    assert document["header"] == {"n": 1}


def test_what_is_set_aside_never_replaces_what_was_set_aside_before(folder: Path) -> None:
    """A restart counts segments from one again; the quarantine keeps the earlier outage."""
    for number in (1, 2):
        spool = Spool(folder, ROOMY)
        spool.append([record(number)])
        found = spool.first()
        assert found is not None
        path, content = found
        name = spool.set_aside(f"{path.stem}-0", "key_not_valid_then", content.records[0])
        assert (folder / "quarantine" / name).exists()
        spool.remove(path)
        spool.close()
    pages = [json.loads(page.read_text()) for page in (folder / "quarantine").iterdir()]
    assert len({page["body_base64"] + str(page["header"]) for page in pages}) == 2


def test_only_what_is_played_may_wait_and_only_where_the_policy_says_so(casino: Casino) -> None:
    played = casino.body(casino.event("e-1"), casino.rollback("e-2", "e-1"))
    assert not may_be_kept(casino.inbound(played))
    assert may_overtake(casino.inbound(played))
    _allow(casino)
    assert may_be_kept(casino.inbound(played))
    assert not may_overtake(casino.inbound(played))
    for other in (casino.tentative("e-3"), casino.event("e-4", checksum="0" * 64)):
        mixed = casino.inbound(casino.body(casino.event("e-5"), other))
        assert not may_be_kept(mixed)
        assert not may_overtake(mixed)


@pytest.mark.django_db(transaction=True)
def test_past_the_bound_nothing_more_is_promised(casino: Casino, folder: Path) -> None:
    _allow(casino)
    inbound = [casino.inbound(casino.body(casino.event(f"e-{n}"))) for n in range(3)]
    parking = Parking(folder, Limits(10_000_000, 2))
    assert (parking.keep(inbound), parking.keep(inbound[:1]), parking.depth) == (2, 0, 2)
    assert parking.drain(seconds=None)
    assert [casino.stored(name).status for name in ("e-0", "e-1")] == ["accepted"] * 2
    parking.close()


@pytest.mark.django_db(transaction=True)
def test_a_gateway_says_what_waits_on_its_disk_and_people_read_it(
    casino: Casino, folder: Path, client: Client
) -> None:
    _allow(casino)
    client.force_login(make_user(permissions=("reports.view_providerhealth",)))
    page = reverse("admin:reports_providerhealth_changelist")
    assert "No gateway has reported for a day." in client.get(page).content.decode()
    parking = Parking(folder, Limits(10 * 1024 * 1024, 1_000))
    assert parking.facts(casino.now) is None
    inbound = [casino.inbound(casino.body(casino.event(f"e-{n}"))) for n in range(3)]
    assert parking.keep(inbound) == 3
    later = casino.now + timedelta(minutes=1)
    facts = parking.facts(later)
    assert facts is not None
    assert (facts.waiting, facts.most_waiting, facts.most_bytes) == (3, 1_000, 10 * 1024 * 1024)
    assert (facts.oldest_at, facts.drained_at) == (inbound[0].received_at, None)
    with CaptureQueriesContext(connection) as asked:
        report_spool(facts)
    assert len([one for one in asked if "spoolreport" in one["sql"]]) == 1
    [panel] = _spool_panels(client.get(page))
    assert "3 of at most 1,000" in str(panel.rows[0][1])
    assert str(panel.rows[0][2]).endswith("of at most 10 MiB")
    assert panel.tone == "warning"

    assert parking.drain(seconds=None)
    drained = parking.facts(datetime.now(UTC))
    assert drained is not None
    assert (drained.waiting, drained.waiting_bytes, drained.oldest_at) == (0, 0, None)
    report_spool(drained)
    # A gateway that starts anew has drained nothing yet; what the one before did stays.
    report_spool(replace(drained, drained_at=None))
    [told] = spool_reports(drained.reported_at)
    assert told == drained
    [panel] = _spool_panels(client.get(page))
    assert (panel.rows[0][1], panel.tone) == ("0 of at most 1,000", "")
    report_spool(replace(drained, reported_at=drained.reported_at - timedelta(hours=1)))
    [panel] = _spool_panels(client.get(page))
    assert "silent since" in str(panel.rows[0][-1])
    parking.close()


@pytest.mark.django_db
def test_a_gateway_that_is_gone_leaves_the_list_unless_it_left_something(now: datetime) -> None:
    day = timedelta(hours=24)
    empty = SpoolFacts("a:/spool", 0, 0, None, 0, 5, 50, None, now)
    waits = SpoolFacts("b:/spool", 1, 10, now, 0, 5, 50, None, now)
    has_aside = SpoolFacts("c:/spool", 0, 0, None, 1, 5, 50, None, now)
    for facts in (empty, waits, has_aside):
        report_spool(facts)
    assert spool_reports(now + day) == [empty, waits, has_aside]
    assert spool_reports(now + day + timedelta(seconds=1)) == [waits, has_aside]
    report_spool(replace(empty, reported_at=now + day))
    assert len(spool_reports(now + day + timedelta(seconds=1))) == 3


@pytest.mark.django_db
def test_the_database_refuses_a_spool_whose_oldest_is_nowhere(now: datetime) -> None:
    with pytest.raises(IntegrityError, match="gateway_spool_has_an_oldest_where_something_waits"):
        report_spool(SpoolFacts("here:/spool", 1, 10, None, 0, 5, 50, None, now))
    assert spool_reports(now) == []


def _spool_panels(response: Any) -> list[Panel]:
    return [one for one in response.context["panels"] if one.title == "Waiting on disk, by gateway"]


def _allow(casino: Casino) -> None:
    ProviderPolicy.objects.update_or_create(
        provider=casino.provider, defaults={"when_unavailable": WhenUnavailable.SPOOL}
    )
