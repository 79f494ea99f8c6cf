"""Certificates and overrides of the launch gate, as an auditor draws and exports them."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse

from apps.core.populations import Member, Narrowing, Population, export_file
from apps.providers.models import (
    Certificate,
    CertificateGame,
    CertificateJurisdiction,
    CertifiedBuild,
    GateOverride,
)


def _certificates(narrowing: Narrowing) -> QuerySet[Any]:
    rows = Certificate.objects.filter(
        created_at__gte=narrowing.since, created_at__lt=narrowing.until
    )
    if narrowing.provider_code:
        rows = rows.filter(provider_code=narrowing.provider_code)
    if narrowing.jurisdiction:
        scope = CertificateJurisdiction.objects.filter(jurisdiction=narrowing.jurisdiction)
        rows = rows.filter(pk__in=scope.values("certificate_id"))
    return narrowing.bounded(rows)


def _certificate_members(ids: Sequence[int]) -> dict[int, Member]:
    found = Certificate.objects.filter(pk__in=ids).select_related("lab")
    return {
        one.pk: Member(
            reference=str(one),
            what=f"{one.lab}, {one.get_kind_display()}, {one.provider_code}",
            at=one.created_at,
            link=reverse("admin:providers_certificate_change", args=[one.pk]),
        )
        for one in found
    }


def _overrides(narrowing: Narrowing) -> QuerySet[Any]:
    rows = GateOverride.objects.filter(
        created_at__gte=narrowing.since, created_at__lt=narrowing.until
    )
    if narrowing.provider_code:
        rows = rows.filter(game__provider__code=narrowing.provider_code)
    if narrowing.jurisdiction:
        rows = rows.filter(jurisdiction=narrowing.jurisdiction)
    return narrowing.bounded(rows)


def _override_members(ids: Sequence[int]) -> dict[int, Member]:
    found = GateOverride.objects.filter(pk__in=ids).select_related("game")
    return {
        one.pk: Member(
            reference=f"override {one.pk}",
            what=f"{one.game.game_code} in {one.jurisdiction}",
            at=one.created_at,
            link=reverse("admin:providers_gateoverride_change", args=[one.pk]),
        )
        for one in found
    }


POPULATIONS: Final = (
    Population(
        name="certificates",
        label="Certificates",
        moment="registered",
        permission="providers.view_certificate",
        rows=_certificates,
        members=_certificate_members,
        files=[
            export_file(
                "certificates.csv",
                {
                    "id": "pk",
                    "report": "report_number",
                    "revision": "revision",
                    "lab": "lab__name",
                    "kind": "kind",
                    "provider": "provider_code",
                    "issued_on": "issued_on",
                    "effective_on": "effective_on",
                    "valid_through": "expires_on",
                    "review_due_on": "review_due_on",
                    "result": "result",
                    "state": "state",
                    "invalidated_on": "invalidated_on",
                    "recalled_on": "recalled_on",
                    "conditions": "conditions",
                    "document": "document__original_name",
                    "document_sha256": "document__sha256",
                    "signature": "document__signature_state",
                    "signer": "document__signer",
                    "registered_at": "created_at",
                },
            ),
            export_file(
                "games.csv",
                {
                    "certificate": "certificate_id",
                    "report": "certificate__report_number",
                    "game": "game_code",
                },
                of=lambda members: CertificateGame.objects.filter(certificate__in=members),
            ),
            export_file(
                "jurisdictions.csv",
                {
                    "certificate": "certificate_id",
                    "report": "certificate__report_number",
                    "jurisdiction": "jurisdiction",
                },
                of=lambda members: CertificateJurisdiction.objects.filter(certificate__in=members),
            ),
            export_file(
                "builds.csv",
                {
                    "certificate": "certificate_id",
                    "report": "certificate__report_number",
                    "game": "game_code",
                    "build": "build_version",
                    "channel": "channel",
                    "digest": "digest",
                    "is_from_document": "is_from_document",
                },
                of=lambda members: CertifiedBuild.objects.filter(certificate__in=members),
            ),
        ],
    ),
    Population(
        name="overrides",
        label="Gate overrides",
        moment="given",
        permission="providers.view_gateoverride",
        rows=_overrides,
        members=_override_members,
        files=[
            export_file(
                "overrides.csv",
                {
                    "id": "pk",
                    "game": "game__game_code",
                    "provider": "game__provider__code",
                    "jurisdiction": "jurisdiction",
                    "starts_at": "starts_at",
                    "ends_at": "ends_at",
                    "ended_at": "ended_at",
                    "reason": "reason",
                    "requested_by": "requested_by__username",
                    "approved_by": "approved_by__username",
                    "approval": "approval_id",
                    "given_at": "created_at",
                },
            )
        ],
    ),
)
