"""What is known about a draft beyond its document: which lab is meant, what is on file already."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Count
from rapidfuzz import fuzz, utils

from apps.core.percents import percent_figure
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.errors import RehearsalPlaceError
from apps.providers.enums import CertificateState, DraftState, SignatureState
from apps.providers.errors import UnknownCertificateError
from apps.providers.models import (
    NOT_SCANNED,
    Certificate,
    CertificateDraft,
    Document,
    Game,
    Lab,
    Provider,
    QuarantinedFile,
    UploadBatch,
)
from apps.providers.register.reading import FIELDS, LIST_FIELDS
from apps.providers.selectors.coverage import certificates_in_force

ALIKE_PERCENT = 80
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A known name that may be the one meant; ``percent`` is how alike they are."""

    value: str
    percent: int


@dataclass(frozen=True, slots=True)
class DraftRemark:
    """Something to look at before registering; ``tone`` is danger, warning, info or success.

    ``certificate_id`` is the one that it is about, if it is about one.
    """

    code: str
    tone: str
    text: str
    certificate_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a revision and the one before it."""

    name: str
    before: str
    after: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def draft_by_id(draft_id: int) -> CertificateDraft:
    """Return one draft with its document.

    Raises:
        UnknownCertificateError
    """
    draft = (
        CertificateDraft.objects.select_related("document", "certificate", "uploaded_by")
        .filter(pk=draft_id)
        .first()
    )
    if draft is None:
        raise UnknownCertificateError(draft_id)
    return draft


def open_draft_of(sha256: str) -> CertificateDraft | None:
    return (
        CertificateDraft.objects.select_related("document")
        .filter(document__sha256=sha256, state=DraftState.OPEN)
        .first()
    )


def next_open_draft() -> int | None:
    """Return the draft that has waited longest."""
    waiting = CertificateDraft.objects.filter(state=DraftState.OPEN).order_by("pk")
    return waiting.values_list("pk", flat=True).first()


def open_draft_count() -> int:
    return CertificateDraft.objects.filter(state=DraftState.OPEN).count()


def quarantined_by_id(file_id: int) -> QuarantinedFile:
    """Return one quarantined file.

    Raises:
        UnknownCertificateError
    """
    file = QuarantinedFile.objects.filter(pk=file_id).first()
    if file is None:
        raise UnknownCertificateError(file_id)
    return file


def waiting_for_scanner() -> list[int]:
    """Return the files that only the scanner's silence keeps apart, the oldest first."""
    files = QuarantinedFile.objects.filter(codes=[NOT_SCANNED], released_at__isnull=True)
    return list(files.order_by("pk").values_list("pk", flat=True))


def batch_by_id(batch_id: int) -> UploadBatch:
    """Return one bulk upload.

    Raises:
        UnknownCertificateError
    """
    batch = UploadBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise UnknownCertificateError(batch_id)
    return batch


def lab_proposals(text: str) -> list[Proposal]:
    """Return the known laboratories that ``text`` may mean, the most alike first."""
    names = Lab.objects.order_by("name").values_list("name", flat=True)
    return _alike(text, ((name, name) for name in names))


def provider_proposals(supplier: str, games: Iterable[str]) -> list[Proposal]:
    """Return the providers a report may be about: whose games it names, then whose name it is."""
    owners = (
        Game.objects.filter(game_code__in=list(games)[:500])
        .values("provider__code")
        .annotate(count=Count("pk"))
        .order_by("-count", "provider__code")
        .values_list("provider__code", flat=True)
    )
    known = Provider.objects.order_by("code").values_list("code", "name")
    by_name = _alike(supplier, [(code, name) for code, name in known])
    by_code = _alike(supplier.partition(" ")[0], [(code, code) for code, _name in known])
    found = {code: Proposal(code, 100) for code in owners}
    for proposal in (*by_name, *by_code):
        found.setdefault(proposal.value, proposal)
    return list(found.values())


