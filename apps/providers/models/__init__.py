from apps.providers.models.builds import Deployment, GameBuild, RtpVariant, SupplierChange
from apps.providers.models.certificates import (
    Certificate,
    Document,
    Lab,
    LabAccreditation,
    TrustedRoot,
)
from apps.providers.models.drafts import (
    NOT_SCANNED,
    BatchLine,
    CertificateDraft,
    DraftField,
    QuarantinedFile,
    UploadBatch,
)
from apps.providers.models.override import OVERRIDE_LIMIT, GateOverride
from apps.providers.models.policy import IdScopes, ProviderPolicy
from apps.providers.models.provider import Game, GameOffer, Provider, ProviderKey
from apps.providers.models.scope import (
    CertificateFinding,
    CertificateFlag,
    CertificateGame,
    CertificateJurisdiction,
    CertificateRtpVariant,
    CertificateStandard,
    CertifiedBuild,
    CriticalFile,
)
from apps.providers.models.withdrawal import OfferWithdrawal

__all__ = [
    "NOT_SCANNED",
    "OVERRIDE_LIMIT",
    "BatchLine",
    "Certificate",
    "CertificateDraft",
    "CertificateFinding",
    "CertificateFlag",
    "CertificateGame",
    "CertificateJurisdiction",
    "CertificateRtpVariant",
    "CertificateStandard",
    "CertifiedBuild",
    "CriticalFile",
    "Deployment",
    "Document",
    "DraftField",
    "Game",
    "GameBuild",
    "GameOffer",
    "GateOverride",
    "IdScopes",
    "Lab",
    "LabAccreditation",
    "OfferWithdrawal",
    "Provider",
    "ProviderKey",
    "ProviderPolicy",
    "QuarantinedFile",
    "RtpVariant",
    "SupplierChange",
    "TrustedRoot",
    "UploadBatch",
]
