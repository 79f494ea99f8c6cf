"""What stands below the fields of a change page: titled tables and texts that the page looks up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, override

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.columns import display_at
from apps.core.money import display_money

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin

    _Base = DjangoModelAdmin[Any]
else:
    _Base = object


@dataclass(frozen=True, slots=True)
class Panel:
    """One titled box: facts, a table, a text, or what to know when there is none of it.

    Cells are escaped by the template unless they are safe strings already. ``code`` is shown as
    it is, in fixed width. ``empty_text`` says why there is nothing and what that means. ``links``
    are (text, address) below it, the address empty for where one is; ``anchor`` is its id.
    """

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    empty_text: str = ""
    note: str = ""
    code: str = ""
    link: str = ""
    link_text: str = ""
    tone: str = ""
    links: Sequence[tuple[str, str]] = ()
    anchor: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.code


class PanelsMixin(_Base):
    """Gives an admin class panels: override ``panels``; list it before the base class."""

    change_form_outer_after_template = "admin/panels.html"

    def panels(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:
        raise NotImplementedError

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Model | None = kwargs.get("obj")
        context["panels"] = [] if obj is None else list(self.panels(request, obj))
        return super().render_change_form(request, context, *args, **kwargs)


def money_cell(minor: int | None, currency: str) -> SafeString | str:
    if minor is None:
        return "-"
    return format_html('<span class="pb-money">{}</span>', display_money(minor, currency))


def at_cell(moment: datetime | None) -> SafeString:
    return format_html('<span class="pb-at">{}</span>', display_at(moment))


def link_cell(url: str, text: object) -> SafeString:
    return format_html('<a class="pb-link" href="{}">{}</a>', url, text)
