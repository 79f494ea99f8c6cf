"""What a register's row leaves open, its document says: the narrower word counts. Pure."""

from apps.providers.enums import CertificateResult
from apps.providers.errors import CertificateEntryError
from apps.providers.pdf.text import StatedFacts
from apps.providers.register.compare import stated_result
from apps.providers.register.entries import CertificateEntry


def require_clear_result(entry: CertificateEntry, facts: StatedFacts) -> None:
    """Refuse a row that says no result where its document's own can't be told for certain.

    Raises:
        CertificateEntryError
    """
    is_unclear = facts.result and stated_result(facts) is CertificateResult.NOT_STATED
    if is_unclear and entry.result is None:
        known = ", ".join(CertificateResult.values)
        raise CertificateEntryError(
            [f"result is '{facts.result[:80]}' in the document; say in the row which of {known}."]
        )
