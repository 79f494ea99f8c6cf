"""Refusals of this app, one class per broken rule."""

from datetime import date
from typing import ClassVar

from apps.core.errors import DomainError


class StatementRefusedError(DomainError):
    """A whole file can't be taken; subclasses say why.

    ``statement_id`` is the refused import that keeps the file and its parse report.
    """

    code: ClassVar[str] = "statement_refused"
    concerns = "file"
    statement_id: int | None = None


class EmptyFileError(StatementRefusedError):
    code = "empty_file"

    def __init__(self) -> None:
        super().__init__("The file is empty.")


class FileTooLargeError(StatementRefusedError):
    code = "file_too_large"

    def __init__(self, what: str, limit_bytes: int) -> None:
        super().__init__(f"{what} is larger than {limit_bytes:,} bytes.")


class BrokenCompressionError(StatementRefusedError):
    code = "broken_gzip"

    def __init__(self, why: str) -> None:
        super().__init__(f"The gzip data is broken or cut off: {why}.")


class WrongEncodingError(StatementRefusedError):
    code = "wrong_encoding"

    def __init__(self, line: int) -> None:
        super().__init__(f"The file is not UTF-8 text (near line {line}).")


class LineTooLongError(StatementRefusedError):
    code = "line_too_long"

    def __init__(self, line: int, limit_bytes: int) -> None:
        super().__init__(f"Line {line} is longer than {limit_bytes:,} bytes.")


class UnreadableHeaderError(StatementRefusedError):
    code = "bad_header"

    def __init__(self, why: str) -> None:
        super().__init__(f"The first line is not a usable CSV header: {why}.")


class MissingColumnError(StatementRefusedError):
    code = "missing_column"

    def __init__(self, columns: list[str]) -> None:
        super().__init__(f"The CSV header lacks: {', '.join(columns)}.")


class UnreadableDocumentError(StatementRefusedError):
    code = "bad_document"

    def __init__(self, why: str) -> None:
        super().__init__(f"The JSON document can't be read: {why}.")


class TooManyBadRowsError(StatementRefusedError):
    code = "too_many_bad_rows"

    def __init__(self, bad: int, total: int, allowed_basis_points: int) -> None:
        percent = f"{allowed_basis_points // 100}.{allowed_basis_points % 100:02d}"
        super().__init__(
            f"{bad:,} of {total:,} rows are bad; at most {percent} % may be. Nothing was taken."
        )


class DayUnknownError(StatementRefusedError):
    code = "day_unknown"
    concerns = "day"

    def __init__(self) -> None:
        super().__init__("No readable row says which day the file is for; give the day.")


class WrongDayError(StatementRefusedError):
    code = "wrong_day"
    concerns = "day"

    def __init__(self, given: date, found: date) -> None:
        super().__init__(f"Given as {given}, but most rows are of {found}.")


class FileNotReadableError(DomainError):
    code = "file_not_readable"
    concerns = "file"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} can't be read: {why}.")


class EvidenceChangedError(DomainError):
    code = "evidence_changed"

    def __init__(self, key: str) -> None:
        super().__init__(f"The stored file {key} is gone or no longer has the content it had.")


class ReconciliationBusyError(DomainError):
    code = "reconciliation_busy"

    def __init__(self, provider: str, day: date) -> None:
        super().__init__(f"{provider} {day} is being reconciled by another process; try again.")


class PullBusyError(DomainError):
    code = "pull_busy"

    def __init__(self, provider: str) -> None:
        super().__init__(f"The round log of {provider} is being pulled by another process.")


class PullNotConfiguredError(DomainError):
    code = "pull_not_configured"

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} has no export URL or no export token; set both first.")


class PullFailedError(DomainError):
    """The provider's export API didn't give a page we can use; the cursor hasn't moved."""

    code: ClassVar[str] = "pull_failed"


class ExportRefusedError(PullFailedError):
    code = "export_refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"The provider's export answered {status}.")


class ExportThrottledError(PullFailedError):
    code = "export_throttled"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The provider's export asks us to wait {seconds} s; trying later.")
        self.seconds = seconds


class ExportUnreadableError(PullFailedError):
    code = "export_unreadable"

    def __init__(self, why: str) -> None:
        super().__init__(f"The provider's export sent a page we can't use: {why}.")


class ExportLoopError(PullFailedError):
    code = "export_loop"

    def __init__(self, page: int) -> None:
        super().__init__(f"The provider's export repeats itself at page {page}; stopped.")


class ExportUnreachableError(PullFailedError):
    code = "export_unreachable"

    def __init__(self, why: str) -> None:
        super().__init__(f"The provider's export can't be reached: {why}.")
