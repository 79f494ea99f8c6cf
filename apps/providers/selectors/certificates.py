"""How certificates, documents and roots are read."""

from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Subquery

from apps.providers.contracts import CertificateStanding
from apps.providers.enums import CertificateState, IntegrityState, RootState, SignatureState
from apps.providers.errors import UnknownCertificateError
from apps.providers.models import Certificate, Document, Lab, Provider, TrustedRoot
from apps.providers.selectors.accreditations import issued_unaccredited
from apps.providers.selectors.coverage import certificates_in_force, later_revisions
from apps.providers.selectors.rehearsals import rehearsed_certificates


def lab_by_name(name: str) -> Lab | None:
    return Lab.objects.filter(name__iexact=name).first()


def provider_name(code: str) -> str:
    """Return the name on file of the provider with this code; the code itself if there is none."""
    names = Provider.objects.filter(code=code).values_list("name", flat=True)
    return names.first() or code


def certificate_of(lab: Lab, report_number: str, revision: int) -> Certificate | None:
    """Return the row that stands for the revision; one registered by mistake does not."""
    rows = _rows_of(lab, report_number, revision)
    return rows.exclude(state=CertificateState.WITHDRAWN).first()


def withdrawn_rows_of(lab: Lab, report_number: str, revision: int) -> list[Certificate]:
    """Return the rows of the revision that were withdrawn, the newest first."""
    rows = _rows_of(lab, report_number, revision).filter(state=CertificateState.WITHDRAWN)
    return list(rows.order_by("-pk"))


def _rows_of(lab: Lab, report_number: str, revision: int) -> QuerySet[Certificate]:
    return Certificate.objects.select_related("document", "lab").filter(
        lab=lab, report_number=report_number, revision=revision
    )


def certificate_by_id(certificate_id: int) -> Certificate:
    """Return one certificate with its lab and document.

    Raises:
        UnknownCertificateError
    """
    certificate = (
        Certificate.objects.select_related("document", "lab").filter(pk=certificate_id).first()
    )
    if certificate is None:
        raise UnknownCertificateError(certificate_id)
    return certificate


def document_by_id(document_id: int) -> Document:
    """Return one document.

    Raises:
        UnknownCertificateError
    """
    document = Document.objects.filter(pk=document_id).first()
    if document is None:
        raise UnknownCertificateError(document_id)
    return document


def lab_of_document(document: Document) -> Lab | None:
    """Return the laboratory whose certificate the document proves; None while it is a draft."""
    return Lab.objects.filter(certificates__document=document).order_by("pk").first()


class RootsInForce(NamedTuple):
    """The roots trusted for a lab, and at least how many decisions they come after."""

    decisions: int
    pems: list[str]


def roots_in_force(lab: Lab | None) -> RootsInForce:
    """Return the roots that an officer trusts for this lab; none for a lab not seen before."""
    if lab is None:
        return RootsInForce(0, [])
    # The number first: a decision that commits in between leaves it too low, which is judged again.
    decisions = Lab.objects.values_list("root_decisions", flat=True).get(pk=lab.pk)
    roots = TrustedRoot.objects.filter(lab=lab, state=RootState.TRUSTED).order_by("pk")
    return RootsInForce(decisions, list(roots.values_list("pem", flat=True)))


def proposed_roots(*, limit: int) -> list[TrustedRoot]:
    """Return the roots that count for nothing yet, the oldest first."""
    roots = TrustedRoot.objects.filter(state=RootState.PROPOSED).select_related("lab")
    return list(roots.order_by("created_at", "pk")[:limit])


def trusted_roots(fingerprint: str) -> list[TrustedRoot]:
    """Return the trusted roots with this fingerprint, one for each lab that it vouches for."""
    roots = TrustedRoot.objects.filter(fingerprint=fingerprint, state=RootState.TRUSTED)
    return list(roots.select_related("lab").order_by("pk"))


