"""What the integrity desk refuses."""

from collections.abc import Sequence

from apps.core.errors import DomainError


class DigestReportRefusedError(DomainError):
    """The report can't be read; nothing of it was taken. ``problems`` names each bad row."""

    code = "digest_report_refused"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"The report was not taken: {' '.join(problems[:5])}")
        self.problems = list(problems)


class DigestReportConflictError(DomainError):
    """A report with this id was taken before and held something else."""

    code = "digest_report_conflict"

    def __init__(self, report_ref: str) -> None:
        super().__init__(f"A report {report_ref!r:.80} with other content is on file.")


class FaultNotOpenError(DomainError):
    code = "fault_not_open"

    def __init__(self, fault_id: int) -> None:
        super().__init__(f"Fault {fault_id} is not open.")


class FaultMovedError(DomainError):
    """Another digest was reported since the acceptance was asked for."""

    code = "fault_moved"

    def __init__(self, fault_id: int) -> None:
        super().__init__(f"Fault {fault_id} is about another digest now: ask again.")
