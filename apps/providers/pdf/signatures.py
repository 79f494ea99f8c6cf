"""Check the signatures of a PDF against the roots that an officer trusts, with pyHanko.

Pure and offline: no revocation lists are fetched, so a signer revoked by the lab is only known
once the officer withdraws the root.
"""

import io
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import pem, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    FormUpdatingRule,
    ModificationLevel,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
)
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    PdfSignatureStatus,
    validate_pdf_signature,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from apps.providers.pdf.contracts import SignatureReport, SignatureVerdict

# What the library raises on signatures that are broken or built to break it.
_UNREADABLE = (
    PdfError,
    SignatureValidationError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
)

# What may follow a signature: further signatures and validation data. The library's own policy lets
# the fields of a form be filled in as well, and a filled field can be the report's date.
_SIGNATURES_ONLY = StandardDiffPolicy(
    DEFAULT_DIFF_POLICY.global_rules,
    FormUpdatingRule(
        [
            SigFieldCreationRule(),  # type: ignore[no-untyped-call] # pyHanko leaves it untyped
            SigFieldModificationRule(),
        ]
    ),
)


def check_signatures(data: bytes, trusted_pems: Sequence[str], moment: datetime) -> SignatureReport:
    """Judge all signatures at ``moment``.

    One broken signature makes the document invalid, whoever is trusted; a value filled in after any
    of them breaks it. Otherwise the last signature speaks for the document, since only it covers
    the file as it is handed out: what the signer before it never saw is not told in its name.
    """
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        signatures = list(reader.embedded_regular_signatures)
    except _UNREADABLE:
        return SignatureReport(SignatureVerdict.INVALID, "The signature can't be read.")
    if not signatures:
        return SignatureReport(SignatureVerdict.NONE, "The document is not signed.")

    roots = [load_certificate(text) for text in trusted_pems]
    reports = []
    for index, signature in enumerate(signatures):
        is_last = index == len(signatures) - 1
        reports.append(_judge(signature, roots, moment, is_last=is_last))
    return _combine(reports)


def _status(
    signature: EmbeddedPdfSignature, roots: list[x509.Certificate], moment: datetime
) -> PdfSignatureStatus:
    context = ValidationContext(
        trust_roots=roots, moment=moment, allow_fetching=False, revocation_mode="soft-fail"
    )
    return validate_pdf_signature(
        signature, signer_validation_context=context, diff_policy=_SIGNATURES_ONLY
    )


def load_certificate(text: str) -> x509.Certificate:
    """Load the one certificate of a PEM text.

    Raises:
        ValueError: it is no certificate.
    """
    kind, _headers, der = pem.unarmor(text.encode("ascii", errors="strict"))
    if kind != "CERTIFICATE":
        raise ValueError(kind)
    certificate = x509.Certificate.load(der, strict=True)
    # Touching the parts makes a lazy parser parse them now, not in the middle of a check.
    _ = (certificate.subject.native, certificate.not_valid_after)
    return certificate


def _judge(
    signature: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    moment: datetime,
    *,
    is_last: bool,
) -> SignatureReport:
    try:
        status = _status(signature, roots, moment)
        signer = _signer_name(signature.signer_cert)
        state, detail = _state(status, is_last=is_last)
        if state is SignatureVerdict.UNTRUSTED:
            state, detail = _why_untrusted(signature, roots, moment)
        return SignatureReport(
            state=state,
            detail=detail,
            signer=signer,
            signed_at=status.signer_reported_dt,
            coverage=status.coverage.name.lower() if status.coverage else "",
        )
    except _UNREADABLE as error:
        return SignatureReport(
            SignatureVerdict.INVALID, f"The signature can't be checked ({type(error).__name__})."
        )


def _state(status: PdfSignatureStatus, *, is_last: bool) -> tuple[SignatureVerdict, str]:
    problem = _break(status, is_last=is_last)
    if problem:
        return SignatureVerdict.INVALID, problem
    if status.trusted:
        return SignatureVerdict.VALID, "Whole, and signed under a trusted root."
    return SignatureVerdict.UNTRUSTED, ""


def _break(status: PdfSignatureStatus, *, is_last: bool) -> str:
    if not status.intact:
        return "The document was altered after it was signed."
    if not status.valid:
        return "The signature does not fit the signer's key."
    level = status.modification_level
    # A further signature has the level of a filled form; ``_SIGNATURES_ONLY`` lets no value pass.
    allowed = ModificationLevel.LTA_UPDATES if is_last else ModificationLevel.FORM_FILLING
    if level is None or level > allowed or status.docmdp_ok is False:
        return "The document was changed after it was signed."
    return ""


def _why_untrusted(
    signature: EmbeddedPdfSignature, roots: list[x509.Certificate], moment: datetime
) -> tuple[SignatureVerdict, str]:
    certificate = signature.signer_cert
    ended = certificate.not_valid_after
    if ended < moment and _status(signature, roots, ended).trusted:
        detail = f"The signer's certificate ended on {ended:%Y-%m-%d}; its root is trusted."
        return SignatureVerdict.EXPIRED, detail
    issuer = certificate.issuer.native.get("common_name") or certificate.issuer.human_friendly
    detail = f"Whole, but issued by '{issuer}', which is not a trusted root of this lab."
    return SignatureVerdict.UNTRUSTED, detail


def _signer_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.native
    parts = [names.get("common_name"), names.get("organization_name")]
    return ", ".join(str(part) for part in parts if part)[:255]


def _combine(reports: list[SignatureReport]) -> SignatureReport:
    broken = (report for report in reports if report.state is SignatureVerdict.INVALID)
    return next(broken, reports[-1])
