from django.db import models


class ExportState(models.TextChoices):
    WAITING = "waiting", "Waiting for the worker"
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
