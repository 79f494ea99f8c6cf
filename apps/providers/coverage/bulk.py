"""Judging every offer at once: what doesn't depend on the offer is judged once for all of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from apps.core.jurisdictions import day_in, jurisdiction_by_code
from apps.providers.contracts import Cover, CoverReason
from apps.providers.coverage.facts import UNKNOWN, CertificateFacts, Running
from apps.providers.coverage.judging import (
    all_of,
    not_deployed,
    nothing_names,
    other_jurisdiction,
    scope_objection,
    standing_objection,
    unknown_jurisdiction,
)

_NOWHERE: Final[Mapping[str, Sequence[Running]]] = {}
_NOTHING: Final[Sequence[Running]] = ()
_SOMETHING: Final[Sequence[Running]] = (UNKNOWN,)


class DayJudge:
    """Applies ``judging``'s rules to many offers at one moment for each jurisdiction.

    A report's own standing is judged once for each day, its scope once for each that runs.
    """

    def __init__(
        self,
        certificates: Mapping[tuple[str, str], Sequence[CertificateFacts]],
        now: Mapping[int, Mapping[str, Sequence[Running]]],
        ended: Collection[tuple[int, str]],
        moments: Mapping[str, datetime],
    ) -> None:
        self._certificates = certificates
        self._now, self._ended = now, ended
        self._days = {place: day_in(place, moment) for place, moment in moments.items()}
        self._known = {place for place in moments if jurisdiction_by_code(place) is not None}
        self._standing: dict[tuple[int, date], CoverReason | None] = {}
        self._scopes: dict[tuple[int, str, int], CoverReason | None] = {}
        self._covers: dict[int, Cover] = {}

    def covers(
        self, game_id: int, provider_code: str, game_code: str, places: Sequence[str]
    ) -> dict[str, Cover]:
        """Judge the game in each place.

        Where the same runs on the same day, and a report stands and reaches it, all places that
        the report names are covered by it: a game that runs alike everywhere is judged once.
        """
        certificates = self._certificates.get((provider_code, game_code), ())
        found: dict[str, Cover] = {}
        for running, alike in self._alike(game_id, places):
            first = self._first_covers(certificates, game_code, running, alike)
            for place in alike:
                found[place] = first.get(place) or self._cover(
                    certificates, game_code, place, running
                )
        return {place: found[place] for place in places}

    def _alike(
        self, game_id: int, places: Sequence[str]
    ) -> Iterable[tuple[Sequence[Running], list[str]]]:
        """Return what runs, with the places where that runs on one day."""
        there, days = self._now.get(game_id, _NOWHERE), self._days
        groups: dict[tuple[int, date], tuple[Sequence[Running], list[str]]] = {}
        for place in places:
            running = there.get(place)
            if running is None:
                running = _NOTHING if (game_id, place) in self._ended else _SOMETHING
            # What runs lives as long as this object, so that its identity tells it apart.
            key = (id(running), days[place])
            if key in groups:
                groups[key][1].append(place)
            else:
                groups[key] = (running, [place])
        return groups.values()

    def _first_covers(
        self,
        certificates: Sequence[CertificateFacts],
        game_code: str,
        running: Sequence[Running],
        places: Sequence[str],
    ) -> dict[str, Cover]:
        """Return, of places alike where one build runs, those that some report covers."""
        found: dict[str, Cover] = {}
        if len(running) != 1:
            return found
        left, day = self._known.intersection(places), self._days[places[0]]
        for certificate in certificates:
            named = left & certificate.jurisdictions
            if named and self._objection(certificate, day, game_code, running[0]) is None:
                found.update(dict.fromkeys(named, self._covered_by(certificate)))
                left -= named
        return found

    def _cover(
        self,
        certificates: Sequence[CertificateFacts],
        game_code: str,
        place: str,
        running: Sequence[Running],
    ) -> Cover:
        if place not in self._known:
            return unknown_jurisdiction(place)
        if not running:
            return not_deployed(game_code, place)
        covers = [self._among(certificates, game_code, place, one) for one in running]
        return covers[0] if len(covers) == 1 else all_of(covers)

    def _among(
        self, certificates: Sequence[CertificateFacts], game_code: str, place: str, running: Running
    ) -> Cover:
        day = self._days[place]
        objections = []
        for certificate in certificates:
            if place not in certificate.jurisdictions:
                objections.append(other_jurisdiction(certificate, place))
                continue
            reason = self._objection(certificate, day, game_code, running)
            if reason is None:
                return self._covered_by(certificate)
            objections.append(reason)
        reasons = tuple(objections) or (nothing_names(game_code),)
        return Cover(allowed=False, certificate=None, reasons=reasons)

    def _objection(
        self, certificate: CertificateFacts, day: date, game_code: str, running: Running
    ) -> CoverReason | None:
        return self._standing_of(certificate, day) or self._scope_of(
            certificate, game_code, running
        )

    def _standing_of(self, certificate: CertificateFacts, day: date) -> CoverReason | None:
        key = (certificate.id, day)
        if key not in self._standing:
            self._standing[key] = standing_objection(certificate, day)
        return self._standing[key]

    def _scope_of(
        self, certificate: CertificateFacts, game_code: str, running: Running
    ) -> CoverReason | None:
        # The facts outlive this object, so that their identity tells them apart.
        key = (certificate.id, game_code, id(running))
        if key not in self._scopes:
            self._scopes[key] = scope_objection(certificate, game_code, running)
        return self._scopes[key]

    def _covered_by(self, certificate: CertificateFacts) -> Cover:
        cover = self._covers.get(certificate.id)
        if cover is None:
            cover = Cover(allowed=True, certificate=certificate.ref())
            self._covers[certificate.id] = cover
        return cover
