"""Judging every offer at once: what doesn't depend on the offer is judged once for all of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from apps.core.jurisdictions import day_in, jurisdiction_by_code
from apps.providers.contracts import Cover, CoverReason
from apps.providers.coverage.facts import (
    UNKNOWN,
    CertificateFacts,
    Running,
)
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

    def cover(self, game_id: int, provider_code: str, game_code: str, place: str) -> Cover:
        if place not in self._known:
            return unknown_jurisdiction(place)
        running = self._running(game_id, place)
        if not running:
            return not_deployed(game_code, place)
        certificates = self._certificates.get((provider_code, game_code), ())
        if len(running) == 1:
            return self._among(certificates, game_code, place, running[0])
        return all_of([self._among(certificates, game_code, place, one) for one in running])

    def _running(self, game_id: int, place: str) -> Sequence[Running]:
        running = self._now.get(game_id, _NOWHERE).get(place)
        if running is not None:
            return running
        return () if (game_id, place) in self._ended else (UNKNOWN,)

    def _among(
        self, certificates: Sequence[CertificateFacts], game_code: str, place: str, running: Running
    ) -> Cover:
        day = self._days[place]
        objections = []
        for certificate in certificates:
            if place not in certificate.jurisdictions:
                objections.append(other_jurisdiction(certificate, place))
                continue
            reason = self._standing_of(certificate, day)
            if reason is None:
                reason = self._scope_of(certificate, game_code, running)
            if reason is None:
                return self._covered_by(certificate)
            objections.append(reason)
        reasons = tuple(objections) or (nothing_names(game_code),)
        return Cover(allowed=False, certificate=None, reasons=reasons)

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
