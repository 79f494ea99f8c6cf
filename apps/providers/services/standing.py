"""Taking a provider live. Whether it may is the onboarding checklist's question."""

from datetime import datetime

from django.db import transaction

from apps.core.history import note_edit
from apps.providers.enums import ProviderStage
from apps.providers.errors import AlreadyLiveError, UnknownProviderError
from apps.providers.models import Provider


@transaction.atomic
def take_live(provider_code: str, *, reason: str, now: datetime) -> int:
    """Let real players be launched at a provider from now on; returns the provider's id.

    There is no way back to onboarding: a live provider is switched off, not rehearsed with.

    Raises:
        UnknownProviderError: no provider carries this code.
        AlreadyLiveError: it is live.
    """
    provider = Provider.objects.select_for_update(no_key=True).filter(code=provider_code).first()
    if provider is None:
        raise UnknownProviderError(provider_code)
    if provider.stage == ProviderStage.LIVE:
        raise AlreadyLiveError(provider_code)
    provider.stage, provider.live_since = ProviderStage.LIVE, now
    note_edit(provider, acting_user=None, reason=reason, now=now)
    provider.save(update_fields=["stage", "live_since"])
    return provider.pk
