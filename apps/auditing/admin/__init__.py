"""The auditor's tools: samples and exports."""

from apps.auditing.admin.exports import ExportAdmin
from apps.auditing.admin.samples import SampleAdmin

__all__ = ["ExportAdmin", "SampleAdmin"]
