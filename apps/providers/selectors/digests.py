"""Which digests the reports in force print for a game's files."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from apps.providers.models import CertifiedBuild, CriticalFile, Deployment, Game
from apps.providers.selectors.coverage import certificates_in_force
from apps.providers.selectors.register import deployed_at


@dataclass(frozen=True, slots=True)
class CertifiedFile:
    """A digest that a report in force prints for a file of a build.

    ``is_from_document``: an import read the build there and nobody has confirmed it.
    """

    build_version: str
    channel: str
    path: str
    algorithm: str
    seed: str
    digest: str
    is_from_document: bool


def certified_files(
    provider_code: str, game_codes: Collection[str], on: date
) -> dict[str, list[CertifiedFile]]:
    """Return the certified files of these games, by game code; one query."""
    rows = (
        CriticalFile.objects.filter(
            build__certificate__in=certificates_in_force(on),
            build__certificate__provider_code=provider_code,
            build__game_code__in=set(game_codes),
        )
        .order_by("build__game_code", "path", "algorithm", "seed", "pk")
        .values_list(
            "build__game_code",
            "build__build_version",
            "build__channel",
            "path",
            "algorithm",
            "seed",
            "digest",
            "build__is_from_document",
        )
    )
    found: dict[str, list[CertifiedFile]] = {}
    for game_code, version, channel, path, algorithm, seed, digest, is_read in rows:
        one = CertifiedFile(
            version, channel, path, algorithm, seed, digest, is_from_document=is_read
        )
        found.setdefault(game_code, []).append(one)
    return found


def running_builds(game_ids: Collection[int], at: datetime) -> dict[int, dict[str, set[str]]]:
    """Return each version that ran anywhere at a moment, as far as is on file, by game.

    With each version come those from which it came by minor changes only, and itself.
    """
    places = set(
        Deployment.objects.filter(game_id__in=set(game_ids)).values_list("jurisdiction", flat=True)
    )
    deployed = deployed_at(dict.fromkeys(places, at), (), game_ids)
    found: dict[int, dict[str, set[str]]] = {}
    for game_id, there in deployed.now.items():
        versions = found.setdefault(game_id, {})
        for one in chain.from_iterable(there.values()):
            if one.build is not None:
                heirs = {build.version for build in one.heirs_of}
                versions.setdefault(one.build.version, set()).update(heirs)
    return found


def certified_file_counts(on: date) -> dict[int, tuple[str, str, int]]:
    """Return (provider code, game code, certified files) of each active game that has any."""
    builds = CertifiedBuild.objects.filter(
        certificate__in=certificates_in_force(on), files__isnull=False
    )
    counts: dict[tuple[str, str], int] = {}
    for provider_code, game_code, _path in (
        builds.order_by()
        .values_list("certificate__provider_code", "game_code", "files__path")
        .distinct()
    ):
        counts[provider_code, game_code] = counts.get((provider_code, game_code), 0) + 1
    games = Game.objects.filter(is_active=True, provider__is_active=True).order_by(
        "provider__code", "game_code"
    )
    return {
        pk: (provider_code, game_code, counts[provider_code, game_code])
        for pk, provider_code, game_code in games.values_list("pk", "provider__code", "game_code")
        if (provider_code, game_code) in counts
    }
