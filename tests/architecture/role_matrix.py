"""Who may open which address with which verb: the actual table, asked of the running product."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, override

from django.conf import settings
from django.contrib import admin
from django.template import Origin, TemplateDoesNotExist
from django.template.loaders.base import Loader
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView

from apps.core.admin.masking import personal_fields
from apps.staff.enums import Role
from apps.staff.models import User
from tests.factories import make_user

TABLE: Final = Path(__file__).with_name("role_matrix.txt")

# Column -> role. The first three columns and the last are people without any role.
ROLE_COLUMNS: Final = {
    "comp": Role.COMPLIANCE_OFFICER,
    "agent": Role.CS_AGENT,
    "super": Role.CS_SUPERVISOR,
    "promo": Role.PROMO_MANAGER,
    "finan": Role.FINANCE_ANALYST,
    "integ": Role.INTEGRATION_ENGINEER,
    "aml": Role.AML_OFFICER,
    "audit": Role.AUDITOR,
}
COLUMNS: Final = ("anon", "inact", "none", *ROLE_COLUMNS, "root")
WIDTH: Final = 6
HEADER: Final = "".join(column.ljust(WIDTH) for column in COLUMNS) + "address"

UNSAFE_VERBS: Final = ("post", "put", "patch", "delete")
_SIGN_IN_PATHS: Final = ("/admin/login/", "/account/")
_SAMPLES: Final = {
    "int": "0",
    "slug": "none",
    "str": "none",
    "path": "0",
    "uuid": "00000000-0000-0000-0000-000000000000",
}


class BlankLoader(Loader):
    """Every template is empty: who may open a page is decided before it is drawn."""

    @override
    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        yield Origin(name=template_name, template_name=template_name, loader=self)

    def get_contents(self, origin: Origin) -> str:
        if not origin.template_name:
            raise TemplateDoesNotExist(origin)
        return ""


def blank_templates() -> list[dict[str, Any]]:
    engine: dict[str, Any] = settings.TEMPLATES[0]
    loaders = [f"{BlankLoader.__module__}.{BlankLoader.__qualname__}"]
    options = {**engine["OPTIONS"], "loaders": loaders}
    return [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


@dataclass(frozen=True, slots=True)
class Address:
    """One line of the table: the route as people read it, and a path that matches it."""

    route: str
    path: str

    @property
    def is_menu(self) -> bool:
        return self.route.startswith("admin/") and self.route.count("/") <= 2


def addresses() -> list[Address]:
    """Return every address that the resolver knows, each button and each app's page by itself."""
    found = {
        address.route: address
        for route, pattern in _walk(get_resolver().url_patterns)
        for address in _expand(route, pattern)
    }
    return [found[route] for route in sorted(found)]


def _walk(patterns: Sequence[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if getattr(pattern.callback, "view_class", None) is RedirectView and prefix:
            continue  # The admin's old addresses: they lead to the page that decides.
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern


def _expand(route: str, pattern: URLPattern) -> Iterator[Address]:
    readable = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route).replace("([^/]+)", "<str:id>")
    readable = readable.replace("^", "").replace("$", "").replace("\\.", ".")
    if pattern.name == "app_list":
        for label in sorted(_admin_labels()):
            yield Address(f"admin/{label}/", f"/admin/{label}/")
    elif readable.endswith("/do/<slug:name>/"):
        for name in _button_names(str(pattern.name)):
            button = readable.replace("<slug:name>", name)
            yield Address(button, _path(button))
    else:
        yield Address(readable or "/", _path(readable))


def _admin_labels() -> set[str]:
    return {model._meta.app_label for model in admin.site._registry}


def _button_names(url_name: str) -> list[str]:
    for model, model_admin in admin.site._registry.items():
        if url_name == f"{model._meta.app_label}_{model._meta.model_name}_do":
            buttons = [action.name for action in getattr(model_admin, "reasoned_actions", ())]
            return [*buttons, *(["unmask"] if personal_fields(model) else [])]
    raise LookupError(url_name)


def _path(route: str) -> str:
    def sample(match: re.Match[str]) -> str:
        converter, _, _ = match.group(1).rpartition(":")
        return _SAMPLES[converter or "str"]

    return "/" + re.sub(r"<([^>]+)>", sample, route)


def make_people() -> dict[str, User | None]:
    """Make one person per column; None is the stranger."""
    people: dict[str, User | None] = {"anon": None}
    people["inact"] = User.objects.create_superuser("gone", password="x", is_active=False)
    people["none"] = User.objects.create_user("newcomer", is_staff=True)
    for column, role in ROLE_COLUMNS.items():
        people[column] = make_user(column, roles=(role,))
    people["root"] = User.objects.create_superuser("root", password="x")
    return people


class Visitor:
    """One person's browser; signs in again where a page signed them out."""

    def __init__(self, person: User | None) -> None:
        self.person = person
        self.client = Client(raise_request_exception=True)
        self._sign_in()

    def _sign_in(self) -> None:
        if self.person is not None:
            self.client.force_login(self.person)

    def may(self, verb: str, address: Address) -> bool:
        """Tell whether the request was let through, whatever came of it then."""
        response = getattr(self.client, verb)(address.path)
        if address.route.endswith("logout/"):
            self._sign_in()
        if response.status_code >= 500:
            raise AssertionError(f"{verb} {address.path}: {response.status_code}")
        if response.status_code in {301, 302}:
            return not response["Location"].startswith(_SIGN_IN_PATHS)
        # A menu of an app in which a person may open nothing is "not found".
        refusals = {401, 403, 405} | ({404} if address.is_menu else set())
        return response.status_code not in refusals

    def cell(self, address: Address) -> str:
        """``r`` where reading is let through, ``w`` where an unsafe verb is, ``.`` where not.

        Pages of the admin answer POST only; to other verbs they are the page that GET shows.
        """
        verbs = UNSAFE_VERBS[:1] if address.route.startswith("admin/") else UNSAFE_VERBS
        reads = "r" if self.may("get", address) else "."
        writes = "w" if any(self.may(verb, address) for verb in verbs) else "."
        return reads + writes


def actual_lines() -> list[str]:
    """Ask everything as everybody; needs roles that were seeded."""
    visitors = [Visitor(person) for person in make_people().values()]
    return [
        "".join(visitor.cell(address).ljust(WIDTH) for visitor in visitors) + address.route
        for address in addresses()
    ]


def reviewed_lines() -> list[str]:
    lines = TABLE.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#") and line != HEADER]


def write_table(lines: Sequence[str]) -> None:
    """Replace the lines of the table and keep what stands above them."""
    comments = [line for line in TABLE.read_text().splitlines() if line.startswith("#")]
    TABLE.write_text("\n".join([*comments, HEADER, *lines]) + "\n")


def by_address(lines: Sequence[str]) -> dict[str, str]:
    start = len(COLUMNS) * WIDTH
    return {line[start:]: line for line in lines}
