"""What every admin here is built from."""

from apps.core.admin.actions import ActionCall, ReasonedAction, ReasonForm, list_button
from apps.core.admin.base import ModelAdmin, PageAdmin, ReadOnlyAdmin, signed_in
from apps.core.admin.columns import (
    badge,
    badge_column,
    datetime_column,
    display_at,
    money_column,
    worded,
)
from apps.core.admin.downloads import DOWNLOAD_HEADERS, download, stream_download
from apps.core.admin.filters import (
    above_filter,
    aside_filter,
    choice_filter,
    day_filter,
    linked_filter,
    midnight_utc,
    narrowed_filter,
    present_filter,
    recent_filter,
)
from apps.core.admin.form_pages import AddedByServiceMixin, AddPage, FormPage
from apps.core.admin.history import HistoryAdmin, VersionedAdmin, reason_field
from apps.core.admin.live import LIVE_SCRIPT, LiveListMixin, LivePanelsMixin, answer_fragment
from apps.core.admin.masking import hide_personal
from apps.core.admin.paginator import CappedPaginator
from apps.core.admin.panels import Panel, PanelsMixin, at_cell, link_cell, money_cell
from apps.core.admin.refusals import RefusalShownIn, place_refusal
from apps.core.admin.registered import AuditEntryAdmin, OutboxMessageAdmin
from apps.core.admin.uploads import UploadWidget

__all__ = [
    "DOWNLOAD_HEADERS",
    "LIVE_SCRIPT",
    "ActionCall",
    "AddPage",
    "AddedByServiceMixin",
    "AuditEntryAdmin",
    "CappedPaginator",
    "FormPage",
    "HistoryAdmin",
    "LiveListMixin",
    "LivePanelsMixin",
    "ModelAdmin",
    "OutboxMessageAdmin",
    "PageAdmin",
    "Panel",
    "PanelsMixin",
    "ReadOnlyAdmin",
    "ReasonForm",
    "ReasonedAction",
    "RefusalShownIn",
    "UploadWidget",
    "VersionedAdmin",
    "above_filter",
    "answer_fragment",
    "aside_filter",
    "at_cell",
    "badge",
    "badge_column",
    "choice_filter",
    "datetime_column",
    "day_filter",
    "display_at",
    "download",
    "hide_personal",
    "link_cell",
    "linked_filter",
    "list_button",
    "midnight_utc",
    "money_cell",
    "money_column",
    "narrowed_filter",
    "place_refusal",
    "present_filter",
    "reason_field",
    "recent_filter",
    "signed_in",
    "stream_download",
    "worded",
]
