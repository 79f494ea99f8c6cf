"""Drawing a sample, reading its members, and drawing it again."""

import secrets
from collections.abc import Sequence
from typing import Any, Final, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from apps.auditing import selectors, services
from apps.auditing.admin.forms import RowsForm
from apps.auditing.contracts import ALGORITHM, Redraw, SampleRequest
from apps.auditing.draws import draw_key
from apps.auditing.models import Sample
from apps.core.admin import (
    AddedByServiceMixin,
    AddPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    datetime_column,
    display_at,
    link_cell,
)
from apps.core.errors import DomainError
from apps.core.populations import population_by_name

_GONE: Final = "not found"
_DRAWS_SHOWN: Final = 50


class SampleForm(RowsForm):
    size = forms.IntegerField(
        initial=25,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="1 to 1,000. A smaller population is taken whole.",
    )
    seed = forms.CharField(
        max_length=64,
        strip=True,
        widget=UnfoldAdminTextInputWidget,
        help_text="Yours, or this random one. Kept with the sample: every draw can be repeated.",
    )
    field_order = [
        "population",
        "since",
        "until",
        "provider",
        "jurisdiction",
        "size",
        "seed",
        "reason",
    ]

    @override
    def suggestions(self) -> dict[str, str]:
        return {"seed": secrets.token_hex(8)}

    def request(self) -> SampleRequest:
        fields = self.cleaned_data
        return SampleRequest(
            population=fields["population"],
            narrowing=self.narrowing(),
            size=fields["size"],
            seed=fields["seed"],
            purpose=fields["reason"],
        )


