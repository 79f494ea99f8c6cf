from apps.core.answer_codes import answer_words
from apps.core.errors import DomainError


class BatchRacedError(DomainError):
    """Another process stored one of the batch's events in the same moment; start again."""

    code = "batch_raced"


class UnknownEventError(DomainError):
    """No event of this provider carries this id."""

    code = "unknown_event"


class CorrectionRefusedError(DomainError):
    """A correction could not be posted; nothing moved."""

    code = "correction_refused"


class UnknownDeliveryError(DomainError):
    """No stored delivery has this number."""

    code = "unknown_delivery"

    def __init__(self, delivery_id: int) -> None:
        super().__init__(f"There is no stored delivery {delivery_id}.")


class DeliveryNotReadableError(DomainError):
    """The stored bytes were authentic, and say nothing that can be judged."""

    code = "delivery_not_readable"

    def __init__(self, delivery_id: int, why: str) -> None:
        super().__init__(
            f"Delivery {delivery_id} can't be read ({answer_words(why)}): the provider must send "
            "it again."
        )


class WrongWalletModelError(DomainError):
    """The provider is played with another wallet model."""

    code = "wrong_wallet_model"


class ProviderOffError(DomainError):
    """The provider is switched off: nothing new begins there."""

    code = "provider_off"

    def __init__(self, provider_code: str) -> None:
        super().__init__(
            f"{provider_code} is switched off: money may only be brought back from there."
        )


class ProviderNotLiveError(DomainError):
    """The provider is not live yet, and the player is a real one."""

    code = "provider_not_live"

    def __init__(self, provider_code: str) -> None:
        super().__init__(f"{provider_code} is not live yet: only test players play there.")


class RoundsOpenError(DomainError):
    """The player has a round in play there."""

    code = "rounds_open"


class NothingAtProviderError(DomainError):
    """The player has nothing set apart for the provider's games."""

    code = "nothing_at_provider"


class RoundNotStuckError(DomainError):
    """There is no such round, or it is closed or waits for its provider."""

    code = "round_not_stuck"


class RoundMovedError(DomainError):
    """The round has other money or other messages in it than a person was shown."""

    code = "round_moved"


class NoTransferAddressError(DomainError):
    """Nobody has entered where the provider takes transfers."""

    code = "no_transfer_address"


class NoOrderKeyError(DomainError):
    """No key in force signs what we ask of the provider's wallet."""

    code = "no_order_key"

    def __init__(self, provider_code: str) -> None:
        super().__init__(
            f"{provider_code} has no key of purpose orders in force: propose one, and have it "
            "agreed to, before money is moved to or from its wallet."
        )


class OpenMoneyError(DomainError):
    """Players' rounds or money are still open in the way that is to be left."""

    code = "open_money"
    concerns = "model"


class SameWalletModelError(DomainError):
    """The provider has this wallet model already."""

    code = "same_wallet_model"
    concerns = "model"


class WalletModelMovedError(DomainError):
    """The provider's wallet model changed since the change was asked for."""

    code = "wallet_model_moved"
