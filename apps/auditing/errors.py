"""Refusals of samples and exports."""

from apps.core.errors import DomainError


class AuditingError(DomainError):
    """A sample can't be drawn, or an export can't be made, like this."""

    code = "auditing"


class PopulationNotYoursError(AuditingError):
    code = "population_not_yours"
    concerns = "population"

    def __init__(self, label: str) -> None:
        super().__init__(f"{label}: your role does not see these rows.")


class PeriodError(AuditingError):
    code = "period"
    concerns = "until"

    def __init__(self) -> None:
        super().__init__("A period begins before it ends, and what it holds has happened.")


class UnusedFilterError(AuditingError):
    code = "unused_filter"

    def __init__(self, label: str, name: str) -> None:
        super().__init__(f"{label} are not told apart by {name}: leave it empty.")


class SampleSizeError(AuditingError):
    code = "sample_size"
    concerns = "size"

    def __init__(self, largest: int) -> None:
        super().__init__(f"A sample has 1 to {largest:,} members.")


class SeedError(AuditingError):
    code = "seed"
    concerns = "seed"

    def __init__(self) -> None:
        super().__init__("A seed is 1 to 64 printable characters of ASCII, none of them a space.")


class EmptyPopulationError(AuditingError):
    code = "empty_population"

    def __init__(self, label: str) -> None:
        super().__init__(f"{label}: none in this period with these filters. Widen them.")


class PopulationBusyError(AuditingError):
    """Something that began before the draw is still being written, and might belong to it."""

    code = "population_busy"

    def __init__(self) -> None:
        super().__init__(
            "Rows that may belong to the population are still being written. Try again in a minute."
        )


class PopulationTooSlowError(AuditingError):
    code = "population_too_slow"

    def __init__(self) -> None:
        super().__init__("So many rows can't be read in a minute. Narrow the period.")


class ExportTooLargeError(AuditingError):
    code = "export_too_large"

    def __init__(self, found: int, most: int) -> None:
        super().__init__(f"{found:,} rows; an export has {most:,} at most. Narrow it.")


class ExportNeedsTwoError(AuditingError):
    """One person may not take this alone, and nobody else agreed."""

    code = "export_needs_two"

    def __init__(self, why: str) -> None:
        super().__init__(f"A second person must agree to this export: {why}")


class ExportMovedError(AuditingError):
    code = "export_moved"

    def __init__(self) -> None:
        super().__init__("The export does not wait for a second person any more.")


class ExportNotWaitingError(AuditingError):
    code = "export_not_waiting"

    def __init__(self) -> None:
        super().__init__("Only what still waits can be taken back; this is being made, or is over.")


class PersonalDataNotYoursError(AuditingError):
    code = "personal_data_not_yours"

    def __init__(self) -> None:
        super().__init__("Your role does not see personal data in an export.")


class UnknownExportError(AuditingError):
    code = "unknown_export"

    def __init__(self, export_id: int) -> None:
        super().__init__(f"There is no export {export_id}.")


class ExportNotReadyError(AuditingError):
    code = "export_not_ready"

    def __init__(self) -> None:
        super().__init__("There is no file to download: not yet, or not any more.")


class ExportNotYoursError(AuditingError):
    code = "export_not_yours"

    def __init__(self) -> None:
        super().__init__("An export is for the person who asked for it. Ask for your own.")


class LinkExpiredError(AuditingError):
    code = "link_expired"

    def __init__(self) -> None:
        super().__init__("The link holds for a minute and for one person. Ask for another.")


class ExportAlteredError(AuditingError):
    code = "export_altered"

    def __init__(self) -> None:
        super().__init__("The stored file is not the one that was made, and is not handed out.")


class NotAnExportError(AuditingError):
    """A file isn't an export of ours, or not any more."""

    code = "not_an_export"
