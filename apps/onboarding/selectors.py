"""How checklists are read."""

from django.db.models import QuerySet

from apps.core.canonical import content_hash
from apps.onboarding.contracts import Standing, Subject
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.errors import UnknownOnboardingError
from apps.onboarding.models import AcceptanceRun, ItemProof, Onboarding, RetentionPromise
from apps.providers.selectors import provider_by_code
from apps.providers.selectors.profiles import provider_profile_by_id

NOT_LOOKED_AT = "Nobody has looked yet."


def onboarding_of(provider_code: str) -> Onboarding:
    """Return a provider's checklist.

    Raises:
        UnknownOnboardingError: it has none.
    """
    found = (
        Onboarding.objects.select_related("provider").filter(provider__code=provider_code).first()
    )
    if found is None:
        raise UnknownOnboardingError(provider_code)
    return found


def subject_of(provider_code: str) -> Subject:
    """Return what the checklist must know of a provider.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    provider = provider_by_code(provider_code)
    return Subject(
        id=provider.pk,
        code=provider.code,
        protocol=provider.protocol,
        wallet_model=provider.wallet_model,
        export_url=provider.export_url,
        payload_url=provider.payload_url,
        export_token=provider.export_token,
        retention_months=provider.retention_months,
    )


def setting_hash(subject: Subject) -> str:
    """Return a hash of everything that decides how the provider's messages are judged."""
    policy = provider_profile_by_id(subject.id).policy
    flags = {name: str(getattr(policy, name)) for name in policy.__dataclass_fields__}
    return content_hash(
        {"protocol": subject.protocol, "wallet_model": subject.wallet_model, "policy": flags}
    )


def standings(onboarding_id: int) -> list[Standing]:
    """Return where each item stands by its newest proof, in the list's own order; one query."""
    newest = {
        proof.item: proof
        for proof in ItemProof.objects.filter(onboarding_id=onboarding_id)
        .order_by("item", "-pk")
        .distinct("item")
        .select_related("proved_by")
        .defer("evidence")
    }
    return [_standing(item, newest.get(item.value)) for item in ChecklistItem]


def _standing(item: ChecklistItem, proof: ItemProof | None) -> Standing:
    if proof is None:
        return Standing(item.value, str(item.label), is_green=False, summary=NOT_LOOKED_AT)
    return Standing(
        item=item.value,
        label=str(item.label),
        is_green=proof.is_green,
        summary=proof.summary,
        proof_id=proof.pk,
        proved_at=proof.proved_at,
        proved_by=str(proof.proved_by) if proof.proved_by else "the system",
    )


def newest_run(onboarding_id: int) -> AcceptanceRun | None:
    return AcceptanceRun.objects.filter(onboarding_id=onboarding_id).order_by("-pk").first()


def newest_promise(onboarding_id: int) -> RetentionPromise | None:
    return RetentionPromise.objects.filter(onboarding_id=onboarding_id).order_by("-pk").first()


def proofs_of(onboarding_id: int, *, limit: int) -> list[ItemProof]:
    """Return the newest proofs of a checklist, with their evidence."""
    proofs = ItemProof.objects.filter(onboarding_id=onboarding_id).select_related("proved_by")
    return list(proofs.order_by("-pk")[:limit])


def broken_items(*, limit: int | None) -> list[ItemProof]:
    """Return the items of live providers that do not hold now, newest first."""
    newest = (
        ItemProof.objects.order_by("onboarding_id", "item", "-pk")
        .distinct("onboarding_id", "item")
        .values("pk")
    )
    broken = ItemProof.objects.filter(pk__in=newest, is_green=False)
    live = broken.filter(
        onboarding__provider__stage="live", onboarding__provider__is_active=True
    ).select_related("onboarding__provider")
    return list(live.order_by("-pk")[:limit])


def that_lost_a_proof(onboardings: QuerySet[Onboarding]) -> QuerySet[Onboarding]:
    """Keep the live providers of which something proven does not hold now."""
    return onboardings.filter(pk__in=[proof.onboarding_id for proof in broken_items(limit=None)])


def on_their_way(onboardings: QuerySet[Onboarding]) -> QuerySet[Onboarding]:
    """Keep the active providers that are not live yet."""
    return onboardings.filter(provider__stage="onboarding", provider__is_active=True)


def onboardings_waiting(*, limit: int) -> list[Onboarding]:
    """Return the providers that are not live yet, the oldest first."""
    waiting = on_their_way(Onboarding.objects.select_related("provider"))
    return list(waiting.order_by("opened_at", "pk")[:limit])
