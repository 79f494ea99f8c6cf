from apps.providers.models.builds import Deployment, GameBuild, RtpVariant, SupplierChange
from apps.providers.models.certificates import (
    Certificate,
    Document,
    Lab,
    LabAccreditation,
    TrustedRoot,
)
from apps.providers.models.override import OVERRIDE_LIMIT, GateOverride
from apps.providers.models.policy import ProviderPolicy
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

__all__ = [
    "OVERRIDE_LIMIT",
    "Certificate",
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
    "Game",
    "GameBuild",
    "GameOffer",
    "GateOverride",
    "Lab",
    "LabAccreditation",
    "Provider",
    "ProviderKey",
    "ProviderPolicy",
    "RtpVariant",
    "SupplierChange",
    "TrustedRoot",
]
