"""Hand a kept document out, on the record."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser

from apps.core.services import record_audit
from apps.providers.models import Document
from apps.providers.selectors.certificates import document_by_id
from apps.providers.services.trust import read_document


def hand_out_document(
    *, document_id: int, acting_user: AbstractBaseUser | None, now: datetime
) -> tuple[Document, bytes]:
    """Return a document and its bytes; who took it goes into the audit chain first.

    Raises:
        UnknownCertificateError: there is no such document.
        DocumentAlteredError: the stored file is not the one that was taken.
    """
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
