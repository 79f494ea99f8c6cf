"""What a careful officer would ask about, beside the flags. Read on the day, stored nowhere."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from django.db.models import Prefetch

from apps.core.percents import display_percent, percent_figure
from apps.providers.contracts import CertificateRemark
from apps.providers.enums import COVERING_KINDS, CertificateState, SignatureState
from apps.providers.models import Certificate, CertificateFinding, Game
from apps.providers.pdf.text import stated_facts
from apps.providers.selectors.coverage import certificates_in_force

_SIGNATURES = {
    SignatureState.NONE: ("not_signed", "The document is not signed: ask the lab to confirm it."),
    SignatureState.UNTRUSTED: (
        "untrusted_signature",
        "Nobody has trusted the root that the signature was issued under.",
    ),
}


def remarks_on(on: date) -> list[CertificateRemark]:
    """Return the remarks on what is in force that day, by report; a fixed number of queries."""
    certificates = list(
        certificates_in_force(on)
        .select_related("lab", "document")
        .prefetch_related("games", "rtp_variants")
        .order_by("report_number", "revision", "pk")
    )
    remarks = [
        *_stored_findings(),
        *_signatures(certificates),
        *_catalogue(certificates),
        *_narrowed(certificates),
        *_accreditations(certificates),
    ]
    return sorted(remarks, key=lambda r: (r.report_number, r.revision or 0, r.code, r.text))


def _stored_findings() -> Iterator[CertificateRemark]:
    findings = CertificateFinding.objects.select_related("certificate").filter(
        certificate__state=CertificateState.REGISTERED
    )
    for finding in findings:
        yield CertificateRemark(
            finding.certificate.report_number,
            finding.certificate.revision,
            finding.code,
            f"{finding.field}: the register says '{finding.register_value}', "
            f"the document '{finding.document_value}'.",
        )


def _signatures(certificates: Iterable[Certificate]) -> Iterator[CertificateRemark]:
    for certificate in certificates:
        found = _SIGNATURES.get(SignatureState(certificate.document.signature_state))
        if found is not None:
            yield _remark(certificate, *found)


def _catalogue(certificates: list[Certificate]) -> Iterator[CertificateRemark]:
    games = {
        (game.provider.code, game.game_code): game
        for game in Game.objects.select_related("provider")
    }
    providers = {provider for provider, _game in games}
    for certificate in certificates:
        if certificate.kind not in COVERING_KINDS or certificate.provider_code not in providers:
            continue
        certified = {variant.rtp_percent for variant in certificate.rtp_variants.all()}
        printed = ", ".join(percent_figure(value) for value in sorted(certified))
        for scope in sorted(certificate.games.all(), key=lambda scope: scope.game_code):
            game = games.get((certificate.provider_code, scope.game_code))
            if game is None:
                text = f"{scope.game_code} is not in the catalogue."
                yield _remark(certificate, "unknown_game", text)
            elif certified and game.theoretical_rtp * 100 not in certified:
                text = (
                    f"{scope.game_code} has a theoretical RTP of "
                    f"{display_percent(game.theoretical_rtp * 100)} in the catalogue; "
                    f"certified: {printed} %."
                )
                yield _remark(certificate, "rtp_not_certified", text)


def _narrowed(certificates: list[Certificate]) -> Iterator[CertificateRemark]:
    """Yield what a revision in force no longer names though its forerunner did."""
    keys = {(item.lab_id, item.report_number): item for item in certificates if item.revision > 0}
    earlier = (
        Certificate.objects.filter(
            report_number__in={number for _lab, number in keys},
            state=CertificateState.REGISTERED,
        )
        .prefetch_related(Prefetch("games"))
        .order_by("-revision")
    )
    seen: set[tuple[int, str]] = set()
    for forerunner in earlier:
        key = (forerunner.lab_id, forerunner.report_number)
        current = keys.get(key)
        if current is None or key in seen or forerunner.revision >= current.revision:
            continue
        seen.add(key)
        now_named = {scope.game_code for scope in current.games.all()}
        dropped = sorted({scope.game_code for scope in forerunner.games.all()} - now_named)
        if dropped:
            text = (
                f"{', '.join(dropped)} was named by revision {forerunner.revision} and is not "
                "named any more."
            )
            yield _remark(current, "scope_narrowed", text)


def _accreditations(certificates: list[Certificate]) -> Iterator[CertificateRemark]:
    """Yield accreditation numbers that the documents of more than one lab print."""
    labs: dict[str, set[str]] = defaultdict(set)
    for certificate in certificates:
        number = stated_facts(certificate.document.text).accreditation
        if number:
            labs[number].add(certificate.lab.name)
    for number, names in sorted(labs.items()):
        if len(names) > 1:
            text = f"Accreditation no. {number} is printed by {' and by '.join(sorted(names))}."
            yield CertificateRemark("", None, "accreditation_shared", text)


def _remark(certificate: Certificate, code: str, text: str) -> CertificateRemark:
    return CertificateRemark(certificate.report_number, certificate.revision, code, text)
