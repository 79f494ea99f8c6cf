"""The gate for PDFs: what is refused, with which code, and what must still pass."""

import io
import time
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

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


def _reference_to_another_document(pdf: pikepdf.Pdf) -> None:
    form = pdf.make_stream(
        b"",
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 9, 9]),
        Ref=Dictionary(F=Dictionary(F=String("//elsewhere/share/x.pdf")), Page=0),
    )
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(X0=form))


def _file_by_address(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AF = Array([Dictionary(FS=Name.URL, F=String("http://elsewhere.test/"))])


def _file_specification(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AF = Array([Dictionary(Type=Name.Filespec, F=String("x.pdf"))])


def _file_named_without_a_type(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Extra = Dictionary(F=String("x.pdf"))


def _base_of_links(pdf: pikepdf.Pdf) -> None:
    pdf.Root.URI = Dictionary(Base=String("file:///etc/"))


def _requirement_of_scripts(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Requirements = Array([Dictionary(S=Name.EnableJavaScripts)])


def followed_by(**action: Any) -> Callable[[pikepdf.Pdf], None]:
    """Return a link that goes to a page of the document, and then does something else."""
    after = Array([Dictionary(S=Name.GoTo, D=String("y")), Dictionary(**action)])
    return acting(S=Name.GoTo, D=String("x"), Next=after)


OUTWARD = [
    (_reference_to_another_document, ["external_stream"]),
    (_file_by_address, ["external_file"]),
    (_file_specification, ["external_file"]),
    (_file_named_without_a_type, ["external_file"]),
    (_base_of_links, ["link"]),
    (_requirement_of_scripts, ["javascript"]),
    (followed_by(S=Name.Thread, F=String("x.pdf"), D=0), ["other_action"]),
    (followed_by(S=Name.SetOCGState, State=Array([])), ["other_action"]),
]


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
        *OUTWARD,
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

    def links_by_a_base(pdf: pikepdf.Pdf) -> None:
        pdf.Root.URI = Dictionary(Base=String("https://lab.example/"))

    def a_font_and_a_note_called_f(pdf: pikepdf.Pdf) -> None:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        pdf.pages[0].obj.Resources = Dictionary(Font=Dictionary(F=font))
        annotated(Subtype=Name.Text, F=4)(pdf)

    def tags_that_refer_to_each_other(pdf: pikepdf.Pdf) -> None:
        tag = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Note))
        pdf.Root.Extra = Dictionary(Type=Name.StructElem, S=Name.Reference, Ref=Array([tag]))

    for data in (
        plain_pdf(),
        changed_pdf(links_by_a_base),
        changed_pdf(a_font_and_a_note_called_f),
        changed_pdf(tags_that_refer_to_each_other),
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


def built(*objects: bytes) -> bytes:
    """Write objects 1, 2, ... with a right cross-reference table; what they say may be wrong."""
    data, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    at, size = len(data), len(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>" % size
    return bytes(data) + b"\nstartxref\n%d\n%%%%EOF\n" % at


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> >>"


def _tables_that_lead_to_each_other() -> bytes:
    data = built(_CATALOG, _PAGES, _PAGE)
    at = data.rfind(b"xref\n0 ")
    return data.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /Prev %d >>" % at)


def _a_page_tree_that_contains_itself() -> bytes:
    return built(_CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>", _PAGE)


def _a_page_tree_of(levels: int) -> bytes:
    nodes = [
        b"<< /Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R >>" % (number + 1, number - 1)
        for number in range(3, levels + 2)
    ]
    page = _PAGE.replace(b"/Parent 2", b"/Parent %d" % (levels + 1))
    return built(_CATALOG, _PAGES, *nodes, page)


def _a_length_of_four_gigabytes() -> bytes:
    stream = b"<< /Length 4294967296 >>\nstream\nq Q\nendstream"
    page = _PAGE.replace(b"/Resources", b"/Contents 4 0 R /Resources")
    return built(_CATALOG, _PAGES, page, stream)


def _an_object_nested_in_itself(depth: int) -> bytes:
    return built(_CATALOG, _PAGES, _PAGE, b"[" * depth + b"]" * depth)


def _a_stream_of_a_million_objects() -> bytes:
    """Declare a million objects that lie in one compressed stream, in a few megabytes."""
    count = 1_000_000
    head = b" ".join(b"%d 0" % number for number in range(10, 10 + count))
    packed = zlib.compress(head + b" 0", 9)
    about = b"<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>"
    stream = about % (count, len(head) + 1, len(packed)) + b"\nstream\n" + packed
    data, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate([_CATALOG, _PAGES, _PAGE, stream + b"\nendstream"], start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = bytes(6) + b"".join(
        b"\x01" + place.to_bytes(4, "big") + b"\x00" for place in [*places, len(data)]
    )
    table = zlib.compress(rows + b"\x02\x00\x00\x00\x04\x00" * count, 9)
    at = len(data)
    data += (
        b"5 0 obj\n<< /Type /XRef /W [1 4 1] /Index [0 6 10 %d] /Size %d /Root 1 0 R "
        b"/Filter /FlateDecode /Length %d >>\nstream\n" % (count, count + 10, len(table))
    )
    return bytes(data) + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % at


@pytest.mark.parametrize(
    ("make", "code", "reason"),
    [
        (_tables_that_lead_to_each_other, "damaged", "loop detected following xref tables"),
        (_a_page_tree_that_contains_itself, "damaged", "Loop detected in /Pages structure"),
        (lambda: _a_page_tree_of(20_000), "damaged", "/Pages structure too deeply nested"),
        (_a_stream_of_a_million_objects, "too_complex", "more than 100000 objects"),
        (_a_length_of_four_gigabytes, "damaged", "breaks the PDF rules"),
        (lambda: _an_object_nested_in_itself(50_000), "damaged", "breaks the PDF rules"),
    ],
    ids=["table loop", "page loop", "deep pages", "million objects", "length", "deep object"],
)
def test_what_would_keep_a_parser_busy_is_refused_in_seconds_and_the_next_file_is_judged(
    vetter: PdfVetter, now: datetime, make: Callable[[], bytes], code: str, reason: str
) -> None:
    data = make()
    assert len(data) < MAX_BYTES
    started = time.monotonic()
    verdict = vetter.vet(data, trusted_pems=[], moment=now)
    assert codes(verdict) == [code]
    assert reason in verdict.refusals[0].reason
    assert "BytesIO" not in verdict.refusals[0].reason
    assert time.monotonic() - started < 30
    assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe


def test_control_the_same_document_without_its_fault_is_taken(
    vetter: PdfVetter, now: datetime
) -> None:
    assert codes(vetter.vet(built(_CATALOG, _PAGES, _PAGE), trusted_pems=[], moment=now)) == []


def test_a_dead_checker_takes_nothing_and_the_next_call_starts_another(now: datetime) -> None:
    with PdfVetter() as vetter:
        assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe
        assert vetter._process is not None
        vetter._process.kill()
        vetter._process.wait()
        with pytest.raises(PdfCheckerUnavailableError):
            vetter.vet(plain_pdf(), trusted_pems=[], moment=now)
        assert vetter.vet(plain_pdf(), trusted_pems=[], moment=now).is_safe
