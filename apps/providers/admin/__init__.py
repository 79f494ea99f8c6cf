"""Providers and certificates."""

from apps.providers.admin.batches import UploadBatchAdmin
from apps.providers.admin.certificates import CertificateAdmin, CertificateFlagAdmin, LabAdmin
from apps.providers.admin.documents import DocumentAdmin
from apps.providers.admin.drafts import CertificateDraftAdmin, QuarantinedFileAdmin
from apps.providers.admin.keys import ProviderKeyAdmin
from apps.providers.admin.overrides import GateOverrideAdmin
from apps.providers.admin.policy import ProviderPolicyAdmin
from apps.providers.admin.provider import GameAdmin, ProviderAdmin
from apps.providers.admin.register import (
    DeploymentAdmin,
    GameBuildAdmin,
    SupplierChangeAdmin,
)
from apps.providers.admin.roots import TrustedRootAdmin
from apps.providers.admin.variants import RtpVariantAdmin

__all__ = [
    "CertificateAdmin",
    "CertificateDraftAdmin",
    "CertificateFlagAdmin",
    "DeploymentAdmin",
    "DocumentAdmin",
    "GameAdmin",
    "GameBuildAdmin",
    "GateOverrideAdmin",
    "LabAdmin",
    "ProviderAdmin",
    "ProviderKeyAdmin",
    "ProviderPolicyAdmin",
    "QuarantinedFileAdmin",
    "RtpVariantAdmin",
    "SupplierChangeAdmin",
    "TrustedRootAdmin",
    "UploadBatchAdmin",
]
