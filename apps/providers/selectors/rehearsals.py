"""What only the acceptance kit plays: its games, and the documents that say they are none."""

from django.db.models import Exists, OuterRef, Q

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.models import Certificate, GameOffer


def rehearsed_games(game: str = "pk") -> Q:
    """Return the condition of rows whose game (its id is in ``game``) is offered to nobody real."""
    offers = GameOffer.objects.filter(game=OuterRef(game))
    return Q(
        Exists(offers.filter(jurisdiction=REHEARSAL_JURISDICTION)),
        ~Exists(offers.exclude(jurisdiction=REHEARSAL_JURISDICTION)),
    )


def rehearsed_certificates(prefix: str = "") -> Q:
    """Return the condition of rows whose certificate is the acceptance kit's.

    ``prefix`` leads to the certificate, as ``certificate__`` does.
    """
    return Q(**{f"{prefix}is_rehearsal": True})


def rehearsed_by_reports(field: str) -> Q:
    """Return the condition of labs or documents (``field`` of a report) of rehearsals alone."""
    reports = Certificate.objects.filter(**{field: OuterRef("pk")})
    return Q(
        Exists(reports.filter(rehearsed_certificates())),
        ~Exists(reports.exclude(rehearsed_certificates())),
    )
