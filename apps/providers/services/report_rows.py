"""Write the rows that belong to a new certificate: its scope, its builds and what differs."""

from apps.providers.models import (
    Certificate,
    CertificateFinding,
    CertificateGame,
    CertificateJurisdiction,
    CertificateRtpVariant,
    CertificateStandard,
    CertifiedBuild,
    CriticalFile,
)
from apps.providers.pdf.text import stated_facts
from apps.providers.register.compare import compare
from apps.providers.register.entries import CertificateEntry
from apps.providers.register.technical import channel_of


def write_scope(certificate: Certificate, entry: CertificateEntry) -> None:
    """Write standards, places, games and figures."""
    CertificateStandard.objects.bulk_create(
        CertificateStandard(certificate=certificate, standard=value) for value in entry.standards
    )
    CertificateJurisdiction.objects.bulk_create(
        CertificateJurisdiction(certificate=certificate, jurisdiction=value)
        for value in entry.jurisdictions
    )
    CertificateGame.objects.bulk_create(
        CertificateGame(certificate=certificate, game_code=value) for value in entry.games
    )
    CertificateRtpVariant.objects.bulk_create(
        CertificateRtpVariant(certificate=certificate, rtp_percent=value)
        for value in entry.rtp_variants
    )


def write_builds(certificate: Certificate, entry: CertificateEntry) -> None:
    """Write the builds; the files that a report prints are those of each build it names."""
    named = {(item.game_code, item.build, channel_of(item.channel)) for item in entry.builds}
    builds = CertifiedBuild.objects.bulk_create(
        CertifiedBuild(
            certificate=certificate,
            game_code=game_code,
            build_version=version,
            channel=channel,
            is_from_document=entry.builds_are_read,
            created_at=certificate.created_at,
        )
        for game_code, version, channel in sorted(named)
    )
    CriticalFile.objects.bulk_create(
        CriticalFile(
            build=build,
            path=file.path,
            algorithm=file.algorithm,
            seed=file.seed,
            digest=file.digest,
        )
        for build in builds
        for file in entry.critical_files
    )


def write_findings(certificate: Certificate, entry: CertificateEntry, company: str) -> None:
    """Write what differs from the document; ``company`` is the provider's name on file."""
    text = certificate.document.text
    findings = compare(entry, text, stated_facts(text), company=company)
    CertificateFinding.objects.bulk_create(
        CertificateFinding(
            certificate=certificate,
            code=finding.code,
            field=finding.field,
            register_value=finding.register_value,
            document_value=finding.document_value,
            created_at=certificate.created_at,
        )
        for finding in findings
    )
