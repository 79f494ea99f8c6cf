"""Everything that is written for auditors."""

from apps.auditing.services.consents import cancel_export
from apps.auditing.services.exports import (
    begin_export,
    drop_old_files,
    hand_out,
    make_export,
    mint_link,
    request_export,
)
from apps.auditing.services.samples import draw_sample

__all__ = [
    "begin_export",
    "cancel_export",
    "draw_sample",
    "drop_old_files",
    "hand_out",
    "make_export",
    "mint_link",
    "request_export",
]
