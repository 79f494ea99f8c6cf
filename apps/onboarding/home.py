"""What awaits those who bring providers in."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from apps.onboarding import selectors
from apps.onboarding.models import ItemProof, Onboarding
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, MAX_ROWS, Waiting, waiting_card


def waiting_providers_card(_request: HttpRequest) -> HomeCard:
    link = reverse("admin:onboarding_onboarding_changelist") + "?standing=waiting"
    waiting = Waiting(
        "Providers on their way live", link, "Every provider that is on is live.", tone="info"
    )
    return waiting_card(waiting, selectors.onboardings_waiting(limit=LIMIT), _waiting_row)


def _waiting_row(onboarding: Onboarding) -> HomeRow:
    found = selectors.standings(onboarding.pk)
    proven = sum(one.is_green for one in found)
    return HomeRow(
        title=str(onboarding.provider),
        link=reverse("admin:onboarding_onboarding_change", args=[onboarding.pk]),
        meta=f"{proven} of {len(found)} items hold",
        tone="warning" if proven < len(found) else "success",
    )


def broken_items_card(_request: HttpRequest) -> HomeCard:
    broken = selectors.broken_items(limit=None)
    providers = {proof.onboarding_id for proof in broken}
    return HomeCard(
        title="Live providers with an open item",
        value=f"{len(providers):,}",
        note=f"items that do not hold now, waived ones too: {len(broken):,}" if broken else "",
        tone="danger" if broken else "success",
        link=reverse("admin:onboarding_onboarding_changelist") + "?standing=lost",
        rows=tuple(_broken_row(proof) for proof in broken[:MAX_ROWS]),
        empty_text="Every item of every live provider holds.",
    )


def _broken_row(proof: ItemProof) -> HomeRow:
    return HomeRow(
        title=f"{proof.onboarding.provider}: {proof.get_item_display()}",
        link=reverse("admin:onboarding_onboarding_change", args=[proof.onboarding_id]),
        meta=f"seen {timesince(proof.proved_at, timezone.now(), depth=1)} ago",
        tone="danger",
    )
