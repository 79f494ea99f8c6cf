"""What the vetting of a PDF answers. Plain data: it crosses a process border as JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_BYTES = 10 * 1024 * 1024


class SignatureVerdict(StrEnum):
    """What the signatures of a document are worth.

    ``UNTRUSTED``: whole and genuine, but no root that an officer trusts stands behind it.
    ``EXPIRED``: a trusted root does, but the signer's own certificate has ended.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not taken; ``code`` is stable, ``reason`` is for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What the signatures of one document prove at the moment they were checked.

    ``signed_at`` is the signer's own claim, not a time stamp by somebody else.
    """

    state: SignatureVerdict
    detail: str = ""
    signer: str = ""
    signed_at: datetime | None = None
    coverage: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands: the page (from 1) and a box in shares of its width and height."""

    field: str
    page: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class VettedPdf:
    """One file's verdict. With any refusal nothing else in it may be used."""

    sha256: str
    size_bytes: int
    refusals: tuple[Refusal, ...] = ()
    page_count: int = 0
    link_count: int = 0
    text: str = ""
    places: tuple[Place, ...] = ()
    signature: SignatureReport = field(
        default_factory=lambda: SignatureReport(SignatureVerdict.NONE)
    )

    @property
    def is_safe(self) -> bool:
        return not self.refusals
