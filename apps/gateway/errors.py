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
