"""Hand a kept document out, on the record, and draw its pages."""

from datetime import datetime
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.signing import BadSignature, TimestampSigner

from apps.core.services import record_audit
from apps.providers.errors import LinkExpiredError
from apps.providers.models import Document
from apps.providers.pdf.page_image import page_png
from apps.providers.selectors.certificates import document_by_id
from apps.providers.selectors.drafts import draft_by_id
from apps.providers.services.store import read_document

LINK_SECONDS: Final = 60


def mint_link(*, document_id: int, acting_user: AbstractBaseUser, now: datetime) -> str:
    """Return a token that lets this person, and nobody else, fetch the document for a minute.

    Raises:
        UnknownCertificateError: there is no such document.
    """
    document = document_by_id(document_id)
    record_audit(
        action="providers.document.link_minted",
        actor=acting_user,
        subject=f"document:{document.pk}",
        details={"sha256": document.sha256, "seconds": LINK_SECONDS},
        now=now,
    )
    return _signer().sign(_claim(document_id, acting_user))


def hand_out_document(
    *, document_id: int, token: str, acting_user: AbstractBaseUser, now: datetime
) -> tuple[Document, bytes]:
    """Return a document and its bytes; who took it goes into the audit chain first.

    Raises:
        LinkExpiredError: the token is older than a minute, another's, or not ours.
        UnknownCertificateError: there is no such document.
        DocumentAlteredError: the stored file is not the one that was taken.
    """
    try:
        claim = _signer().unsign(token, max_age=LINK_SECONDS)
    except BadSignature as error:
        raise LinkExpiredError from error
    if claim != _claim(document_id, acting_user):
        raise LinkExpiredError
    document = document_by_id(document_id)
    data = read_document(document)
    record_audit(
        action="providers.document.downloaded",
        actor=acting_user,
        subject=f"document:{document.pk}",
        details={"sha256": document.sha256},
        now=now,
    )
    return document, data


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="providers.document")


def _claim(document_id: int, user: AbstractBaseUser) -> str:
    return f"{document_id}.{user.pk}"


def draw_page(*, draft_id: int, page: int) -> bytes | None:
    """Return a page of a draft's document as a picture; None where it has no such page.

    Raises:
        UnknownCertificateError, DocumentAlteredError, StoreUnavailableError
    """
    document = draft_by_id(draft_id).document
    if not 1 <= page <= document.page_count:
        return None
    return page_png(read_document(document), page)
