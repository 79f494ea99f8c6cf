"""A form on a page of its own, with the question that it answers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.forms.forms import BaseForm
from django.http import HttpRequest
from django.template.response import TemplateResponse


@dataclass(frozen=True, kw_only=True, slots=True)
class FormPage:
    """What stands around a form, with files or not: title, question, button and the way back."""

    title: str
    question: str
    label: str
    back_url: str
    tone: ClassVar = "primary"

    def show(
        self,
        request: HttpRequest,
        model_admin: "ModelAdmin[Any]",
        form: BaseForm,
        *,
        status: int = 200,
    ) -> TemplateResponse:
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.title,
            "opts": model_admin.opts,
            "form": form,
            "action": self,
            "back_url": self.back_url,
        }
        return TemplateResponse(request, "admin/form_page.html", context, status=status)
