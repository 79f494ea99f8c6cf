"""Documents on their way to a certificate, and files that are kept apart."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.core.triggers import append_only
from apps.providers.enums import BatchState, Door, DraftState, LineOutcome
from apps.providers.models.certificates import Certificate, Document

NOT_SCANNED = "scanner_unavailable"


class UploadBatch(models.Model):
    """A register with an archive of documents, uploaded together and taken in behind the scenes."""

    state = models.CharField(max_length=16, choices=BatchState.choices, default=BatchState.WAITING)
    register_key = models.CharField(max_length=128, blank=True)
    archive_key = models.CharField(max_length=128)
    register_name = models.CharField("spreadsheet", max_length=255, blank=True)
    archive_name = models.CharField("archive", max_length=255)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refusal = models.TextField("refused because", blank=True)
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then one worker takes it in; the others leave it."
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = "bulk upload"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=BatchState.values), name="providers_batch_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("total")), name="providers_batch_done_within_total"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Bulk upload {self.pk}"


class CertificateDraft(models.Model):
    """A document that passed the gate and waits for a person to confirm what it says.

    It proves nothing and covers nothing. Registering it makes the certificate; until then, and
    for ever if it is discarded, it is only a reading.
    """

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="drafts")
    state = models.CharField(max_length=16, choices=DraftState.choices, default=DraftState.OPEN)
    door = models.CharField("came by", max_length=16, choices=Door.choices)
    client_name = models.CharField("API client", max_length=128, blank=True)
    file_name = models.CharField("file name as received", max_length=255)
    batch = models.ForeignKey(
        UploadBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="drafts"
    )
    certificate = models.OneToOneField(
        Certificate, on_delete=models.PROTECT, null=True, blank=True, related_name="draft"
    )
    created_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
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
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "draft"
        permissions = [("review_certificatedraft", "Can confirm, register and discard drafts")]
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(state=DraftState.OPEN),
                name="providers_draft_open_once_per_document",
            ),
            models.CheckConstraint(
                condition=Q(state__in=DraftState.values), name="providers_draft_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=DraftState.REGISTERED, certificate__isnull=False)
                | (~Q(state=DraftState.REGISTERED) & Q(certificate__isnull=True)),
                name="providers_draft_registered_with_its_certificate",
            ),
            models.CheckConstraint(
                condition=Q(state=DraftState.OPEN, decided_at__isnull=True)
                | (
                    ~Q(state=DraftState.OPEN)
                    & Q(decided_at__isnull=False, decided_by__isnull=False)
                    & ~Q(reason="")
                ),
                name="providers_draft_decided_by_a_person_with_a_reason",
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return f"Draft {self.pk}: {self.file_name}"


class DraftField(models.Model):
    """One thing a certificate says: as read from the document, as given, and as a person confirmed.

    ``page`` and the box (shares of the page) say where it stands; empty where it was not found.
    """

    draft = models.ForeignKey(CertificateDraft, on_delete=models.PROTECT, related_name="fields")
    name = models.CharField(max_length=32)
    extracted_value = models.TextField("read from the document", blank=True)
    given_value = models.TextField("in the spreadsheet", blank=True)
    page = models.PositiveSmallIntegerField(null=True, blank=True)
    box = models.JSONField(null=True, blank=True)
    confirmed_value = models.TextField(blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    history = history_records()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "name"], name="providers_field_once_per_draft"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="providers_field_confirmed_by_a_person",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="reading_never_changes",
                fields=["draft", "name", "extracted_value", "given_value", "page", "box"],
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name


class BatchLine(models.Model):
    """What became of one file or row of a bulk upload; line 0 is a file that no row names."""

    batch = models.ForeignKey(UploadBatch, on_delete=models.PROTECT, related_name="lines")
    line = models.PositiveIntegerField()
    file_name = models.CharField(max_length=255)
    outcome = models.CharField(max_length=16, choices=LineOutcome.choices)
    codes = models.JSONField(default=list, blank=True)
    reason = models.TextField(blank=True)
    draft = models.ForeignKey(
        CertificateDraft, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "line", "file_name"], name="providers_batchline_once_per_file"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=LineOutcome.values),
                name="providers_batchline_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=[LineOutcome.REFUSED, LineOutcome.PROPOSED], draft__isnull=True
                )
                | Q(outcome__in=[LineOutcome.DRAFTED, LineOutcome.KNOWN], draft__isnull=False),
                name="providers_batchline_document_has_its_draft",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.line}: {self.file_name}"


class QuarantinedFile(models.Model):
    """A file that was refused, or that no scanner has judged yet. It is never handed out or shown.

    Kept so that somebody can say later what was sent, by whom and why it was not taken.
    """

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    size_bytes = models.PositiveIntegerField("size (bytes)")
    storage_key = models.CharField(max_length=128, unique=True)
    original_name = models.CharField("file name as received", max_length=255)
    door = models.CharField("came by", max_length=16, choices=Door.choices)
    codes = models.JSONField("refusal codes")
    reasons = models.TextField("refused because")
    times_seen = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField("first seen")
    last_seen_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    client_name = models.CharField("API client", max_length=128, blank=True)

    class Meta:
        verbose_name = "quarantined file"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="providers_quarantine_carries_its_hash",
            ),
            models.CheckConstraint(condition=~Q(reasons=""), name="providers_quarantine_says_why"),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return self.original_name

    @property
    def is_waiting_for_scanner(self) -> bool:
        """Tell whether only the scanner's silence keeps the file here."""
        return self.released_at is None and self.codes == [NOT_SCANNED]
