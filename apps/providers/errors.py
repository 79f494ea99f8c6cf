from apps.core.errors import DomainError


class UnknownProviderError(DomainError):
    """No provider carries this code."""

    code = "unknown_provider"
    concerns = "provider"

    def __init__(self, provider_code: str) -> None:
        super().__init__(f"There is no provider '{provider_code}'. Load it with load_provider.")


class InvalidSecretError(DomainError):
    """A webhook secret is not ``whsec_`` and the base64 of 24 to 64 bytes (Standard Webhooks)."""

    code = "invalid_secret"
    concerns = "secret"


class ProviderFilesRefusedError(DomainError):
    """Files to load carry bad rows; nothing was loaded. ``problems`` names file and line."""

    code = "provider_files_refused"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} bad rows; nothing was loaded.")
        self.problems = problems


class PdfRefusedError(DomainError):
    """A file is not a plain, safe PDF; ``refusals`` holds (code, reason) for each fault found."""

    code = "pdf_refused"

    def __init__(self, refusals: list[tuple[str, str]]) -> None:
        super().__init__(" ".join(reason for _code, reason in refusals))
        self.refusals = refusals


class DeliveryRefusedError(DomainError):
    """An archive or a file of a delivery is not taken; ``reason_code`` names the rule it breaks."""

    code = "delivery_refused"

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code


class DraftFieldsError(DomainError):
    """Fields of a draft are not confirmed or not well formed; ``problems`` is by field."""

    code = "draft_fields"

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class DraftStateError(DomainError):
    """The draft was decided on already."""

    code = "draft_state"


class LinkExpiredError(DomainError):
    """The link is too old, was made for somebody else, or was tampered with."""

    code = "link_expired"

    def __init__(self) -> None:
        super().__init__("This link no longer holds. Open the document again.")


class RegisterRefusedError(DomainError):
    """The register as a whole can't be read, so no row of it was looked at."""

    code = "register_refused"


class CertificateEntryError(DomainError):
    """The facts given for a certificate are not well formed; ``problems`` has one line each."""

    code = "certificate_entry"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class CertificateConflictError(DomainError):
    """The same report and revision is on file with other content: a change needs a new revision."""

    code = "certificate_conflict"

    def __init__(self, report_number: str, revision: int, differences: list[str]) -> None:
        super().__init__(
            f"{report_number} revision {revision} is on file with other content "
            f"({'; '.join(differences)}). A lab changes a report by a new revision."
        )
        self.differences = differences


class RootMovedError(DomainError):
    """A root is not what it was when somebody asked to trust or to withdraw it."""

    code = "root_moved"


class CertificateStateError(DomainError):
    """The certificate or root is not in the state that this step starts from."""

    code = "certificate_state"


class UnknownCertificateError(DomainError):
    code = "unknown_certificate"

    def __init__(self, what: object) -> None:
        super().__init__(f"There is no certificate, document or root {what}.")


class InvalidRootError(DomainError):
    """A PEM file holds no certificate of an authority, or nobody can say whose it is."""

    code = "invalid_root"


class DocumentAlteredError(DomainError):
    """The stored file is missing or is not, byte for byte, the one that was taken."""

    code = "document_altered"

    def __init__(self, document_id: int) -> None:
        super().__init__(
            f"The stored file of document {document_id} is not the one that was taken. "
            "It is not handed out; fetch the report from the lab again."
        )


class ProviderKeyStateError(DomainError):
    """The webhook key is not in the state that this step starts from."""

    code = "provider_key_state"


class AlreadyLiveError(DomainError):
    code = "already_live"

    def __init__(self, provider_code: str) -> None:
        super().__init__(f"{provider_code} is live already.")


class RegisterRowConflictError(DomainError):
    """The row is on file with other content; what is on file is never rewritten."""

    code = "register_row_conflict"


class DeploymentOverlapError(DomainError):
    """Two deployments of a game would run in one place and channel at the same time."""

    code = "deployment_overlap"
    concerns = "starts_at"


class OtherGameError(DomainError):
    """A build or variant belongs to another game."""

    code = "other_game"


class UnknownRegisterRowError(DomainError):
    """There is no such build, variant, deployment, change or override."""

    code = "unknown_register_row"


class UnknownJurisdictionError(DomainError):
    """No jurisdiction with this code is on file."""

    code = "unknown_jurisdiction"
    concerns = "jurisdiction"

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no jurisdiction {code!r:.20} on file.")


class FairnessChangeError(DomainError):
    """A change that touches fairness was called minor, or one build is compared with itself."""

    code = "fairness_change"


class TimesError(DomainError):
    """An end does not come after its start, or a time lies where it must not."""

    code = "times"


class RtpNotStatedError(DomainError):
    """The report does not state this figure for the game, or counts no more."""

    code = "rtp_not_stated"


class NotOverridableError(DomainError):
    """The law forbids the product there, and two people can't lift the law."""

    code = "not_overridable"


class OverrideChangedError(DomainError):
    """The override that was asked for no longer fits: it would begin in the past, or is there."""

    code = "override_changed"


class NotOfferedError(DomainError):
    """The catalogue does not offer the game there, or nobody withdrew it."""

    code = "not_offered"


class OfferWithdrawnError(DomainError):
    """The game is withdrawn there already."""

    code = "offer_withdrawn"


class InvalidAddressError(DomainError):
    """An address of a provider is none that we would call."""

    code = "invalid_address"


class SameAddressesError(DomainError):
    """The provider has these addresses already."""

    code = "same_addresses"


class AddressesMovedError(DomainError):
    """The provider's addresses are not those from which a change was asked for."""

    code = "addresses_moved"


class IdsFixedError(DomainError):
    """What a live provider's ids mean was fixed by its first event."""

    code = "ids_fixed"


class SameIdScopesError(DomainError):
    """The provider's ids mean this already."""

    code = "same_id_scopes"


class IdScopesMovedError(DomainError):
    """What a provider's ids mean changed after its messages were read; nothing was written."""

    code = "id_scopes_moved"
