"""What core does: tell other apps (outbox), remember who did what (audit chain)."""

from apps.core.services.audit import record_audit, verify_audit_chain

__all__ = ["record_audit", "verify_audit_chain"]
