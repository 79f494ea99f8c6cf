from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.admin import (
    CappedPaginator,
    ReadOnlyAdmin,
    ReasonForm,
    badge,
    choice_filter,
    money_column,
)
from apps.core.admin.paginator import COUNT_CAP, CappedCount
from apps.core.checks import _big_table_problems
from apps.core.fields import EncryptedTextField
from apps.core.models import AuditEntry, OutboxMessage
from tests.big_rows import fill
from tests.factories import make_user
from tests.plans import plan_of


def problems(**attributes: Any) -> set[str | None]:
    made = type("Made", (ReadOnlyAdmin,), attributes)
    return {problem.id for problem in _big_table_problems(made(OutboxMessage, AdminSite()))}


def test_what_reads_a_whole_big_table_is_refused_by_the_check() -> None:
    assert problems(list_filter=["topic"]) == {"core.E001"}
    assert problems(list_filter=[("topic", admin.AllValuesFieldListFilter)]) == {"core.E001"}
    assert problems(date_hierarchy="created_at") == {"core.E002"}
    assert problems(search_fields=["=topic"]) == {"core.E003"}
    assert problems(search_fields=["topic"]) == {"core.E003"}
    assert problems(search_fields=["topic__icontains"]) == {"core.E003"}
    assert problems(show_full_result_count=True) == {"core.E004"}


def test_static_filters_and_exact_search_pass_the_check() -> None:
    assert (
        problems(
            list_filter=[choice_filter("topic", "topic", [("a", "A")])],
            search_fields=["topic__exact"],
        )
        == set()
    )


def test_no_registered_page_over_a_big_table_breaks_the_rules() -> None:
    for model_admin in admin.site._registry.values():
        if getattr(model_admin.model, "is_big_table", False):
            assert list(_big_table_problems(model_admin)) == []


def test_no_registered_page_shows_a_secret() -> None:
    request = RequestFactory().get("/")
    request.user = type("Root", (), {"has_perm": lambda *_: True, "is_superuser": True})()
    for model_admin in admin.site._registry.values():
        secret = {
            field.name
            for field in model_admin.model._meta.concrete_fields
            if isinstance(field, EncryptedTextField)
        }
        if secret:
            shown = {*map(str, model_admin.get_list_display(request))}
            for _, options in model_admin.get_fieldsets(request):
                shown |= {str(name) for name in options["fields"]}
            assert not secret & shown


@pytest.mark.django_db
def test_no_list_answers_what_another_table_says_of_its_rows(client: Client) -> None:
    """Django lets an address ask of a list what belongs to its rows, unless it looks deeper."""
    client.force_login(make_user(permissions=("players.view_player",)))
    listing = reverse("admin:players_player_changelist")
    asked = [f"{listing}?{name}__isnull=0" for name in ("limits", "exclusions", "%2B")]

    assert client.get(f"{listing}?currency=EUR").status_code == 200
    assert [client.get(url).status_code for url in asked] == [400, 400, 400]


def test_no_page_of_ours_takes_a_filter_on_a_row_of_another_table() -> None:
    request = RequestFactory().get("/")
    taken = [
        f"{model._meta.label}?{relation.name}"
        for model, model_admin in admin.site._registry.items()
        if model.__module__.startswith("apps.")
        for relation in model._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete
        if model_admin.lookup_allowed(f"{relation.name}__isnull", "0", request)
    ]

    assert taken == []


def _kinds_of(form: type[ReasonForm]) -> Iterator[type[ReasonForm]]:
    for kind in form.__subclasses__():
        yield kind
        yield from _kinds_of(kind)


def test_every_field_of_an_action_has_a_visible_box() -> None:
    assert admin.site.urls  # what is registered is imported
    forms = list(_kinds_of(ReasonForm))
    plain = [
        f"{form.__qualname__}.{name}"
        for form in forms
        for name, field in form.base_fields.items()
        if type(field.widget).__module__ == "django.forms.widgets" and not field.widget.is_hidden
    ]

    # Django's own boxes have neither border nor ground in this theme: nobody finds them.
    assert len(forms) > 30
    assert plain == []


def test_a_count_beyond_the_cap_says_so() -> None:
    assert str(CappedCount(10_000)) == "10,000"
    assert str(CappedCount(10_001)) == "10,000+"
    assert f"{CappedCount(10_001)}" == "10,000+"


@pytest.mark.django_db
def test_counting_stops_one_past_the_cap() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert CappedPaginator(OutboxMessage.objects.order_by("-id"), 50).count == 0
    (query,) = queries.captured_queries
    assert f"LIMIT {COUNT_CAP + 1}" in query["sql"]
    assert "ORDER BY" not in query["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("term", "may_match"),
    [("7", True), ("x", False), ("9" * 40, False), ("-1", True), ("", True)],
)
def test_a_number_is_searched_as_a_number(term: str, *, may_match: bool) -> None:
    model_admin = admin.site._registry[OutboxMessage]
    with CaptureQueriesContext(connection) as queries:
        rows, _ = model_admin.get_search_results(
            RequestFactory().get("/"), OutboxMessage.objects.all(), term
        )
        list(rows)
    assert bool(queries.captured_queries) is may_match
    assert not any("::varchar" in query["sql"] for query in queries.captured_queries)


@pytest.mark.django_db
def test_audit_search_by_subject_uses_its_index() -> None:
    fill([AuditEntry], rows=5_000, values={"subject": "'approval:' || i"})
    plan = plan_of("SELECT * FROM core_auditentry WHERE subject = 'approval:1' ORDER BY id DESC")
    assert "core_audit_subject" in plan, plan


def test_money_shows_unit_and_separators() -> None:
    row = type("Row", (), {"amount_minor": 123450, "currency": "AUD"})()
    assert ">1,234.50 AUD<" in money_column("amount_minor")(row)


def test_a_badge_escapes_its_text_and_knows_its_tones() -> None:
    assert "&lt;b&gt;" in badge("<b>", "danger")
    with pytest.raises(ValueError, match="pink"):
        badge("x", "pink")


@pytest.mark.django_db
def test_read_only_pages_offer_no_verb_but_view() -> None:
    request = RequestFactory().get("/")
    for model in (OutboxMessage, AuditEntry):
        model_admin = admin.site._registry[model]
        assert not model_admin.has_add_permission(request)
        assert not model_admin.has_change_permission(request)
        assert not model_admin.has_delete_permission(request)
        assert model_admin.get_actions(request) == {}
