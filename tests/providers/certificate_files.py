"""PDFs and authorities made for the tests: plain, armed, signed, tampered with."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from pikepdf import Array, Dictionary, Name, String
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from reportlab.pdfgen.canvas import Canvas

SAMPLES = Path(__file__).parent / "data" / "certificates"
SIGNED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def plain_pdf(*lines: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for number, line in enumerate(lines or ("A test report",)):
        canvas.drawString(72, 760 - 16 * number, line)
    canvas.save()
    return buffer.getvalue()


def changed_pdf(change: Callable[[pikepdf.Pdf], None], *, is_compressed: bool = True) -> bytes:
    """Return a plain PDF after ``change``; compressed, so that its objects can't be searched."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain_pdf())) as pdf:
        change(pdf)
        mode = pikepdf.ObjectStreamMode.generate if is_compressed else None
        if mode is None:
            pdf.save(buffer)
        else:
            pdf.save(buffer, object_stream_mode=mode)
    return buffer.getvalue()


def annotated(**annotation: Any) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        entry = Dictionary(
            Type=Name.Annot,
            Rect=Array([0, 0, 10, 10]),
            **annotation,
        )
        pdf.pages[0].obj.Annots = pdf.make_indirect(Array([pdf.make_indirect(entry)]))

    return change


def linked(url: str) -> Callable[[pikepdf.Pdf], None]:
    return annotated(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String(url)))


def acting(**action: Any) -> Callable[[pikepdf.Pdf], None]:
    made = Dictionary(**action)
    return annotated(Subtype=Name.Link, A=made)


@dataclass(frozen=True)
class Authority:
    """A lab's root with one signer under it."""

    pem: str
    signer: signers.SimpleSigner


@cache
def authority(organisation: str, *, signer_ended: bool = False) -> Authority:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    end = datetime(2026, 11, 21, tzinfo=UTC) if signer_ended else start + timedelta(days=3650)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name("Root", organisation)
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(_name("T. Manager", organisation))
        .issuer_name(root_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_usage(), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    bundle = pkcs12.serialize_key_and_certificates(
        b"signer", key, leaf, [root], serialization.NoEncryption()
    )
    signer = signers.SimpleSigner.load_pkcs12_data(bundle, other_certs=[])
    assert signer is not None
    return Authority(root.public_bytes(serialization.Encoding.PEM).decode(), signer)


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
        ]
    )


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def signed_pdf(data: bytes, by: Authority, *, field: str = "Signature1") -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    out: io.BytesIO = signers.sign_pdf(
        writer, signers.PdfSignatureMetadata(field_name=field), signer=by.signer
    )
    return out.getvalue()


def form_pdf(value: str) -> bytes:
    """Return a report whose day of expiry stands in a field of a form."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(plain_pdf("Test report", "Valid until:"))) as pdf:
        shown = b"BT /F1 12 Tf (%s) Tj ET" % value.encode()
        look = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 120, 18]))
        field = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Tx,
                T=String("valid"),
                V=String(value),
                Rect=Array([150, 735, 270, 753]),
                AP=Dictionary(N=pdf.make_indirect(pikepdf.Stream(pdf, shown, look))),
                F=4,
            )
        )
        pdf.pages[0].obj.Annots = pdf.make_indirect(Array([field]))
        fields = pdf.make_indirect(Array([field]))
        pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=fields))
        pdf.save(buffer)
    return buffer.getvalue()


def filled_after_signing(data: bytes, value: str) -> bytes:
    """Append a revision that gives the field of ``form_pdf`` another value and look."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    other = IncrementalPdfFileWriter(io.BytesIO(form_pdf(value)))
    field, filled = (each.root["/AcroForm"]["/Fields"][0] for each in (writer, other))
    field["/V"] = writer.import_object(filled["/V"])
    field["/AP"]["/N"] = writer.add_object(writer.import_object(filled["/AP"]["/N"]))
    writer.update_container(field)
    buffer = io.BytesIO()
    writer.write(buffer)  # type: ignore[no-untyped-call] # pyHanko types all but this
    return buffer.getvalue()


def redrawn_after_signing(data: bytes, text: str) -> bytes:
    """Append a revision that shows another first page; every signed byte stays as it was."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    other = IncrementalPdfFileWriter(io.BytesIO(plain_pdf(text)))
    page = writer.root["/Pages"]["/Kids"][0]
    drawn = other.root["/Pages"]["/Kids"][0]["/Contents"]
    page["/Contents"] = writer.add_object(writer.import_object(drawn))
    writer.update_container(page)
    buffer = io.BytesIO()
    writer.write(buffer)  # type: ignore[no-untyped-call] # pyHanko types all but this
    return buffer.getvalue()


def sample_games() -> list[dict[str, str]]:
    """Return the rows of the sample catalogue that the sample certificates are about."""
    with (SAMPLES.parent / "certificates-games.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))
