from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from apps.core.history import history_records
from apps.providers.enums import (
    CertificateKind,
    CertificateResult,
    CertificateState,
    IntegrityState,
    RootState,
    SignatureState,
)


class Lab(models.Model):
    """A test laboratory, known by the name that stands on its reports.

    ``root_decisions`` counts how often a root of the laboratory was trusted or withdrawn, in the
    transaction of each decision; a document judged after fewer of them is judged again. It is a
    number and no moment, since no two clocks agree on what came first. ``judging_until`` is the
    lease of the task that does so.
    """

    name = models.CharField(max_length=128, unique=True)
    contact_name = models.CharField(max_length=128, blank=True)
    contact_email = models.EmailField(blank=True)
    contact_phone = models.CharField(max_length=32, blank=True)
    root_decisions = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    judging_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()

    history = history_records(excluded_fields=["root_decisions", "judging_until"])

    class Meta:
        constraints = [
            # As the lookups by name__iexact compare.
            models.UniqueConstraint(Upper("name"), name="providers_lab_is_one_per_name_in_any_case")
        ]

    @override
    def __str__(self) -> str:
        return self.name


class LabAccreditation(models.Model):
    """An accreditation body's word that the lab may test, for a time (ISO/IEC 17025).

    It counts on the day a report was issued: a report does not end with the lab's accreditation,
    but one issued after it had ended proves nothing. ``told_days`` is the nearest threshold before
    its end that the desk was told of, 0 after the end.
    """

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="accreditations")
    body = models.CharField("accreditation body", max_length=128)
    number = models.CharField(max_length=64)
    scope = models.CharField(max_length=255, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField("valid through")
    told_days = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()

    history = history_records(excluded_fields=["told_days"])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lab", "body", "number", "valid_from"],
                name="providers_accreditation_once_per_term",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")),
                name="providers_accreditation_ends_after_it_starts",
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return f"{self.body} {self.number}"


class TrustedRoot(models.Model):
    """A lab's signing authority. Only ``state`` trusted counts, and only for this lab's reports.

    A root that arrives beside the documents proves nothing: whoever forged them could have made
    it. It is kept as proposed until one person has compared its fingerprint with the lab's and
    another agrees; it loses its trust the same way. ``decided_by`` is who agreed to what
    ``requested_by`` asked for. All three are empty where that was said at the command line.
    """

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="roots")
    subject = models.CharField(max_length=255)
    fingerprint = models.CharField("SHA-256 fingerprint", max_length=64)
    pem = models.TextField("certificate (PEM)")
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    state = models.CharField(max_length=16, choices=RootState.choices, default=RootState.PROPOSED)
    source = models.CharField("came from", max_length=255)
    created_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approval = models.OneToOneField(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(blank=True)

    history = history_records()

    class Meta:
        permissions = [("approve_trustedroot", "Can approve whose signatures count")]
        constraints = [
            models.UniqueConstraint(
                fields=["lab", "fingerprint"], name="providers_root_once_per_lab"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RootState.values), name="providers_root_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=RootState.PROPOSED)
                | (Q(decided_at__isnull=False) & ~Q(reason="")),
                name="providers_root_trusted_by_a_decision_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(approval__isnull=True, requested_by__isnull=True)
                | (
                    Q(
                        approval__isnull=False,
                        requested_by__isnull=False,
                        decided_by__isnull=False,
                    )
                    & ~Q(requested_by=F("decided_by"))
                ),
                name="providers_root_agreed_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state=RootState.TRUSTED)
                | Q(decided_by__isnull=True)
                | Q(approval__isnull=False),
                name="providers_root_of_a_person_trusted_under_an_approval",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="certificate_never_changes",
                fields=["lab", "subject", "fingerprint", "pem", "not_before", "not_after"],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"


class Document(models.Model):
    """A PDF that passed the safety gate, kept byte for byte under a key that nobody chose.

    Bytes, hash and key never change. What its signature proves does, when an officer trusts or
    withdraws a root; ``signed_at`` is the signer's own claim. ``judged_after_decisions`` is the
    laboratory's ``root_decisions`` that the signature was judged after: None until the roots of the
    laboratory that it is registered for have judged it.
    """

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    size_bytes = models.PositiveIntegerField("size (bytes)")
    storage_key = models.CharField(max_length=128, unique=True)
    original_name = models.CharField("file name as received", max_length=255)
    page_count = models.PositiveIntegerField()
    link_count = models.PositiveIntegerField()
    text = models.TextField("text layer", blank=True)
    signature_state = models.CharField(max_length=16, choices=SignatureState.choices)
    signature_detail = models.CharField(max_length=255, blank=True)
    signer = models.CharField(max_length=255, blank=True)
    signed_at = models.DateTimeField("signed at, by the signer's clock", null=True, blank=True)
    signature_coverage = models.CharField(max_length=64, blank=True)
    signature_checked_at = models.DateTimeField()
    judged_after_decisions = models.PositiveIntegerField(null=True, blank=True, editable=False)
    integrity_state = models.CharField(
        "in the store",
        max_length=16,
        choices=IntegrityState.choices,
        default=IntegrityState.INTACT,
    )
    integrity_checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="providers_document_carries_its_hash",
            ),
            models.CheckConstraint(
                condition=Q(size_bytes__gt=0), name="providers_document_is_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(signature_state__in=SignatureState.values),
                name="providers_document_signature_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(integrity_state__in=IntegrityState.values),
                name="providers_document_integrity_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(integrity_state=IntegrityState.INTACT)
                | Q(signature_state=SignatureState.INVALID),
                name="providers_document_damaged_proves_nothing",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="content_never_changes",
                fields=["sha256", "size_bytes", "storage_key", "original_name", "created_at"],
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.original_name


class Certificate(models.Model):
    """One revision of a lab's report, as registered; it is proof only with its document.

    There are five ends of validity: ``expires_on`` as stated (valid *through* that day),
    ``review_due_on`` by policy (overdue is flagged but still covers), being superseded by a higher
    revision or by a report that says so, ``invalidated_on`` by a supplier's change, and
    ``recalled_on`` by the lab or an authority (from either day on it covers nothing).
    ``provider_code`` and the codes in the scope are as written by the lab: a report may arrive
    before the game is in the catalogue. A row that was registered with a mistake is withdrawn and
    stays, and the right one of the same revision stands beside it.

    ``is_rehearsal`` is for the acceptance kit's own, which is no proof of anything real. It names
    the rehearsals' jurisdiction and no other; a real report never does
    (``providers_real_report_names_real_places``, see ``CertificateJurisdiction``).
    """

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="certificates")
    report_number = models.CharField(max_length=64)
    revision = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=CertificateKind.choices)
    provider_code = models.CharField("provider", max_length=32)
    issued_on = models.DateField()
    effective_on = models.DateField()
    expires_on = models.DateField("valid through", null=True, blank=True)
    review_due_on = models.DateField(null=True, blank=True)
    result = models.CharField(max_length=16, choices=CertificateResult.choices)
    all_games = models.BooleanField("not bound to single games", default=False)
    signatory = models.CharField("signed for the lab by", max_length=128, blank=True)
    conditions = models.TextField(blank=True)
    supersedes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="superseded_by_reports",
    )
    invalidated_on = models.DateField("covers nothing from", null=True, blank=True)
    invalidated_by = models.ForeignKey(
        "providers.SupplierChange",
        verbose_name="invalidated by change",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invalidated_certificates",
    )
    recalled_on = models.DateField("recalled from", null=True, blank=True)
    state = models.CharField(
        max_length=16, choices=CertificateState.choices, default=CertificateState.REGISTERED
    )
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="certificates")
    is_rehearsal = models.BooleanField(
        "of the acceptance kit", default=False, db_default=False, editable=False
    )
    created_at = models.DateTimeField()

    history = history_records()

    class Meta:
        permissions = [
            ("register_certificate", "Can register certificates and trust lab roots"),
            ("withdraw_certificate", "Can withdraw certificates"),
            ("download_document", "Can download certificate documents"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["lab", "report_number", "revision"],
                condition=~Q(state=CertificateState.WITHDRAWN),
                name="providers_certificate_once_per_revision_but_for_withdrawn",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("issued_on")),
                name="providers_certificate_expires_after_issue",
            ),
            models.CheckConstraint(
                condition=Q(review_due_on__isnull=True) | Q(review_due_on__gt=F("issued_on")),
                name="providers_certificate_reviewed_after_issue",
            ),
            models.CheckConstraint(
                condition=Q(effective_on__gte=F("issued_on")),
                name="providers_certificate_not_effective_before_issue",
            ),
            models.CheckConstraint(
                condition=Q(recalled_on__isnull=True) | Q(recalled_on__gte=F("issued_on")),
                name="providers_certificate_not_recalled_before_issue",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=False) | Q(review_due_on__isnull=False),
                name="providers_certificate_expires_or_is_reviewed",
            ),
            models.CheckConstraint(
                condition=Q(all_games=False)
                | ~Q(kind__in=[CertificateKind.GAME, CertificateKind.LIVE]),
                name="providers_certificate_of_games_names_them",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=CertificateKind.values),
                name="providers_certificate_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(result__in=CertificateResult.values),
                name="providers_certificate_result_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=CertificateState.values),
                name="providers_certificate_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | ~Q(supersedes=F("pk")),
                name="providers_certificate_supersedes_another",
            ),
            models.CheckConstraint(
                condition=Q(invalidated_on__isnull=True, invalidated_by__isnull=True)
                | Q(invalidated_on__isnull=False, invalidated_by__isnull=False),
                name="providers_certificate_invalidated_by_a_change_on_a_day",
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return f"{self.report_number} rev {self.revision}"
