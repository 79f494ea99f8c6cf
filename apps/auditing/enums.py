from django.db import models


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV, for spreadsheets"
    JSONL = "jsonl", "JSON lines, for programs"


class ExportState(models.TextChoices):
    AWAITING = "awaiting", "Waiting for a second person"
    WAITING = "waiting", "Waiting for the worker"
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Taken back"


IN_THE_QUEUE = (ExportState.WAITING, ExportState.MAKING)
OVER = (ExportState.READY, ExportState.FAILED, ExportState.CANCELLED)
