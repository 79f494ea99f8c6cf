"""Reading, disturbing and re-dating captures."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.simulator.borealis.signing import event_checksum, secret_bytes, signature
from apps.simulator.capture.disturbing import PER_MILLION, Disturbance
from apps.simulator.capture.reading import CapturedDelivery, check_capture, read_capture
from apps.simulator.capture.redating import Redating, as_recorded, suffix_of
from apps.simulator.errors import BadCaptureError

SECRET = secret_bytes("whsec_jFGct6mhPlJUsYdLhJjI15hQdderLIXxqDROAYVzeoE=")
OLD_SECRET = secret_bytes("whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLTMyYnk=")
RECEIVED = datetime(2026, 11, 18, 0, 1, 20, 231_000, UTC)


def event(event_id: str, **changes: Any) -> dict[str, Any]:
    fields = {
        "event_id": event_id,
        "round_id": f"r-{event_id}",
        "player_id": "p-1",
        "timestamp": "2026-11-18T00:00:07.122Z",
        "bet_amount": "1.00",
        "win_amount": "0.00",
        "currency": "AUD",
        "game_code": "aurora-slot-09",
        "round_type": "base",
        "balance_before": "10.00",
        "balance_after": "9.00",
        "finalized": True,
        "reference_event_id": None,
        **changes,
    }
    return {**fields, "checksum": event_checksum(SECRET, fields)}


def line(number: int, body: str, *, secret: bytes = SECRET) -> dict[str, Any]:
    received = RECEIVED + timedelta(seconds=number)
    timestamp = int(received.timestamp())
    message_id = f"msg_{number}"
    return {
        "received_at": received.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "method": "POST",
        "path": "/callbacks/aurora/rounds",
        "headers": {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, message_id, timestamp, body.encode()),
        },
        "body": body,
    }


def write_capture(path: Path, lines: list[Any]) -> Path:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def small_capture(path: Path, count: int = 100) -> Path:
    return write_capture(path, [line(n, json.dumps(event(f"e-{n}"))) for n in range(count)])


@pytest.mark.parametrize("name", ["capture.ndjson", "capture.ndjson.gz"])
def test_a_capture_is_read_plain_or_gzipped_with_its_bytes_untouched(
    tmp_path: Path, name: str
) -> None:
    body = '{"events": [ {"event_id":"é"} ]}'
    path = write_capture(tmp_path / name, [line(1, body), "", line(2, body)])
    assert check_capture(path, "aurora").deliveries == 2
    delivery = next(read_capture(path, "aurora"))
    assert delivery.body == body.encode()
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.received_text == "2026-11-18T00:01:21.231Z"
    sent = as_recorded(delivery)
    assert (sent.body, sent.headers_at(0)) == (delivery.body, delivery.headers)


BAD_LINES: list[Any] = [
    "{",
    "[" * 100_000,
    '"text"',
    {**line(1, "{}"), "received_at": "2026-11-18T00:01:20"},
    {**line(1, "{}"), "received_at": "yesterday"},
    {**line(1, "{}"), "received_at": 5},
    {**line(1, "{}"), "method": "GET"},
    {**line(1, "{}"), "path": "/callbacks/borealis/rounds"},
    {**line(1, "{}"), "path": "http://elsewhere/"},
    {**line(1, "{}"), "headers": {"webhook-id": "a\r\nx: y"}},
    {**line(1, "{}"), "headers": []},
    {**line(1, "{}"), "body": None},
    {**line(1, "{}"), "body": "\ud800"},
]


@pytest.mark.parametrize("bad", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_named_by_number_and_refuses_the_file(tmp_path: Path, bad: Any) -> None:
    path = write_capture(tmp_path / "capture.ndjson", [line(1, "{}"), bad, line(2, "{}")])
    with pytest.raises(BadCaptureError, match=r"1 bad lines in capture.ndjson.*\nline 2: "):
        check_capture(path, "aurora")


def test_a_file_cut_inside_its_compression_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    path = small_capture(tmp_path / "capture.ndjson.gz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadCaptureError, match="breaks inside its compression"):
        check_capture(path, "aurora")
    empty = write_capture(tmp_path / "empty.ndjson", [])
    with pytest.raises(BadCaptureError, match="holds no deliveries"):
        check_capture(empty, "aurora")


def _disturbed(path: Path, disturbance: Disturbance) -> list[int]:
    return [one.line_no for one in disturbance.apply(read_capture(path, "aurora"))]


def test_drop_and_duplicate_count_what_they_did_and_repeat_with_the_seed(tmp_path: Path) -> None:
    path = small_capture(tmp_path / "capture.ndjson", 400)
    disturbance = Disturbance(drop=PER_MILLION // 10, duplicate=PER_MILLION // 5, seed=3)
    lines = _disturbed(path, disturbance)
    assert len(lines) == 400 - disturbance.dropped + disturbance.duplicated
    assert len(set(lines)) == 400 - disturbance.dropped
    assert 0 < disturbance.dropped < 100
    assert 0 < disturbance.duplicated < 150
    repeated = Disturbance(drop=PER_MILLION // 10, duplicate=PER_MILLION // 5, seed=3)
    assert _disturbed(path, repeated) == lines


def test_shares_of_one_drop_or_repeat_everything(tmp_path: Path) -> None:
    path = small_capture(tmp_path / "capture.ndjson", 5)
    assert _disturbed(path, Disturbance(drop=PER_MILLION)) == []
    assert _disturbed(path, Disturbance(duplicate=PER_MILLION)) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("reorder", [1, 5, 50])
def test_reorder_moves_nothing_further_than_asked_and_loses_nothing(
    tmp_path: Path, reorder: int
) -> None:
    path = small_capture(tmp_path / "capture.ndjson", 300)
    lines = _disturbed(path, Disturbance(reorder=reorder, seed=1))
    assert sorted(lines) == list(range(1, 301))
    assert lines != sorted(lines)
    assert max(abs(line_no - place) for place, line_no in enumerate(lines, 1)) <= reorder


def _captured(record: dict[str, Any], tmp_path: Path) -> CapturedDelivery:
    return next(read_capture(write_capture(tmp_path / "one.ndjson", [record]), "aurora"))


SHIFT = timedelta(days=3, hours=1)
REDATING = Redating(SHIFT, "~s1", (SECRET, OLD_SECRET))


def test_a_shifted_delivery_has_moved_times_marked_ids_and_valid_proofs(tmp_path: Path) -> None:
    body = json.dumps(
        {"events": [event("e-1"), event("e-2", round_type="rollback", reference_event_id="e-1")]}
    )
    outgoing = REDATING.apply(_captured(line(1, body), tmp_path))
    first, second = json.loads(outgoing.body)["events"]
    assert first["event_id"] == "e-1~s1"
    assert first["round_id"] == "r-e-1~s1"
    assert first["timestamp"] == "2026-11-21T01:00:07.122Z"
    assert first["reference_event_id"] is None
    assert second["reference_event_id"] == "e-1~s1"
    assert first["checksum"] == event_checksum(SECRET, first)
    headers = outgoing.headers_at(1_800_000_000)
    assert headers["webhook-id"] == "msg_1-s1"
    assert headers["webhook-timestamp"] == "1800000000"
    expected = signature(SECRET, "msg_1-s1", 1_800_000_000, outgoing.body)
    assert headers["webhook-signature"] == expected


def test_what_was_signed_with_an_older_key_is_signed_anew_with_the_first(tmp_path: Path) -> None:
    record = line(1, json.dumps(event("e-1")), secret=OLD_SECRET)
    outgoing = REDATING.apply(_captured(record, tmp_path))
    assert outgoing.signing_secret == SECRET


def test_a_wrong_signature_stays_word_for_word(tmp_path: Path) -> None:
    record = line(1, json.dumps(event("e-1")), secret=b"x" * 32)
    outgoing = REDATING.apply(_captured(record, tmp_path))
    headers = outgoing.headers_at(1_800_000_000)
    assert headers["webhook-signature"] == record["headers"]["webhook-signature"]
    # The event inside is right, and stays right: only the envelope was forged.
    sent = json.loads(outgoing.body)
    assert sent["checksum"] == event_checksum(SECRET, sent)


def test_a_wrong_checksum_stays_word_for_word(tmp_path: Path) -> None:
    record = line(1, json.dumps({**event("e-1"), "checksum": "0" * 64}))
    sent = json.loads(REDATING.apply(_captured(record, tmp_path)).body)
    assert sent["checksum"] == "0" * 64
    tampered = line(1, json.dumps({**event("e-1"), "win_amount": "90.00"}))
    sent = json.loads(REDATING.apply(_captured(tampered, tmp_path)).body)
    assert sent["checksum"] == event("e-1")["checksum"]


def test_a_stale_or_early_envelope_keeps_its_distance_from_the_clock(tmp_path: Path) -> None:
    record = line(1, json.dumps(event("e-1")))
    stale = int(RECEIVED.timestamp()) - 3_600
    record["headers"]["webhook-timestamp"] = str(stale)
    outgoing = REDATING.apply(_captured(record, tmp_path))
    assert outgoing.headers_at(1_800_000_000)["webhook-timestamp"] == str(1_800_000_000 - 3_601)


@pytest.mark.parametrize("body", ["not json", "[1]", "7", '{"events":5}', "[" * 5_000, ""])
def test_a_body_without_events_is_sent_on_as_it_is(tmp_path: Path, body: str) -> None:
    outgoing = REDATING.apply(_captured(line(1, body), tmp_path))
    assert outgoing.body == body.encode()
    assert outgoing.signing_secret == SECRET


@pytest.mark.parametrize("timestamp", ["2026-11-18T00:00:07", "soon", 5, None])
def test_a_time_that_can_not_be_moved_is_left_as_it_is(tmp_path: Path, timestamp: object) -> None:
    record = line(1, json.dumps(event("e-1", timestamp=timestamp)))
    assert json.loads(REDATING.apply(_captured(record, tmp_path)).body)["timestamp"] == timestamp


def test_the_suffix_follows_from_the_shift_alone() -> None:
    assert suffix_of(SHIFT) == suffix_of(timedelta(days=3, hours=1)) != suffix_of(-SHIFT)
    assert suffix_of(timedelta(milliseconds=36)) == "~s10"
    assert suffix_of(timedelta(0)) == "~s0"
