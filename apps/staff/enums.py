from django.db import models


class Role(models.TextChoices):
    """The roles, each a Django group of this exact name."""

    COMPLIANCE_OFFICER = "Compliance officer"
    CS_AGENT = "CS agent"
    CS_SUPERVISOR = "CS supervisor"
    PROMO_MANAGER = "Promo manager"
    FINANCE_ANALYST = "Finance analyst"
    INTEGRATION_ENGINEER = "Integration engineer"
    AML_OFFICER = "AML officer"
    AUDITOR = "Auditor"


class ApprovalState(models.TextChoices):
    PENDING = "pending", "Awaiting a second person"
    EXECUTED = "executed", "Approved and executed"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled by the requester"
    VOID = "void", "Void: it is not what was asked for any more"
    EXPIRED = "expired", "Expired: nobody decided in time"