def _alike(text: str, known: Iterable[tuple[str, str]]) -> list[Proposal]:
    proposals = [
        Proposal(value, round(fuzz.token_sort_ratio(text, name, processor=utils.default_process)))
        for value, name in known
    ]
    close = [proposal for proposal in proposals if proposal.percent >= ALIKE_PERCENT]
    return sorted(close, key=lambda proposal: (-proposal.percent, proposal.value))[:_MAX_NAMED]


def draft_remarks(
    document: Document, values: Mapping[str, str], on: date, *, but: int | None = None
) -> list[DraftRemark]:
    """Return what a careful officer would want to know of a draft that says ``values``.

    ``but`` is a certificate that is left out: the one that the draft became.
    """
    return [
        *_signature_remarks(document),
        *_file_remarks(document, values, but),
        *_number_remarks(document, values, but),
        *_catalogue_remarks(values),
        *_place_remarks(values),
        *_overlap_remarks(values, on, but),
        *_date_remarks(values, on),
    ]


def _signature_remarks(document: Document) -> list[DraftRemark]:
    if not document.text.strip():
        text = "The document has no text layer (a scan): read every field from the page."
        return [DraftRemark("no_text", "warning", text)]
    if document.signature_state == SignatureState.INVALID:
        text = f"The signature is broken: {document.signature_detail} It would cover nothing."
        return [DraftRemark("altered", "danger", text)]
    return []


def _file_remarks(
    document: Document, values: Mapping[str, str], but: int | None
) -> list[DraftRemark]:
    twins = document.certificates.exclude(pk=but or 0).select_related("lab").order_by("pk")
    return [
        DraftRemark(
            "duplicate_file",
            "danger" if twin.report_number != values.get("report_number") else "warning",
            f"This very file is on file already, as {twin} of {twin.lab}"
            + (", withdrawn." if twin.state == CertificateState.WITHDRAWN else "."),
            twin.pk,
        )
        for twin in twins[:_MAX_NAMED]
    ]


def _number_remarks(
    document: Document, values: Mapping[str, str], but: int | None
) -> list[DraftRemark]:
    number, revision = values.get("report_number", ""), values.get("revision", "")
    if not number or not revision.isdigit():
        return []
    remarks = []
    on_file = Certificate.objects.exclude(state=CertificateState.WITHDRAWN)
    others = on_file.filter(report_number=number).exclude(pk=but or 0)
    for other in others.select_related("lab").order_by("-revision")[:_MAX_NAMED]:
        is_same_lab = other.lab.name.lower() == values.get("lab", "").lower()
        remarks += _against(other, int(revision), document, is_same_lab=is_same_lab)
    return remarks


def _against(
    other: Certificate, revision: int, document: Document, *, is_same_lab: bool
) -> list[DraftRemark]:
    is_twin = other.revision == revision and other.document_id != document.pk
    rules = (
        (
            not is_same_lab,
            ("number_of_another_lab", "warning"),
            f"{other.lab} has a report with this number too ({other}).",
        ),
        (
            is_twin,
            ("duplicate_number", "danger"),
            f"{other} is on file with another document. A lab changes a report by a revision.",
        ),
        (
            other.revision > revision,
            ("older_revision", "warning"),
            f"A later revision is on file ({other}); this one would be superseded at once.",
        ),
        (
            other.revision < revision - 1,
            ("revision_missing", "info"),
            f"Revision {revision - 1} is not on file; the latest is {other}.",
        ),
    )
    found = next(((name, text) for applies, name, text in rules if applies), None)
    return [DraftRemark(*found[0], found[1], other.pk)] if found else []


def _catalogue_remarks(values: Mapping[str, str]) -> list[DraftRemark]:
    provider, games = values.get("provider", ""), entries(values, "games")
    if not Provider.objects.filter(code=provider).exists():
        text = f"There is no provider '{provider[:40]}'; the certificate would cover no game yet."
        return [DraftRemark("unknown_provider", "warning", text)]
    known = set(
        Game.objects.filter(provider__code=provider, game_code__in=games).values_list(
            "game_code", flat=True
        )
    )
    absent = sorted(games - known - {"*"})
    if not absent:
        return []
    named = ", ".join(absent[:_MAX_NAMED]) + (" ..." if len(absent) > _MAX_NAMED else "")
    text = f"{len(absent)} of {len(games)} games are not in the catalogue: {named}."
    return [DraftRemark("unknown_games", "info", text)]


def _place_remarks(values: Mapping[str, str]) -> list[DraftRemark]:
    if REHEARSAL_JURISDICTION not in entries(values, "jurisdictions"):
        return []
    text = str(RehearsalPlaceError(REHEARSAL_JURISDICTION))
    return [DraftRemark("rehearsal_place", "danger", f"{text} It can't be registered as it says.")]


def _overlap_remarks(values: Mapping[str, str], on: date, but: int | None) -> list[DraftRemark]:
    others = (
        certificates_in_force(on)
        .filter(
            provider_code=values.get("provider", ""),
            kind=values.get("kind", ""),
            games__game_code__in=entries(values, "games"),
            jurisdictions__jurisdiction__in=entries(values, "jurisdictions"),
        )
        .exclude(report_number=values.get("report_number", ""))
        .exclude(pk=but or 0)
        .select_related("lab")
        .distinct()
        .order_by("report_number", "pk")
    )
    return [
        DraftRemark(
            "overlap",
            "info",
            f"{other} of {other.lab} is in force for some of the same games and jurisdictions.",
            other.pk,
        )
        for other in others[:_MAX_NAMED]
    ]


def _date_remarks(values: Mapping[str, str], on: date) -> list[DraftRemark]:
    issued, expires = _day(values.get("issued_on", "")), _day(values.get("expires_on", ""))
    remarks = []
    if issued is not None and issued > on:
        text = f"It is issued on {issued}, which is still to come."
        remarks.append(DraftRemark("issued_in_future", "warning", text))
    if expires is not None and expires < on:
        text = f"It ended on {expires}; it would cover nothing today."
        remarks.append(DraftRemark("ended", "warning", text))
    if expires is None and not values.get("expires_on"):
        text = "It states no end: a review falls due by our own rule."
        remarks.append(DraftRemark("no_end", "info", text))
    return remarks


def previous_revision(values: Mapping[str, str]) -> Certificate | None:
    """Return the highest revision on file below the one that ``values`` name."""
    revision = values.get("revision", "")
    if not revision.isdigit():
        return None
    return (
        Certificate.objects.select_related("lab", "document")
        .exclude(state=CertificateState.WITHDRAWN)
        .filter(
            lab__name__iexact=values.get("lab", ""),
            report_number=values.get("report_number", ""),
            revision__lt=int(revision),
        )
        .order_by("-revision")
        .first()
    )


def changes_since(before: Certificate, values: Mapping[str, str]) -> list[Change]:
    """Return what ``values`` change against an earlier revision, scope by what came and went."""
    labels = {kind.name: kind.label for kind in FIELDS}
    stated = certificate_values(before)
    changes = []
    for name, old in stated.items():
        new = values.get(name, "")
        if name not in LIST_FIELDS:
            if old != new:
                changes.append(Change(labels[name], old, new))
            continue
        olds, news = entries(stated, name), entries(values, name)
        if olds != news:
            added, removed = tuple(sorted(news - olds)), tuple(sorted(olds - news))
            changes.append(Change(labels[name], "", "", added, removed))
    return changes


def certificate_values(certificate: Certificate) -> dict[str, str]:
    """Return a certificate on file as the texts of a register, to compare another with."""
    rtps = (percent_figure(item.rtp_percent) for item in certificate.rtp_variants.all())
    return {
        "kind": certificate.kind,
        "provider": certificate.provider_code,
        "issued_on": str(certificate.issued_on),
        "expires_on": str(certificate.expires_on or ""),
        "result": certificate.result,
        "standards": ";".join(item.standard for item in certificate.standards.all()),
        "jurisdictions": ";".join(item.jurisdiction for item in certificate.jurisdictions.all()),
        "games": "*"
        if certificate.all_games
        else ";".join(item.game_code for item in certificate.games.all()),
        "rtp_variants": ";".join(rtps),
    }


def entries(values: Mapping[str, str], name: str) -> set[str]:
    return {part.strip() for part in values.get(name, "").split(";")} - {""}


def _day(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
