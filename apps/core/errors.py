"""Refusals that every app shares."""

from typing import ClassVar


class DomainError(Exception):
    """One broken rule of the business: expected, shown to people, never a bug.

    ``code`` is stable and safe to show to machines; the message is for people. ``concerns`` names
    the argument that is refused, where it is one: a form shows the message beside its field.
    """

    code: ClassVar[str] = "domain_error"
    concerns: str = ""


class UnknownCurrencyError(DomainError):
    code = "unknown_currency"
    concerns = "currency"

    def __init__(self, currency: object) -> None:
        super().__init__(f"{currency!r:.40} is not an ISO 4217 currency with a minor unit.")


class InvalidAmountError(DomainError):
    code = "invalid_amount"

    def __init__(self, text: object, why: str) -> None:
        super().__init__(f"{text!r:.60} is not an amount: {why}.")


class NotPlainJsonError(DomainError):
    """A payload holds something PostgreSQL or another reader would change."""

    code = "not_plain_json"

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}.")


class ReasonRequiredError(DomainError):
    code = "reason_required"
    concerns = "reason"

    def __init__(self) -> None:
        super().__init__("Say why, in a few words that an auditor can follow.")


class UnknownOutboxMessageError(DomainError):
    code = "unknown_outbox_message"

    def __init__(self, outbox_id: int) -> None:
        super().__init__(f"There is no outbox message {outbox_id}.")


class MessageNotParkedError(DomainError):
    code = "message_not_parked"

    def __init__(self, outbox_id: int) -> None:
        super().__init__(f"Outbox message {outbox_id} is not parked, so it needs no requeue.")


class EncryptionKeyError(DomainError):
    """A stored secret can't be read with any configured key, or there is no valid key."""

    code = "encryption_key"


class OutboundRequestError(DomainError):
    """A call to somebody else's server did not give a usable answer."""

    code = "outbound_request"


class AddressNotAllowedError(OutboundRequestError):
    """The address is not one this product may call."""

    code = "address_not_allowed"


class ResponseTooLargeError(OutboundRequestError):
    code = "response_too_large"


class RequestTimedOutError(OutboundRequestError):
    code = "request_timed_out"


class ConnectionFailedError(OutboundRequestError):
    code = "connection_failed"


class UnexpectedStatusError(OutboundRequestError):
    """The server answered with a status other than 2xx; redirects are never followed."""

    code = "unexpected_status"

    def __init__(self, host: str, status: int, retry_after: str | None = None) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(f"{host} answered with HTTP status {status}.")


class AnchorError(DomainError):
    """The external anchor of the audit chain can't be read or written."""

    code = "audit_anchor"


class AppRoleError(DomainError):
    """A role can't be the application's: it is missing, or could give itself what it must lack."""

    code = "app_role"


class ScannerUnavailableError(DomainError):
    """The virus scanner that the settings name gave no verdict, so nothing is known of a file."""

    code = "scanner_unavailable"

    def __init__(self, why: str) -> None:
        super().__init__("The virus scanner gave no verdict; the file is kept apart until it does.")
        self.why = why


class StoreUnavailableError(DomainError):
    """The store for files did not take or give one, so nothing is known of it."""

    code = "store_unavailable"

    def __init__(self) -> None:
        super().__init__("The store for files does not answer; nothing was taken. Try again.")


class AlertNotSentError(DomainError):
    """At least one configured channel did not take an alert; it is sent again later."""

    code = "alert_not_sent"

    def __init__(self) -> None:
        super().__init__("An alert channel did not take the alert.")
