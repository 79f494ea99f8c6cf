"""A link leads where the person who reads may go; anywhere else its words stand alone."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from django import template
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.urls import Resolver404, resolve
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from apps.core.site import registered_admins

register = template.Library()

_LINK: Final = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_NUMBERS: Final = re.compile(r"\d+")


def may_open(request: HttpRequest, address: str) -> bool:
    """Say whether the person may see what an address of the admin shows; others are open."""
    path = _NUMBERS.sub("0", urlsplit(address).path)
    found = _page(path)
    if found is None:
        return True
    model_admin, name = found
    if name == "add":
        return bool(model_admin.has_add_permission(request))
    return bool(model_admin.has_view_permission(request))


@cache
def _page(path: str) -> tuple[Any, str] | None:
    try:
        match = resolve(path)
    except Resolver404:
        return None
    name = match.url_name or ""
    if match.namespace != "admin":
        return None
    for model_admin in registered_admins():
        options = model_admin.opts
        prefix = f"{options.app_label}_{options.model_name}_"
        if name.startswith(prefix):
            return model_admin, name.removeprefix(prefix)
    return None


@register.simple_tag(takes_context=True)
def openable(context: Mapping[str, Any], text: Any) -> SafeString:
    """Show a cell, its lines as lines and its links only where the person may open them."""
    request: HttpRequest | None = context.get("request")
    shown = conditional_escape(text)
    if "<" not in shown:
        return linebreaksbr(shown)
    if request is None or "<a" not in shown:
        return shown

    def kept(found: re.Match[str]) -> str:
        return found[0] if may_open(request, found[1]) else found[2]

    return mark_safe(_LINK.sub(kept, shown))  # noqa: S308 - escaped above; only link tags are taken out


@register.filter
def opens_to(address: str, request: HttpRequest) -> bool:
    return may_open(request, address)
