"""The gate for PDFs: what is refused, with which code, and what must still pass."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from apps.providers.pdf.contracts import MAX_BYTES, VettedPdf
from apps.providers.pdf.vetting import PdfCheckerUnavailableError, PdfVetter
from tests.providers.certificate_files import (
    SAMPLES,
    acting,
    annotated,
    changed_pdf,
    linked,
    plain_pdf,
)


@pytest.fixture(scope="module")
def vetter() -> Iterator[PdfVetter]:
    with PdfVetter() as running:
        yield running


def codes(verdict: VettedPdf) -> list[str]:
    return [refusal.code for refusal in verdict.refusals]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("attachment.pdf", ["embedded_file"]),
        ("empty.pdf", ["empty"]),
        ("encrypted.pdf", ["encrypted"]),
        ("openaction.pdf", ["open_action", "javascript"]),
        ("page.pdf", ["not_a_pdf"]),
        ("polyglot.pdf", ["bytes_before_header"]),
        ("truncated.pdf", ["truncated"]),
    ],
)
def test_each_hostile_sample_is_refused_for_its_own_reason(
    vetter: PdfVetter, now: datetime, name: str, expected: list[str]
) -> None:
    verdict = vetter.vet((SAMPLES / "hostile" / name).read_bytes(), trusted_pems=[], moment=now)
    assert codes(verdict) == expected
    assert verdict.text == ""


def _javascript_in_names(pdf: pikepdf.Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))


def _open_action(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.Named, N=Name.Print)


def _page_events(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=Dictionary(S=Name.GoTo, D=String("x")))


def _attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["x.exe"] = b"MZ"


def _xfa(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=String("<xdp/>"))


def _portfolio(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Collection = Dictionary(View=Name.D)


def _external_stream(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Extra = pdf.make_stream(b"", F=String("/etc/passwd"))


def _deep(pdf: pikepdf.Pdf) -> None:
    nested: pikepdf.Object = Array([])
    for _ in range(80):
        nested = Array([nested])
    pdf.Root.Extra = nested


def _unreachable_script(pdf: pikepdf.Pdf) -> None:
    # Not reachable from the catalogue, but in the file for a reader that looks for it.
    pdf.Root.Extra = pdf.make_indirect(Dictionary(Next=Dictionary(S=Name.JavaScript, JS="1")))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_javascript_in_names, ["javascript"]),
        (_unreachable_script, ["javascript"]),
        (_open_action, ["open_action"]),
        (_page_events, ["additional_action"]),
        (_attached, ["embedded_file"]),
        (_portfolio, ["embedded_file"]),
        (_xfa, ["xfa"]),
        (_external_stream, ["external_stream"]),
        (_deep, ["too_complex"]),
        (acting(S=Name.Launch, F=String("cmd.exe")), ["launch"]),
        (acting(S=Name.SubmitForm, F=String("https://x.test")), ["submit_form"]),
        (acting(S=Name.ImportData, F=String("x")), ["import_data"]),
        (acting(S=Name.GoToR, F=String("x.pdf"), D=String("y")), ["remote_target"]),
        (acting(S=Name.SetOCGState, State=Array([])), ["other_action"]),
        (linked("javascript:alert(1)"), ["link"]),
        (linked("file:///etc/passwd"), ["link"]),
        (annotated(Subtype=Name.RichMedia, RichMediaContent=Dictionary()), ["rich_media"]),
        (annotated(Subtype=Name.Movie), ["rich_media"]),
        (annotated(Subtype=Name.FileAttachment), ["embedded_file"]),
    ],
)
def test_whatever_acts_or_carries_is_found_in_compressed_objects(
    vetter: PdfVetter,
    now: datetime,
    change: Callable[[pikepdf.Pdf], None],
    expected: list[str],
) -> None:
    data = changed_pdf(change)
    verdict = vetter.vet(data, trusted_pems=[], moment=now)
    found = codes(verdict)
    assert sorted(set(found) & set(expected)) == sorted(expected), verdict.refusals


def test_refusals_are_found_by_parsing_and_not_by_searching_the_bytes(
    vetter: PdfVetter, now: datetime
) -> None:
    data = changed_pdf(_javascript_in_names)
    assert b"JavaScript" not in data
    assert codes(vetter.vet(data, trusted_pems=[], moment=now)) == ["javascript"]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "y")
    return buffer.getvalue()


def _zip_with_end_mark_as_comment() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "y")
        archive.comment = b"startxref\n0\n%%EOF"
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"0" * 200, "not_a_pdf"),
        (b"<!DOCTYPE html><html></html>", "not_a_pdf"),
        (b"<?xml version='1.0'?><svg/>", "not_a_pdf"),
        (b"GIF89a" + b"0" * 50, "not_a_pdf"),
        (b"MZ" + b"0" * 50, "not_a_pdf"),
        (_zip(), "not_a_pdf"),
        (b" " * 1000 + plain_pdf(), "bytes_before_header"),
        (b"\n" + plain_pdf(), "bytes_before_header"),
        (plain_pdf() + _zip(), "bytes_after_end"),
        (plain_pdf() + b"<script>", "bytes_after_end"),
        (plain_pdf() + _zip_with_end_mark_as_comment(), "bytes_after_end"),
        (b"%PDF-", "truncated"),
        (b"%PDF-1.7\n%%EOF", "damaged"),
        (b"%PDF-1.7\nstartxref\n99999999999999999999\n%%EOF\n", "damaged"),
        (plain_pdf().replace(b"startxref\n", b"startxref\n9"), "damaged"),
    ],
)
def test_a_wrong_frame_is_refused(
    vetter: PdfVetter, now: datetime, data: bytes, expected: str
) -> None:
    assert codes(vetter.vet(data, trusted_pems=[], moment=now)) == [expected]


def test_every_truncation_of_a_report_is_refused(vetter: PdfVetter, now: datetime) -> None:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    whole = len(data.rstrip())
    for length in [*range(1, whole, 97), whole - 1]:
        assert codes(vetter.vet(data[:length], trusted_pems=[], moment=now)), length


def test_the_size_limit_is_exact(vetter: PdfVetter, now: datetime) -> None:
    def padded_to(size: int) -> bytes:
        data = plain_pdf()
        comment = b"%" + b"x" * (size - len(data) - 2) + b"\n"
        return data.replace(b"startxref", comment + b"startxref")

    assert len(padded_to(MAX_BYTES)) == MAX_BYTES
    assert codes(vetter.vet(padded_to(MAX_BYTES), trusted_pems=[], moment=now)) == []
    assert codes(vetter.vet(padded_to(MAX_BYTES + 1), trusted_pems=[], moment=now)) == ["too_large"]


def test_a_document_without_pages_is_refused(vetter: PdfVetter, now: datetime) -> None:
    def no_pages(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[0]

    assert codes(vetter.vet(changed_pdf(no_pages), trusted_pems=[], moment=now)) == ["no_pages"]


def test_plain_documents_and_harmless_habits_pass(vetter: PdfVetter, now: datetime) -> None:
    def opens_at_the_first_page(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.Fit])

    def opens_by_goto(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]))

    for data in (
        plain_pdf(),
        changed_pdf(opens_at_the_first_page),
        changed_pdf(opens_by_goto),
        *(path.read_bytes() for path in sorted(SAMPLES.glob("*.pdf"))),
    ):
        assert codes(vetter.vet(data, trusted_pems=[], moment=now)) == []


def test_web_and_mail_links_pass_and_are_counted(vetter: PdfVetter, now: datetime) -> None:
    verdict = vetter.vet(
        changed_pdf(linked("https://lab.example/report")), trusted_pems=[], moment=now
    )
    assert (codes(verdict), verdict.link_count) == ([], 1)


def test_a_decompression_bomb_is_refused_and_the_next_file_is_still_judged(
    vetter: PdfVetter, now: datetime
) -> None:
    packer = zlib.compressobj(1)
    block = b" " * (16 << 20)
    packed = b"".join(packer.compress(block) for _ in range(80)) + packer.flush()
    assert len(packed) < MAX_BYTES
    head = b"%PDF-1.5\n"
    bomb = (
        b"1 0 obj\n<< /Type /XRef /W [1 2 1] /Size 4 /Root 2 0 R /Filter /FlateDecode /Length "
        + str(len(packed)).encode()
        + b" >>\nstream\n"
        + packed
        + b"\nendstream\nendobj\n"
    )
    data = head + bomb + b"startxref\n" + str(len(head)).encode() + b"\n%%EOF\n"
    verdict = vetter.vet(data, trusted_pems=[], moment=now)
    assert codes(verdict) in (["too_expensive"], ["damaged"])
    assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe


def test_a_dead_checker_takes_nothing_and_the_next_call_starts_another(now: datetime) -> None:
    with PdfVetter() as vetter:
        assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe
        assert vetter._process is not None
        vetter._process.kill()
        vetter._process.wait()
        with pytest.raises(PdfCheckerUnavailableError):
            vetter.vet(plain_pdf(), trusted_pems=[], moment=now)
        assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe
