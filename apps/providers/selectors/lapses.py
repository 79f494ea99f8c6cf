"""What ends and was flagged for it, and how reports are named."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.providers.enums import END_OF_FLAG, CertificateState, EndKind
from apps.providers.models import Certificate, CertificateFlag
from apps.providers.selectors.rehearsals import rehearsed_certificates


class End(NamedTuple):
    """One end of a certificate: which, and the day of it."""

    certificate_id: int
    kind: str
    on: date


@dataclass(frozen=True, slots=True)
class Lapse:
    """The newest flag about one end of a registered certificate."""

    flag_id: int
    certificate_id: int
    provider_code: str
    kind: str
    threshold_days: int | None
    ends_on: date

    @property
    def end(self) -> End:
        return End(self.certificate_id, END_OF_FLAG[self.kind], self.ends_on)


def flagged_lapses() -> list[Lapse]:
    """Return what was flagged as ending; one per certificate and end, by flag.

    An older flag of the same end is left out: who hears of 30 days need not hear of 90. So is one
    of a day that was moved since, as a review's is.
    """
    newest = (
        CertificateFlag.objects.filter(
            kind__in=list(END_OF_FLAG), certificate__state=CertificateState.REGISTERED
        )
        .order_by("certificate_id", "kind", "-pk")
        .distinct("certificate_id", "kind")
        .values_list(
            "pk",
            "certificate_id",
            "certificate__provider_code",
            "kind",
            "threshold_days",
            "ends_on",
            "certificate__expires_on",
            "certificate__review_due_on",
            "certificate__invalidated_on",
            "certificate__recalled_on",
        )
    )
    lapses = [
        Lapse(*row[:5], ends_on=day)
        for row in newest
        if (day := row[5]) is not None and day in row[6:]
    ]
    return sorted(lapses, key=lambda lapse: lapse.flag_id)


def next_end_of(certificate: Certificate) -> End:
    """Return the first end at which the certificate asks for something.

    The table refuses a certificate without expiry and review.
    """
    days = (
        (EndKind.EXPIRY, certificate.expires_on),
        (EndKind.REVIEW, certificate.review_due_on),
        (EndKind.INVALIDATION, certificate.invalidated_on),
        (EndKind.RECALL, certificate.recalled_on),
    )
    ends = [End(certificate.pk, kind, day) for kind, day in days if day is not None]
    return min(ends, key=lambda end: end.on)


def games_named_by(certificate_ids: Iterable[int]) -> dict[int, set[str]]:
    """Return the codes of the games that each certificate names."""
    named: dict[int, set[str]] = {pk: set() for pk in certificate_ids}
    rows = Certificate.objects.filter(pk__in=list(named), games__isnull=False).values_list(
        "pk", F("games__game_code")
    )
    for pk, code in rows:
        named[pk].add(code)
    return named


def certificate_choices() -> list[tuple[str, str]]:
    """Return the newest registered revision of each report for a form, by provider.

    What the acceptance kit registers for its own games covers nobody, so nobody renews it.
    """
    newer = Certificate.objects.filter(
        lab=OuterRef("lab"),
        report_number=OuterRef("report_number"),
        revision__gt=OuterRef("revision"),
        state=CertificateState.REGISTERED,
    )
    rows = (
        Certificate.objects.filter(state=CertificateState.REGISTERED)
        .filter(~Exists(newer))
        .exclude(rehearsed_certificates())
        .order_by("provider_code", "report_number", "-revision")
        .values_list("pk", "provider_code", "report_number", "revision", "expires_on")
    )
    return [
        (str(pk), f"{provider}: {report} rev {revision}" + (f", through {end}" if end else ""))
        for pk, provider, report, revision, end in rows
    ]


def report_named(text: str, on: date) -> tuple[int, str] | None:
    """Return id and name of a registered report: "STL-1" in effect on the day, or "STL-1 rev 2".

    None where there is none, or where labs share the number and the text doesn't tell them apart.
    """
    number, revision = _read_name(text)
    found = Certificate.objects.filter(
        report_number__iexact=number, state=CertificateState.REGISTERED
    )
    found = (
        found.filter(effective_on__lte=on) if revision is None else found.filter(revision=revision)
    )
    return _only_newest(found)


def any_report_named(text: str) -> tuple[int, str] | None:
    """Return id and name of a report, withdrawn ones too: the newest "STL-1", or "STL-1 rev 2".

    None where there is none, or where labs share the number.
    """
    number, revision = _read_name(text)
    found = Certificate.objects.filter(report_number__iexact=number)
    return _only_newest(found if revision is None else found.filter(revision=revision))


def report_name(certificate_id: int) -> str | None:
    certificate = Certificate.objects.filter(pk=certificate_id).first()
    return None if certificate is None else str(certificate)


_NO_REVISION: Final = -1


def _read_name(text: str) -> tuple[str, int | None]:
    number, _, revision = text.strip().partition(" rev ")
    if not revision:
        return number.strip(), None
    is_number = revision.isascii() and revision.isdigit() and len(revision) < 5
    return number.strip(), int(revision) if is_number else _NO_REVISION


def _only_newest(found: QuerySet[Certificate]) -> tuple[int, str] | None:
    if found.values("lab").distinct().count() != 1:
        return None
    # Of one revision the row registered last is the right one; those before it were withdrawn.
    newest = found.order_by("-revision", "-pk")[0]
    return newest.pk, str(newest)
