"""The compliance desk: certificates with their standing, scope, proof and history."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any, override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    VersionedAdmin,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
)
from apps.core.counting import counted
from apps.providers.admin.confirmed import confirmed_panel
from apps.providers.admin.left_behind import left_behind_panels
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.admin.scope import (
    LAB_ACTIONS,
    SCOPE_ACTIONS,
    accreditations_panel,
    builds_panel,
    terms_panel,
)
from apps.providers.admin.upload import upload_view
from apps.providers.enums import (
    CertificateKind,
    CertificateResult,
    CertificateState,
    FlagKind,
    SignatureState,
)
from apps.providers.models import Certificate, CertificateFlag, Lab
from apps.providers.selectors.certificates import STANDINGS, filter_standing, with_successor
from apps.providers.selectors.rehearsals import rehearsed_by_reports, rehearsed_certificates
from apps.providers.services.certificates import withdraw_certificate

SIGNATURE_TONES = {
    SignatureState.VALID: "success",
    SignatureState.INVALID: "danger",
    SignatureState.UNTRUSTED: "warning",
    SignatureState.NONE: "neutral",
}
_NEAR_DAYS = 90
_SOON_DAYS = 30


def today() -> date:
    """Return the day that the desk looks at: today in UTC."""
    return timezone.now().astimezone(UTC).date()


class StandingFilter(admin.SimpleListFilter):
    title = "standing today"
    parameter_name = "standing"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, str]]:
        return STANDINGS

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Certificate]
    ) -> QuerySet[Certificate]:
        return filter_standing(queryset, self.value() or "", today())


def _withdraw(call: ActionCall) -> str:
    certificate = withdraw_certificate(
        certificate_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{certificate} is withdrawn. It counts for no day, past or to come."


@admin.register(Certificate)
class CertificateAdmin(PanelsMixin, VersionedAdmin[Certificate]):
    """Adding opens the upload page; nothing else is edited here but by the actions."""

    list_empty_text = "No certificate is registered. Upload a document and confirm what it says."
    list_display = [
        "report",
        "standing",
        badge_column("kind", {}),
        "lab",
        "provider_code",
        "issued_on",
        "expires_on",
        "review_due_on",
        "signature",
    ]
    list_filter = [
        StandingFilter,
        choice_filter("kind", "kind", CertificateKind.choices),
        choice_filter("document__signature_state", "signature", SignatureState.choices),
        choice_filter("state", "state", CertificateState.choices),
        rehearsal_filter(rehearsed_certificates),
    ]
    list_select_related = ["lab", "document"]
    search_fields = ["report_number__exact", "provider_code__exact", "document__sha256__exact"]
    search_help_text = "Report number, provider code or SHA-256 of the document, exactly"
    ordering = ["report_number", "-revision", "pk"]
    fieldsets = [
        (
            "Report",
            {"fields": ["report_number", "revision", "lab", "kind", "provider_code", "result"]},
        ),
        (
            "Validity",
            {
                "description": "Valid through the expiry day. An overdue review is flagged and "
                "still covers.",
                "fields": ["standing", "issued_on", "effective_on", "expires_on", "review_due_on"],
            },
        ),
    ]
    reasoned_actions = [
        *SCOPE_ACTIONS,
        ReasonedAction(
            name="withdraw",
            label="Registered by mistake",
            permission="providers.withdraw_certificate",
            perform=_withdraw,
            question="The row stays on file and counts for no day: what was played under it was "
            "played without proof, and the revision before it is not superseded by it. Register "
            "the right one anew. A report that the lab took back is recalled instead.",
            tone="danger",
            is_offered=lambda obj, _user: obj.state == CertificateState.REGISTERED,
        ),
    ]

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        return with_successor(super().get_queryset(request), today()).defer("document__text")

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("providers.register_certificate")

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return upload_view(request, self)

    @admin.display(description="report", ordering="report_number")
    def report(self, certificate: Certificate) -> str:
        return str(certificate)

    @admin.display(description="standing today")
    def standing(self, certificate: Certificate) -> SafeString:
        return badge(*standing_of(certificate, today()))

    @admin.display(description="signature", ordering="document__signature_state")
    def signature(self, certificate: Certificate) -> SafeString:
        return signature_badge(certificate.document.signature_state)

    @override
    def panels(self, request: HttpRequest, obj: Certificate) -> Sequence[Panel]:
        return [
            *left_behind_panels(obj),
            _scope_panel(obj),
            builds_panel(obj),
            terms_panel(obj),
            _document_panel(obj),
            confirmed_panel(obj),
            _findings_panel(obj),
            _revisions_panel(obj),
            _flags_panel(obj),
            _history_panel(obj),
        ]


def signature_badge(state: str) -> SafeString:
    known = SignatureState(state)
    return badge(str(known.label), SIGNATURE_TONES[known])


def standing_of(certificate: Certificate, on: date) -> tuple[str, str]:
    """Return the label and tone of what counts most about the certificate on this day."""
    # The annotations of with_successor are not known to the type of the model.
    successor = getattr(certificate, "superseded_by", None)
    is_unaccredited = getattr(certificate, "is_unaccredited", False)
    expires_on, review_due_on = certificate.expires_on, certificate.review_due_on
    invalid_on = certificate.invalidated_on
    rules = (
        (certificate.state == CertificateState.WITHDRAWN, "Withdrawn", "neutral"),
        (
            certificate.document.signature_state == SignatureState.INVALID,
            "Invalid signature",
            "danger",
        ),
        (certificate.result == CertificateResult.DOES_NOT_COMPLY, "Test failed", "danger"),
        (is_unaccredited, "Lab not accredited", "danger"),
        (successor is not None, f"Superseded by rev {successor}", "neutral"),
        (invalid_on is not None and invalid_on <= on, "Ended by a change", "danger"),
        *_recalled(certificate.recalled_on, on),
        (expires_on is not None and expires_on < on, "Expired", "danger"),
        (certificate.effective_on > on, f"From {certificate.effective_on}", "info"),
        *_ending("Expires", expires_on, on),
        *_ending("Review", review_due_on, on),
    )
    return next(((label, tone) for applies, label, tone in rules if applies), ("Valid", "success"))


def _recalled(day: date | None, on: date) -> list[tuple[bool, str, str]]:
    if day is None:
        return []
    return [(day <= on, "Recalled", "danger"), (True, f"Recalled from {day}", "warning")]


def _ending(word: str, day: date | None, on: date) -> list[tuple[bool, str, str]]:
    if day is None:
        return []
    days = (day - on).days
    text = f"{word} today" if days == 0 else f"{word} in {counted(days, 'day')}"
    return [
        (days < 0, f"{word} overdue", "danger"),
        (days <= _SOON_DAYS, text, "danger" if days <= _SOON_DAYS // 2 else "warning"),
        (days <= _NEAR_DAYS, text, "warning"),
    ]


def _scope_panel(obj: Certificate) -> Panel:
    games = "no single games" if obj.all_games else _joined(obj.games.order_by("game_code"))
    rtps = _joined(obj.rtp_variants.order_by("rtp_percent"))
    return Panel(
        title="Scope",
        link=f"{reverse('admin:compliance_certifiedplay_changelist')}?certificate={obj.pk}",
        link_text="The rounds that it covered",
        columns=["What", "Named by the report"],
        rows=[
            ["Jurisdictions", _joined(obj.jurisdictions.order_by("jurisdiction"))],
            ["Standards", _joined(obj.standards.order_by("standard"))],
            ["Games", games],
            ["RTP variants", rtps or "none stated"],
        ],
        note="RNG and platform reports do not cover a game by themselves." if obj.all_games else "",
    )


def _joined(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items)


def _document_panel(obj: Certificate) -> Panel:
    document = obj.document
    return Panel(
        title="Document",
        columns=["Fact", "Value"],
        rows=[
            [
                "File",
                link_cell(
                    reverse("admin:providers_document_change", args=[document.pk]),
                    document.original_name,
                ),
            ],
            ["SHA-256", document.sha256],
            ["Size (bytes)", f"{document.size_bytes:,}"],
            ["Pages", str(document.page_count)],
            ["Signature", signature_badge(document.signature_state)],
            ["What that means", document.signature_detail],
            ["Signer", document.signer or "-"],
            ["Signed at, by the signer's clock", at_cell(document.signed_at)],
            ["Checked at", at_cell(document.signature_checked_at)],
        ],
        link=reverse("admin:providers_document_download", args=[document.pk]),
        link_text="Download",
    )


def _findings_panel(obj: Certificate) -> Panel:
    return Panel(
        title="Register against document",
        columns=["Field", "Finding", "In the register", "In the document"],
        rows=[
            [
                item.field.replace("_", " "),
                item.code.replace("_", " "),
                item.register_value,
                item.document_value,
            ]
            for item in obj.findings.order_by("pk")
        ],
        empty_text="The document says what the register says.",
        tone="warning" if obj.findings.exists() else "",
    )


def _revisions_panel(obj: Certificate) -> Panel:
    others = (
        Certificate.objects.filter(lab=obj.lab, report_number=obj.report_number)
        .exclude(pk=obj.pk)
        .order_by("-revision", "-pk")
    )
    return Panel(
        title="Other revisions",
        columns=["Revision", "Issued", "Valid through", "State"],
        rows=[
            [
                link_cell(
                    reverse("admin:providers_certificate_change", args=[other.pk]), other.revision
                ),
                str(other.issued_on),
                str(other.expires_on or "-"),
                CertificateState(other.state).label,
            ]
            for other in others
        ],
        empty_text="This is the only revision on file.",
    )


def _flags_panel(obj: Certificate) -> Panel:
    return Panel(
        title="Flags",
        columns=["What", "Within (days)", "As of"],
        rows=[
            [
                FlagKind(flag.kind).label,
                "-" if flag.threshold_days is None else str(flag.threshold_days),
                str(flag.flagged_on),
            ]
            for flag in obj.flags.order_by("-flagged_on", "-pk")
        ],
        empty_text="Nothing was flagged. The daily check flags each threshold once.",
    )


def _history_panel(obj: Certificate) -> Panel:
    # simple-history adds this manager to the model without a type.
    versions: Any = vars(type(obj))["history"].__get__(obj, type(obj))
    return Panel(
        title="History",
        columns=["When", "Who", "State", "Why"],
        rows=[
            [
                at_cell(version.history_date),
                str(version.history_user or "Pitboss"),
                CertificateState(version.state).label,
                version.history_change_reason or "-",
            ]
            for version in versions.select_related("history_user").order_by(
                "-history_date", "-history_id"
            )
        ],
    )


@admin.register(CertificateFlag)
class CertificateFlagAdmin(ReadOnlyAdmin[CertificateFlag]):
    list_empty_text = "No certificate ends soon, is overdue for review or was altered."
    list_display = [
        "certificate",
        badge_column("kind", {FlagKind.EXPIRED: "danger", FlagKind.INVALID_SIGNATURE: "danger"}),
        "threshold_days",
        "flagged_on",
        datetime_column("created_at", title="recorded"),
    ]
    list_filter = [
        choice_filter("kind", "kind", FlagKind.choices),
        rehearsal_filter(lambda: rehearsed_certificates("certificate__")),
    ]
    list_select_related = ["certificate"]
    search_fields = ["certificate__report_number__exact"]
    search_help_text = "Report number, exactly"
    ordering = ["-flagged_on", "-pk"]


@admin.register(Lab)
class LabAdmin(PanelsMixin, VersionedAdmin[Lab]):
    fields = [("name", "created_at"), ("contact_name", "contact_email", "contact_phone")]
    list_display = ["name", "contact_email", datetime_column("created_at", title="known since")]
    list_filter = [rehearsal_filter(lambda: rehearsed_by_reports("lab"))]
    search_fields = ["name__exact"]
    search_help_text = "Name, exactly"
    ordering = ["name"]
    reasoned_actions = LAB_ACTIONS

    @override
    def panels(self, request: HttpRequest, obj: Lab) -> Sequence[Panel]:
        return [accreditations_panel(obj, today())]
