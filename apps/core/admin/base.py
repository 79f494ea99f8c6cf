"""Unfold's ModelAdmin wrapped once, and the read-only one for what nobody edits."""

from typing import TYPE_CHECKING, Any, override

from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import models
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin.masking import MaskingMixin
from apps.core.admin.paginator import COUNT_CAP, CappedPaginator
from apps.core.admin.refusals import note_refused_save, with_refused_save
from apps.core.errors import DomainError
from apps.core.fields import EncryptedTextField

if TYPE_CHECKING:

    class _UnfoldModelAdmin[M: Model](admin.ModelAdmin[M]):
        """What we use of Unfold's class, which has no types of its own."""

        list_filter_submit: bool
        list_fullwidth: bool
        warn_unsaved_form: bool
        actions_detail: list[Any]
else:
    from unfold.admin import ModelAdmin as _UnfoldBase

    class _UnfoldModelAdmin(_UnfoldBase):
        def __class_getitem__(cls, _item: object) -> type:
            # ``ModelAdmin[Player]`` is for the type checker; at run time it is the class itself.
            return cls


def signed_in(request: HttpRequest) -> AbstractBaseUser:
    """Return who asks, for services that act for a person only."""
    if not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    return request.user


class ModelAdmin[M: Model](MaskingMixin, _UnfoldModelAdmin[M]):
    """The base of every admin here: no full counts, exact search, nothing deleted in bulk.

    ``list_empty_text`` says what an empty list means and how its first row comes to be.
    """

    list_empty_text = "Nothing is recorded here yet."
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_fullwidth = True
    warn_unsaved_form = True
    empty_value_display = "-"
    save_on_top = False

    @override
    def get_actions(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        actions = super().get_actions(request, *args, **kwargs)
        actions.pop("delete_selected", None)
        return actions

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form as it was sent where the service refuses; nothing of it is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            if request.method != "POST":
                raise
            note_refused_save(request, refusal)
        return super().changeform_view(request, object_id, form_url, extra_context)

    @override
    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return with_refused_save(request, super().get_form(request, obj, change=change, **kwargs))

    @override
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # What belongs to other tables is theirs to show: Django lets any address ask "has limits?"
        # of a list of players. A filter that is on offer may.
        names = {getattr(one, "parameter_name", None) for one in self.list_filter}
        if lookup not in names and self._is_of_others(lookup.partition("__")[0]):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _is_of_others(self, name: str) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return field.auto_created and not field.concrete

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        # Asked before the object is looked up: who may not read doesn't learn which ids exist.
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    @override
    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> M | None:
        # A page without a table of its own has no rows to open, only a list address.
        return super().get_object(request, object_id, from_field) if self.opts.managed else None

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Search exact fields by their own type, so that an index on a number is used.

        Django casts a number to text for ``__exact``, which reads the whole table.
        """
        fields = [str(field) for field in self.get_search_fields(request)]
        if not search_term or not all(field.endswith("__exact") for field in fields):
            return super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        is_big = getattr(self.model, "is_big_table", False)
        conditions: list[Any] = [
            self._of_own_columns(path, value) if is_big else Q(**{path: value})
            for path in (field.removesuffix("__exact") for field in fields)
            if (value := self.typed(path, term)) is not None
        ]
        conditions += self.also_searched(term)
        if not conditions:
            return queryset.none(), False
        if is_big:
            return queryset.filter(pk__in=self._ids_found(queryset, conditions)), False
        return queryset.filter(Q.create(conditions, connector=Q.OR)), False

    def _of_own_columns(self, path: str, value: Any) -> Q:
        """Look up what a path means in the other table first.

        PostgreSQL knows how many rows here belong to one player, but not to one of some name.
        """
        name, _, rest = path.partition("__")
        if not rest:
            return Q(**{path: value})
        others: Any = self.model._meta.get_field(name).related_model
        keys = others._meta.base_manager.filter(**{rest: value}).values_list("pk", flat=True)
        return Q(**{f"{name}__in": list(keys[: COUNT_CAP + 1])})

    def _ids_found(self, queryset: QuerySet[M], conditions: list[Q]) -> set[Any]:
        """Ask each index on its own: joined by OR they would read the whole table.

        No list shows more than the newest of what is found, so no more is asked for.
        """
        rows = queryset.filter(**self.search_lead())
        return {
            pk
            for condition in conditions
            for pk in rows.filter(condition)
            .order_by(_newest_first(self.model, condition))
            .values_list("pk", flat=True)[: COUNT_CAP + 1]
        }

    def search_lead(self) -> dict[str, Any]:
        """Return what holds for every row and comes first in the indexes that searches use."""
        return {}

    def also_searched(self, term: str) -> list[Q]:  # noqa: ARG002 - for those who override it
        """Return what else a term may mean, where no field says it alone."""
        return []

    def typed(self, path: str, term: str) -> Any:
        """Return a term as the value of a field, None where it can't be one."""
        field: Any = None
        options = self.model._meta
        for name in path.split("__"):
            field = options.pk if name == "pk" else options.get_field(name)
            options = field.related_model._meta if field.is_relation else options
        field = getattr(field, "target_field", field)
        try:
            value = field.to_python(term)
            field.run_validators(value)
        except (ValidationError, OverflowError):
            return None
        return None if isinstance(value, str) and "\x00" in value else value


def _newest_first(model: type[Model], condition: Any) -> Any:
    """Order what a condition finds by its primary key; what belongs to others only once found.

    All that one player did may be old: along the primary key PostgreSQL would look for it through
    the rows of everybody since. No index has a sum, so it reads the one on the player. Where that
    one goes on with the primary key, or with when it happened, it is read from its newest row on
    and no further than needed.
    """
    paths = [str(child[0]) for child in condition.children]
    joined = [path for path in paths if "__" in path]
    if not joined:
        return "-pk"
    if joined == paths and len(joined) == 1 and joined[0].endswith("__in"):
        return _order_within(model, joined[0].removesuffix("__in"))
    return (F("pk") + 0).desc()


def _order_within(model: type[Model], owner: str) -> Any:
    """Return the order in which an index holds the rows of one owner, newest first."""
    for index in model._meta.indexes:
        first, *rest = index.fields
        if first != owner or len(rest) != 1 or index.condition is not None:
            continue
        name = rest[0].removeprefix("-")
        if rest == ["-id"]:
            return "-pk"
        if isinstance(model._meta.get_field(name), models.DateTimeField):
            return f"-{name}"
    return (F("pk") + 0).desc()


class ReadOnlyAdmin[M: Model](ModelAdmin[M]):
    """Shows rows that only services write: nothing can be added, changed or deleted here.

    Whoever has the view permission sees every column except encrypted ones.
    """

    actions = None
    warn_unsaved_form = False

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    @override
    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        if self.fields:
            return self.fields
        return [
            field.name
            for field in self.model._meta.concrete_fields
            if not isinstance(field, (EncryptedTextField, models.BinaryField))
        ]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        names: list[Any] = list(self.readonly_fields)
        for _, options in self.get_fieldsets(request, obj):
            for entry in options["fields"]:
                names.extend(entry if isinstance(entry, (list, tuple)) else [entry])
        return list(dict.fromkeys(names))

    @override
    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # Rows that nobody edits have no versions: the button would lead to an empty page.
        context["show_history"] = hasattr(self, "history_form_view")
        return super().render_change_form(request, context, *args, **kwargs)


class PageAdmin[M: Model](ReadOnlyAdmin[M]):
    """One page or a few under the model's address; there are no rows of its own to open."""

    @override
    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise PermissionDenied
