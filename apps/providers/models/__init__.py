from apps.providers.models.certificates import Certificate, Document, Lab, TrustedRoot
from apps.providers.models.policy import ProviderPolicy
from apps.providers.models.provider import Game, GameOffer, Provider, ProviderKey
from apps.providers.models.scope import (
    CertificateFinding,
    CertificateFlag,
    CertificateGame,
    CertificateJurisdiction,
    CertificateRtpVariant,
    CertificateStandard,
)

__all__ = [
    "Certificate",
    "CertificateFinding",
    "CertificateFlag",
    "CertificateGame",
    "CertificateJurisdiction",
    "CertificateRtpVariant",
    "CertificateStandard",
    "Document",
    "Game",
    "GameOffer",
    "Lab",
    "Provider",
    "ProviderKey",
    "ProviderPolicy",
    "TrustedRoot",
]
