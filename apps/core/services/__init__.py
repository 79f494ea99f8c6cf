"""What core does: tell other apps (outbox), remember who did what (audit chain)."""

from apps.core.services.anchor import Anchor, read_anchor, verify_against_anchor, write_anchor
from apps.core.services.app_role import (
    TableRights,
    app_rights,
    grant_app_role,
    set_guards_always,
    unsafe_connection,
)
from apps.core.services.audit import MAIN_CHAIN, record_audit, verify_audit_chain
from apps.core.services.log_seals import seal_logs, verify_log
from apps.core.services.outbox import BrokerRefusedError, requeue, run_once, send_due, sweep
from apps.core.services.publish import outbox_params, publish, publish_all, publish_with_cursor
from apps.core.services.rotation import (
    register_rotation,
    rotate_encryption_keys,
    rotated_token,
)

__all__ = [
    "MAIN_CHAIN",
    "Anchor",
    "BrokerRefusedError",
    "TableRights",
    "app_rights",
    "grant_app_role",
    "outbox_params",
    "publish",
    "publish_all",
    "publish_with_cursor",
    "read_anchor",
    "record_audit",
    "register_rotation",
    "requeue",
    "rotate_encryption_keys",
    "rotated_token",
    "run_once",
    "seal_logs",
    "send_due",
    "set_guards_always",
    "sweep",
    "unsafe_connection",
    "verify_against_anchor",
    "verify_audit_chain",
    "verify_log",
    "write_anchor",
]
