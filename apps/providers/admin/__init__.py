"""Providers and certificates."""

from apps.providers.admin.batches import UploadBatchAdmin
from apps.providers.admin.certificates import CertificateAdmin, CertificateFlagAdmin, LabAdmin
from apps.providers.admin.documents import DocumentAdmin, TrustedRootAdmin
from apps.providers.admin.drafts import CertificateDraftAdmin, QuarantinedFileAdmin
from apps.providers.admin.keys import ProviderKeyAdmin
from apps.providers.admin.policy import ProviderPolicyAdmin
from apps.providers.admin.provider import GameAdmin, ProviderAdmin

__all__ = [
    "CertificateAdmin",
    "CertificateDraftAdmin",
    "CertificateFlagAdmin",
    "DocumentAdmin",
    "GameAdmin",
    "LabAdmin",
    "ProviderAdmin",
    "ProviderKeyAdmin",
    "ProviderPolicyAdmin",
    "QuarantinedFileAdmin",
    "TrustedRootAdmin",
    "UploadBatchAdmin",
]
