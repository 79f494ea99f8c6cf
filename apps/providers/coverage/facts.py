"""What the rules of cover are applied to, as read from the register."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, override

from apps.providers.contracts import CertificateRef
from apps.providers.enums import Channel


class BuildClaim(NamedTuple):
    """A build that a report names for a game; what it leaves open is empty and matches any.

    ``is_from_document`` says that an import read it there and nobody has confirmed it.
    """

    game_code: str
    version: str
    channel: str = Channel.ANY
    platform_version: str = ""
    engine_version: str = ""
    client_revision: str = ""
    rng_version: str = ""
    digest: str = ""
    is_from_document: bool = False


class VariantClaim(NamedTuple):
    """An RTP that a report certifies: for all its games or one, by figure or by code too."""

    game_code: str
    code: str
    rtp_percent: Decimal


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A game or live report with all that decides about cover.

    ``replaced_from`` is the first day on which a registered later revision, or a report that says
    it supersedes this one, is in effect.
    """

    id: int
    lab: str
    report_number: str
    revision: int
    is_withdrawn: bool
    is_failed: bool
    is_altered: bool
    is_unaccredited: bool
    effective_on: date
    expires_on: date | None
    invalidated_on: date | None
    recalled_on: date | None
    replaced_from: date | None
    jurisdictions: frozenset[str]
    builds: tuple[BuildClaim, ...] = ()
    variants: tuple[VariantClaim, ...] = ()

    def ref(self) -> CertificateRef:
        return CertificateRef(self.id, self.lab, self.report_number, self.revision, self.expires_on)

    @override
    def __str__(self) -> str:
        return f"{self.report_number} rev {self.revision}"


class BuildFacts(NamedTuple):
    """A build on file; ``is_first`` says that nothing of its game and channel came before it."""

    id: int
    version: str
    channel: str
    is_first: bool
    platform_version: str = ""
    engine_version: str = ""
    client_revision: str = ""
    rng_version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class VariantFacts:
    id: int
    code: str
    rtp_percent: Decimal


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A decision that the change from one build to another is minor or major."""

    from_build: int
    to_build: int
    is_minor: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """A span of time in which a build and variant run; an unknown variant is None."""

    id: int
    channel: str
    build: BuildFacts
    variant: VariantFacts | None
    starts_at: datetime
    ends_at: datetime | None
    digest: str

    def is_running(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, or is asked about: a build with those it inherits reports from, and a variant.

    ``heirs_of`` holds the build itself and every build from which it came by minor changes only.
    ``needs_own_report`` says that a major or undecided change lies behind it.
    """

    build: BuildFacts | None
    variant: VariantFacts | None
    channel: str = Channel.ANY
    digest: str = ""
    heirs_of: tuple[BuildFacts, ...] = ()
    needs_own_report: bool = False


@dataclass(frozen=True, slots=True)
class Lineage:
    """The builds of a game and the decided changes between them."""

    builds: Mapping[int, BuildFacts]
    changes: tuple[ChangeFacts, ...] = ()

    def ancestry(self, build: BuildFacts, at: datetime) -> tuple[tuple[BuildFacts, ...], bool]:
        """Return what the build inherits reports from at this moment, and whether it needs its own.

        A change counts as minor from the moment somebody decided so, and as major before. A build
        that nobody linked to an earlier one of its channel counts as a major change.
        """
        latest = self._latest(at)
        heirs, todo, needs_own = {build.id: build}, [build], False
        while todo:
            current = todo.pop()
            incoming = latest.get(current.id, {})
            if not incoming and not current.is_first:
                needs_own = True
            for source, is_minor in incoming.items():
                if not is_minor:
                    needs_own = True
                elif source not in heirs:
                    heirs[source] = self.builds[source]
                    todo.append(self.builds[source])
        return tuple(heirs.values()), needs_own

    def _latest(self, at: datetime) -> dict[int, dict[int, bool]]:
        latest: dict[int, dict[int, bool]] = {}
        for change in sorted(self.changes, key=lambda change: change.decided_at):
            sources = latest.setdefault(change.to_build, {})
            if change.decided_at <= at:
                sources[change.from_build] = change.is_minor
            else:
                sources.setdefault(change.from_build, False)
        return latest


NO_LINEAGE = Lineage(builds={})


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """A game in a jurisdiction with everything of the register that decides about its cover."""

    game_id: int
    game_code: str
    provider_code: str
    jurisdiction: str
    certificates: tuple[CertificateFacts, ...] = ()
    deployments: tuple[DeploymentFacts, ...] = ()
    lineage: Lineage = field(default=NO_LINEAGE)

    def running(self, at: datetime) -> tuple[Running, ...]:
        """Return what runs at the moment; nothing where it ran before and does not now.

        Before the first deployment on file, and where there is none, nobody knows what runs: one
        entry without build and variant.
        """
        now = [item for item in self.deployments if item.is_running(at)]
        if now:
            return tuple(
                replace(
                    running_as(item.build, self.lineage, at, channel=item.channel),
                    variant=item.variant,
                    digest=item.digest,
                )
                for item in now
            )
        if any(item.starts_at <= at for item in self.deployments):
            return ()
        return (UNKNOWN,)


UNKNOWN = Running(build=None, variant=None)


def lowest_rtp_percent(running: Iterable[Running], stated_percent: Decimal) -> Decimal:
    """Return the lowest RTP of all that runs.

    Where no variant is on file, it is what the provider's catalogue states: a channel that nobody
    recorded isn't proven by another one's figure.
    """
    return min(
        (stated_percent if one.variant is None else one.variant.rtp_percent for one in running),
        default=stated_percent,
    )


def running_as(build: BuildFacts, lineage: Lineage, at: datetime, *, channel: str) -> Running:
    """Return the build as it stands at the moment, with what it inherits."""
    heirs, needs_own = lineage.ancestry(build, at)
    return Running(
        build=build,
        variant=None,
        channel=channel,
        heirs_of=heirs,
        needs_own_report=needs_own,
    )
