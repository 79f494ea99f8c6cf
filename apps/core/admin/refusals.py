"""A refused action keeps what was typed, and says why beside the field that it is about.

``RefusalShownIn`` is the one way for a form on a page of its own. ``ModelAdmin`` does the same for
Django's own add and change pages: whatever ``save_model`` is refused stands in the form.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, override

from django import forms
from django.forms.forms import BaseForm
from django.http import HttpRequest

from apps.core.errors import DomainError

_REFUSED: Final = "refused_save"


class RefusalShownIn(AbstractContextManager[None, bool]):
    """Ask a service for what a form says: a refusal ends the block, and stands in the form."""

    def __init__(self, form: BaseForm) -> None:
        self._form = form

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, DomainError):
            return False
        place_refusal(self._form, error)
        return True


def place_refusal(form: BaseForm, refusal: DomainError) -> None:
    """Put a refusal beside the field that it concerns, or above the form where it has none.

    A form whose fields have other names than the service's arguments says so in
    ``concerned_fields``.
    """
    names: Mapping[str, str] = getattr(form, "concerned_fields", {})
    field = names.get(refusal.concerns, refusal.concerns)
    error = forms.ValidationError(str(refusal), code=refusal.code)
    form.add_error(field if field in form.fields else None, error)


def note_refused_save(request: HttpRequest, refusal: DomainError) -> None:
    """Have the form of this request built once more with the refusal in it."""
    setattr(request, _REFUSED, refusal)


def with_refused_save(request: HttpRequest, form_class: Any) -> Any:
    """Return a form class whose forms hold what this request was refused, if it was."""
    refusal: DomainError | None = getattr(request, _REFUSED, None)
    if refusal is None:
        return form_class

    def full_clean(form: Any) -> None:
        form_class.full_clean(form)
        place_refusal(form, refusal)

    return type(form_class.__name__, (form_class,), {"full_clean": full_clean})
