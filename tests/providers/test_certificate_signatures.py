"""What a signature proves: valid, invalid, untrusted, none."""

from datetime import datetime

import pytest

from apps.providers.pdf.contracts import SignatureReport, VettedPdf
from apps.providers.pdf.vetting import PdfVetter
from tests.providers.certificate_files import (
    SAMPLES,
    authority,
    filled_after_signing,
    form_pdf,
    plain_pdf,
    redrawn_after_signing,
    signed_pdf,
)

LAB = authority("Sample Test Laboratory")
STRANGER = authority("Somebody Else")


def judged(vetter: PdfVetter, data: bytes, pems: list[str], moment: datetime) -> SignatureReport:
    verdict: VettedPdf = vetter.vet(data, trusted_pems=pems, moment=moment)
    assert verdict.is_safe, verdict.refusals
    return verdict.signature


def test_a_signature_under_a_trusted_root_is_valid(vetter: PdfVetter, now: datetime) -> None:
    report = judged(vetter, signed_pdf(plain_pdf(), LAB), [LAB.pem], now)
    assert (report.state, report.signer, report.coverage) == (
        "valid",
        "T. Manager, Sample Test Laboratory",
        "entire_file",
    )
    assert report.signed_at is not None


def test_the_same_signature_without_its_root_is_untrusted(vetter: PdfVetter, now: datetime) -> None:
    signed = signed_pdf(plain_pdf(), LAB)
    assert judged(vetter, signed, [], now).state == "untrusted"
    assert judged(vetter, signed, [STRANGER.pem], now).state == "untrusted"


def test_a_document_without_a_signature_says_so(vetter: PdfVetter, now: datetime) -> None:
    assert judged(vetter, plain_pdf(), [LAB.pem], now).state == "none"


def test_one_changed_byte_is_invalid_whoever_is_trusted(vetter: PdfVetter, now: datetime) -> None:
    signed = bytearray(signed_pdf(plain_pdf("Valid until 2027-04-01"), LAB))
    # In the page's content, so the file still parses and shows something else.
    at = signed.index(b"stream") + 20
    signed[at] = signed[at] + 1 if signed[at] < 0x7A else signed[at] - 1
    for pems in ([], [LAB.pem]):
        assert judged(vetter, bytes(signed), pems, now).state == "invalid"


def test_a_page_redrawn_after_signing_is_invalid(vetter: PdfVetter, now: datetime) -> None:
    signed = signed_pdf(plain_pdf("Valid until 2027-04-01"), LAB)
    altered = redrawn_after_signing(signed, "Valid until 2031-04-01")
    assert altered.startswith(signed)
    assert judged(vetter, altered, [LAB.pem], now).state == "invalid"


def test_a_value_filled_in_after_signing_is_invalid_whoever_signs_after_it(
    vetter: PdfVetter, now: datetime
) -> None:
    signed = signed_pdf(form_pdf("2027-04-01"), LAB)
    assert judged(vetter, signed, [LAB.pem], now).state == "valid"

    altered = filled_after_signing(signed, "2037-04-01")
    assert altered.startswith(signed)
    for data in (altered, *(signed_pdf(altered, by, field="Again") for by in (STRANGER, LAB))):
        report = judged(vetter, data, [LAB.pem], now)
        assert (report.state, report.detail) == (
            "invalid",
            "The document was changed after it was signed.",
        )


def test_the_last_signature_speaks_for_the_document(vetter: PdfVetter, now: datetime) -> None:
    by_both = signed_pdf(signed_pdf(plain_pdf(), STRANGER), LAB, field="Signature2")
    report = judged(vetter, by_both, [LAB.pem], now)
    assert (report.state, report.signer) == ("valid", "T. Manager, Sample Test Laboratory")
    assert judged(vetter, by_both, [], now).state == "untrusted"


def test_a_document_that_a_stranger_signed_after_the_lab_is_not_valid(
    vetter: PdfVetter, now: datetime
) -> None:
    twice = signed_pdf(signed_pdf(plain_pdf(), LAB), STRANGER, field="Signature2")
    report = judged(vetter, twice, [LAB.pem], now)
    assert (report.state, report.signer) == ("untrusted", "T. Manager, Somebody Else")
    assert judged(vetter, twice, [LAB.pem, STRANGER.pem], now).state == "valid"


def test_a_signer_whose_certificate_has_ended_is_its_own_state_only_under_a_trusted_root(
    vetter: PdfVetter, now: datetime
) -> None:
    ended = authority("Old Laboratory", signer_ended=True)
    report = judged(vetter, signed_pdf(plain_pdf(), ended), [ended.pem], now)
    assert report.state == "expired"
    assert report.detail == ("The signer's certificate ended on 2026-11-21; its root is trusted.")
    assert judged(vetter, signed_pdf(plain_pdf(), ended), [LAB.pem], now).state == "untrusted"


@pytest.mark.parametrize(
    ("name", "without_root", "with_root"),
    [
        ("baccarat.pdf", "none", "none"),
        ("live-tampered.pdf", "invalid", "invalid"),
        ("platform.pdf", "untrusted", "valid"),
        ("rng-2025.pdf", "untrusted", "valid"),
        ("slots-a.pdf", "untrusted", "valid"),
        ("slots-b.pdf", "untrusted", "valid"),
        ("slots-c-expired.pdf", "none", "none"),
        ("slots-c-renewal.pdf", "untrusted", "valid"),
        ("tables.pdf", "none", "none"),
    ],
)
def test_the_samples_are_what_they_are(
    vetter: PdfVetter, now: datetime, name: str, without_root: str, with_root: str
) -> None:
    data = (SAMPLES / name).read_bytes()
    root = (SAMPLES / "lab-root.pem").read_text()
    assert judged(vetter, data, [], now).state == without_root
    assert judged(vetter, data, [root], now).state == with_root