@admin.register(Sample)
class SampleAdmin(AddedByServiceMixin, PanelsMixin, ReadOnlyAdmin[Sample]):
    add_page = AddPage(
        title="Draw a sample",
        question="The seed decides which rows; the same seed gives the same ones for "
        "good. Seed, filters, size and members are kept and go to the audit chain.",
        label="Draw",
    )
    list_empty_text = "Nobody drew a sample. An auditor draws one, from its seed for good."
    list_display = [
        "name",
        "population_label",
        "period",
        "drawn_of",
        "seed",
        "drawn_by",
        datetime_column("drawn_at", title="drawn"),
    ]
    list_select_related = ["drawn_by"]
    search_fields = ["id__exact", "seed__exact"]
    search_help_text = "Number or seed, exactly"
    ordering = ["-pk"]
    fieldsets = [
        ("Drawn", {"fields": ["purpose", "drawn_by", "drawn_at"]}),
        (
            "To repeat it",
            {"fields": ["rows_meant", "population_size", "seed", "size", "how", "members_sha256"]},
        ),
    ]

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:sample_id>/again/",
                self.admin_site.admin_view(self.again_view),
                name="auditing_sample_again",
            ),
            *super().get_urls(),
        ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("auditing.add_sample")

    @admin.display(description="sample", ordering="pk")
    def name(self, sample: Sample) -> str:
        return str(sample)

    @admin.display(description="population", ordering="population")
    def population_label(self, sample: Sample) -> str:
        return population_by_name(sample.population).label

    @admin.display(description="period (UTC)", ordering="since")
    def period(self, sample: Sample) -> str:
        return f"{sample.since:%Y-%m-%d} to {sample.until:%Y-%m-%d %H:%M}"

    @admin.display(description="members of rows", ordering="population_size")
    def drawn_of(self, sample: Sample) -> str:
        return f"{sample.members_count:,} of {sample.population_size:,}"

    @admin.display(description="population")
    def rows_meant(self, sample: Sample) -> str:
        return f"{selectors.describe_rows(sample)}, ids up to {sample.last_id}"

    @admin.display(description="how it was drawn")
    def how(self, sample: Sample) -> str:
        return f'Members are {ALGORITHM}. Here "{sample.seed}:ID", ids in decimal.'

    @override
    def panels(self, request: HttpRequest, obj: Sample) -> Sequence[Panel]:
        return [_next_panel(request, obj), _members_panel(request, obj), _draws_panel(obj)]

    @override
    def new_form(self, request: HttpRequest) -> SampleForm:
        return SampleForm(request.user, timezone.now(), request.POST or None)

    @override
    def added(self, request: HttpRequest, form: Any) -> Sample:
        sample = services.draw_sample(form.request(), acting_user=request.user, now=timezone.now())
        messages.success(
            request, f"Drawn: {sample.members_count:,} of {sample.population_size:,} rows."
        )
        return sample

    def again_view(self, request: HttpRequest, sample_id: int) -> HttpResponse:
        """Draw once more from what is there now, and compare with what was kept."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sample = self.get_object(request, str(sample_id))
        if sample is None:
            raise Http404
        try:
            redraw = selectors.drawn_again(sample, timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:auditing_sample_change", args=[sample.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{sample}, drawn again",
            "opts": self.opts,
            "panels": [_again_panel(sample, redraw)],
        }
        return TemplateResponse(request, "admin/panels_page.html", context)


def _members_panel(request: HttpRequest, sample: Sample) -> Panel:
    population = population_by_name(sample.population)
    may_open = request.user.has_perm(population.permission)
    rows = []
    for place, pk, reference, member in selectors.members_of(sample):
        facts = [_GONE, _GONE] if member is None else [member.what, at_cell(member.at)]
        shown = link_cell(member.link, reference) if member and may_open else reference
        key = format_html('<span class="pb-at">{}</span>', draw_key(sample.seed, pk)[:16])
        rows.append([str(place), shown, *(facts if may_open else ["-", "-"]), str(pk), key])
    return Panel(
        title=f"{sample.members_count:,} members of {sample.population_size:,}, as drawn",
        note="Each leads to its own page; a round's page shows its proof, events and ledger lines.",
        columns=["#", "Member", "What", population.moment.capitalize(), "Id", "SHA-256 begins"],
        rows=rows,
    )


def _next_panel(request: HttpRequest, sample: Sample) -> Panel:
    again = reverse("admin:auditing_sample_again", args=[sample.pk])
    steps = [("Draw it again and compare", again)]
    if request.user.has_perm("auditing.add_export"):
        export = reverse("admin:auditing_export_add")
        steps.append(("Export the members", f"{export}?sample={sample.pk}"))
    return Panel(
        title="What to do next",
        empty_text="Open each member below and check it. The draw can be repeated at any time; an "
        "export holds the members with everything that belongs to them.",
        links=steps,
        tone="info",
    )


def _draws_panel(sample: Sample) -> Panel:
    draws, total = selectors.draws_of_same_rows(sample, limit=_DRAWS_SHOWN)
    cut = f" The newest {len(draws):,} of {total:,} are shown." if total > len(draws) else ""
    return Panel(
        title=f"Draws from the same rows: {total:,}",
        note="All of them are kept: a seed that was tried until it pleased would show here. Same "
        "rows means the same population, beginning and filters, wherever the period ends." + cut,
        columns=["Sample", "Seed", "Until before", "Members", "Of", "Drawn", "By", "Why"],
        rows=[
            [
                link_cell(reverse("admin:auditing_sample_change", args=[one.pk]), str(one)),
                one.seed,
                at_cell(one.until),
                f"{one.members_count:,}",
                f"{one.population_size:,}",
                at_cell(one.drawn_at),
                str(one.drawn_by),
                one.purpose,
            ]
            for one in draws
        ],
    )


def _again_panel(sample: Sample, redraw: Redraw) -> Panel:
    kept = [pk for _, pk, _, _ in selectors.members_of(sample)]
    same_size = redraw.population_size == sample.population_size
    same_members = redraw.member_ids == kept
    agrees = same_size and same_members
    return Panel(
        title="The same sample" if agrees else "Not the same sample",
        note=f"Drawn again on {display_at(redraw.drawn_at)}. Nothing was kept of it.",
        columns=["", "Kept", "Now", ""],
        rows=[
            _compared(
                "Rows in the population",
                f"{sample.population_size:,}",
                f"{redraw.population_size:,}",
                is_same=same_size,
            ),
            _compared(
                "Members, in order",
                ", ".join(map(str, kept)),
                ", ".join(map(str, redraw.member_ids)),
                is_same=same_members,
            ),
        ],
        tone="success" if agrees else "danger",
        links=[(f"Back to {sample}", reverse("admin:auditing_sample_change", args=[sample.pk]))],
    )


def _compared(what: str, kept: str, now: str, *, is_same: bool) -> list[str]:
    return [what, kept, now, "same" if is_same else "differs"]
