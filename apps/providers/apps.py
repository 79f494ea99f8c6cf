from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval
from apps.staff.enums import Role


class ProvidersConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.providers"
    label = "providers"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population
        from apps.providers import home
        from apps.providers.populations import POPULATIONS
        from apps.providers.services import (
            addresses,
            key_proposals,
            overrides,
            root_proposals,
        )
        from apps.staff.home import register_home_card

        register_approval(
            overrides.OVERRIDE,
            permission="providers.approve_gateoverride",
            asking="providers.add_gateoverride",
            handler=overrides.execute_override,
            label="Serve a game without proof",
        )

        for population in POPULATIONS:
            register_population(population)
        for card in (home.ending_card, home.invalid_card, home.roots_card):
            register_home_card([Role.COMPLIANCE_OFFICER, Role.AUDITOR], card)
        register_approval(
            key_proposals.PROVIDER_KEY,
            permission="providers.approve_providerkey",
            asking="providers.add_providerkey",
            handler=key_proposals.execute_provider_key,
            recheck=key_proposals.recheck_provider_key,
            label="Let a provider's new key verify",
        )
        register_approval(
            addresses.ADDRESSES,
            permission="providers.approve_provideraddress",
            asking="providers.change_provider",
            handler=addresses.execute_addresses,
            recheck=addresses.recheck_addresses,
            label="Change where a provider is asked",
        )
        register_approval(
            root_proposals.ROOT,
            permission="providers.approve_trustedroot",
            asking="providers.register_certificate",
            handler=root_proposals.execute_root,
            recheck=root_proposals.recheck_root,
            label="Decide whose signatures count",
        )
