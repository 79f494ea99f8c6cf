from django.db import models


class BreakClass(models.TextChoices):
    """What is wrong with one event, in order of precedence: an event has the first that holds."""

    DUPLICATE = "duplicate", "Duplicate in the statement"
    MISSING_IN_LEDGER = "missing_in_ledger", "Missing in our ledger"
    MISSING_AT_PROVIDER = "missing_at_provider", "Missing at the provider"
    PLAYER = "player", "Different player"
    CURRENCY = "currency", "Different currency"
    AMOUNT = "amount", "Different amount"
    STATUS = "status", "Different status"


class BreakState(models.TextChoices):
    """``matched_later`` is the only way a break closes by itself: both sides came to agree."""

    OPEN = "open", "Open"
    MATCHED_LATER = "matched_later", "Matched later"


class BreakChangeKind(models.TextChoices):
    OPENED = "opened", "Opened"
    CHANGED = "changed", "Changed"
    MATCHED_LATER = "matched_later", "Matched later"
    REOPENED = "reopened", "Reopened"


class RunState(models.TextChoices):
    """Whether a reconciliation could compare; only ``complete`` ever says a day is good."""

    COMPLETE = "complete", "Complete"
    NO_STATEMENT = "no_statement", "No statement"
    EMPTY_STATEMENT = "empty_statement", "Statement without rows"


class StatementState(models.TextChoices):
    IMPORTED = "imported", "In use"
    SUPERSEDED = "superseded", "Superseded by a newer file"
    REFUSED = "refused", "Refused"


class StatementSource(models.TextChoices):
    UPLOAD = "upload", "File"
    PULL = "pull", "Pulled from the provider"


class PullState(models.TextChoices):
    PULLING = "pulling", "Pulling"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"


class FileFormat(models.TextChoices):
    CSV = "csv", "CSV"
    NDJSON = "ndjson", "NDJSON"
    JSON = "json", "JSON"


class RowFault(models.TextChoices):
    """Why one row of a statement was left out."""

    WRONG_COLUMNS = "wrong_columns", "Wrong number of columns or unbalanced quotes"
    BAD_JSON = "bad_json", "Not one JSON object"
    FORMULA_CELL = "formula_cell", "Starts like a spreadsheet formula"
    MISSING_FIELD = "missing_field", "A required value is missing"
    MANGLED_ID = "mangled_id", "An id that a spreadsheet turned into a number"
    BAD_FIELD = "bad_field", "A value outside its allowed characters, length or list"
    BAD_TIMESTAMP = "bad_timestamp", "Not an RFC 3339 time with a zone"
    UNKNOWN_CURRENCY = "unknown_currency", "Not an ISO 4217 currency with a minor unit"
    BAD_AMOUNT = "bad_amount", "Not a plain decimal amount of its currency"
    DEMO = "demo", "Demo play: no money was in it"
    OTHER_DAY = "other_day", "Belongs to another day of the provider"
