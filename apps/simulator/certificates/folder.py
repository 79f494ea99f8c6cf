"""A laboratory's delivery: signed PDFs, a register and the root of trust, in one folder."""

import csv
import io
import shutil
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pikepdf
from asn1crypto import keys, x509
from cryptography import x509 as builder
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from apps.simulator.certificates.reports import NORTH, LabReport, demo_reports, renewed_reports

REGISTER: Final = "register.csv"
ROOT: Final = "lab-root.pem"
MADE_ON: Final = "made-on.txt"
RENEWALS: Final = "renewals.zip"
ROOT_DAYS: Final = 3650
A4: Final = (595, 842)


@dataclass(frozen=True, slots=True)
class LabFolder:
    """A delivery on disk. ``made_on`` is the day its dates are counted from."""

    path: Path
    made_on: date

    @property
    def root(self) -> Path:
        return self.path / ROOT

    @property
    def reports(self) -> list[LabReport]:
        return demo_reports(self.made_on)

    @property
    def renewals(self) -> Path:
        """An archive beside the folder, not imported: what a person uploads to close two gaps."""
        return self.path.with_name(RENEWALS)


def make_lab_folder(path: Path, *, now: datetime) -> LabFolder:
    """Make the folder once; a folder that is there stays byte for byte as it is."""
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _fill(partial, now)
        partial.rename(path)
    return LabFolder(path, date.fromisoformat((path / MADE_ON).read_text().strip()))


def _fill(path: Path, now: datetime) -> None:
    today = now.astimezone(UTC).date()
    lab = _Lab.found(now)
    reports = demo_reports(today)
    for report in reports:
        (path / report.file).write_bytes(_document(report, lab))
    (path / ROOT).write_bytes(lab.root_pem)
    (path / REGISTER).write_text(_register(reports))
    renewed = renewed_reports(today)
    with zipfile.ZipFile(path.with_name(RENEWALS), "w") as archive:
        archive.writestr(REGISTER, _register(renewed))
        for report in renewed:
            archive.writestr(report.file, _document(report, lab))
    (path / MADE_ON).write_text(f"{today}\n")


def _register(reports: list[LabReport]) -> str:
    rows = [report.register_row() for report in reports]
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class _Lab:
    """A laboratory's signer under its own root. The keys live in memory only."""

    root_pem: bytes
    signer: signers.SimpleSigner

    @classmethod
    def found(cls, now: datetime) -> "_Lab":
        root_key = ec.generate_private_key(ec.SECP256R1())
        root_name = _name("North Cape Root")
        root = (
            _certificate(root_name, root_name, root_key.public_key(), now)
            .add_extension(builder.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _certificate(_name("North Cape Test Reports"), root_name, key.public_key(), now)
            .add_extension(builder.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        # Empty: whoever trusts the root has it, so it isn't embedded in the documents.
        chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # it has no annotations
        signer = signers.SimpleSigner(
            signing_cert=_parsed(leaf), signing_key=_private(key), cert_registry=chain
        )
        return cls(root.public_bytes(serialization.Encoding.PEM), signer)


def _document(report: LabReport, lab: _Lab) -> bytes:
    plain = plain_page(report.lines())
    if not report.is_signed:
        return plain
    metadata = signers.PdfSignatureMetadata(field_name="Laboratory", reason="Test report")
    signed = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(plain)), metadata, signer=lab.signer
    ).getvalue()
    if not report.is_altered:
        return bytes(signed)
    # One digit of the issue date, same length: what a forger changes and a reader overlooks.
    stated = f"Date of issue: {report.issued_on}".encode()
    forged = stated[:-1] + (b"1" if stated[-1:] != b"1" else b"2")
    return bytes(signed).replace(stated, forged, 1)


def plain_page(lines: list[str]) -> bytes:
    """Return a one-page PDF with the lines as plain, uncompressed text."""
    content = ["BT", "/F1 10 Tf", "14 TL", f"56 {A4[1] - 72} Td"]
    content += [f"({_escaped(line)}) Tj T*" for line in lines]
    content.append("ET")
    pdf = pikepdf.new()
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type1,
        BaseFont=pikepdf.Name.Courier,
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )
    page = pdf.add_blank_page(page_size=A4)
    page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
    page.obj.Contents = pdf.make_stream("\n".join(content).encode("latin-1"))
    out = io.BytesIO()
    pdf.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _name(common_name: str) -> builder.Name:
    return builder.Name(
        [
            builder.NameAttribute(NameOID.COMMON_NAME, common_name),
            builder.NameAttribute(NameOID.ORGANIZATION_NAME, NORTH),
        ]
    )


def _certificate(
    subject: builder.Name, issuer: builder.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> builder.CertificateBuilder:
    return (
        builder.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(builder.random_serial_number())
        .not_valid_before(now - timedelta(days=ROOT_DAYS))
        .not_valid_after(now + timedelta(days=ROOT_DAYS))
    )


def _usage(*, signs_certificates: bool) -> builder.KeyUsage:
    return builder.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _parsed(certificate: builder.Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _private(key: ec.EllipticCurvePrivateKey) -> keys.PrivateKeyInfo:
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return keys.PrivateKeyInfo.load(der)