def labs_to_judge_again() -> list[int]:
    """Return the labs with a document that was judged before a root of theirs was decided on."""
    return sorted(_judged_too_early().values_list("lab_id", flat=True).distinct())


def documents_to_judge_again(lab_id: int) -> QuerySet[Document]:
    due = _judged_too_early().filter(lab_id=lab_id)
    return Document.objects.filter(pk__in=due.values("document_id")).order_by("pk")


def _judged_too_early() -> QuerySet[Certificate]:
    # A damaged document proves nothing under any root; it is judged anew once it is whole again.
    return Certificate.objects.filter(
        Q(document__judged_after_decisions__isnull=True)
        | Q(document__judged_after_decisions__lt=F("lab__root_decisions")),
        document__integrity_state=IntegrityState.INTACT,
    )


def standings_on(on: date) -> list[CertificateStanding]:
    """Return every registered certificate with its successor in effect on that day, if any.

    What the acceptance kit registers for its own games covers nobody, so nobody looks after it.
    """
    successor = later_revisions(on).order_by("-revision").values("revision")[:1]
    certificates = (
        Certificate.objects.filter(state=CertificateState.REGISTERED)
        .exclude(rehearsed_certificates())
        .annotate(
            superseded_by=Subquery(successor),
            lab_name=F("lab__name"),
            signature_state=F("document__signature_state"),
            signature_detail=F("document__signature_detail"),
        )
        .order_by("report_number", "revision", "pk")
        .values_list(
            "pk",
            "lab_name",
            "report_number",
            "revision",
            "kind",
            "effective_on",
            "expires_on",
            "review_due_on",
            "superseded_by",
            "signature_state",
            "signature_detail",
            "invalidated_on",
            "recalled_on",
        )
    )
    return [CertificateStanding(*row) for row in certificates]


STANDINGS = (
    ("in_force", "In force"),
    ("ending", "Ended, ending or due within 90 days"),
    ("expiring", "Expiring within 90 days"),
    ("expired", "Expired"),
    ("review_due", "Review due within 90 days"),
    ("superseded", "Superseded"),
    ("invalid_signature", "Invalid signature"),
)


def with_successor(
    certificates: QuerySet[Certificate], on: date
) -> QuerySet[Certificate, Certificate]:
    """Add what decides about a standing on that day beside the certificate's own columns.

    ``superseded_by`` is the highest later revision in effect, or None; ``is_unaccredited`` says
    that the report was issued after its lab's accreditation had ended.
    """
    successor = later_revisions(on).order_by("-revision").values("revision")[:1]
    return certificates.annotate(
        superseded_by=Subquery(successor),
        is_unaccredited=ExpressionWrapper(issued_unaccredited(), BooleanField()),
    )


def filter_standing(
    certificates: QuerySet[Certificate], standing: str, on: date
) -> QuerySet[Certificate]:
    """Keep the certificates of one standing (``STANDINGS``); any other word keeps all.

    ``certificates`` comes from ``with_successor``.
    """
    soon = on + timedelta(days=90)
    registered = Q(state=CertificateState.REGISTERED)
    current = registered & Q(superseded_by__isnull=True)
    conditions = {
        "in_force": Q(pk__in=certificates_in_force(on).values("pk")),
        "ending": current
        & Q(effective_on__lte=on)
        & (
            Q(expires_on__lte=soon)
            | Q(review_due_on__lte=soon)
            | Q(invalidated_on__lte=soon)
            | Q(recalled_on__lte=soon)
        ),
        "expiring": current & Q(expires_on__gte=on, expires_on__lte=soon),
        "expired": registered & Q(expires_on__lt=on),
        "review_due": current
        & Q(review_due_on__lte=soon)
        & (Q(expires_on__isnull=True) | Q(expires_on__gte=on)),
        "superseded": registered & Q(superseded_by__isnull=False),
        "invalid_signature": registered & Q(document__signature_state=SignatureState.INVALID),
    }
    return certificates.filter(conditions.get(standing, Q()))
