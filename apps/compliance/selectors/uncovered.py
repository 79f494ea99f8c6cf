"""How the ledger of uncertified play is read."""

from datetime import date

from django.db.models import Prefetch

from apps.compliance.models import UncertifiedPlay


def uncertified_play_since(day: date, *, limit: int) -> list[UncertifiedPlay]:
    """Return what was played without cover from ``day`` on, the newest day first."""
    play = UncertifiedPlay.objects.filter(uncovered__day__gte=day, rounds__gt=0)
    newest = play.select_related("uncovered__game").order_by("-uncovered__day", "-stake_minor")
    return list(newest[:limit])


def with_play() -> Prefetch[str]:
    """Return what lists prefetch to show the play of each row without a query of its own."""
    play = UncertifiedPlay.objects.filter(rounds__gt=0).order_by("currency")
    return Prefetch("play", queryset=play, to_attr="shown_play")
