"""RTP variants: what each certified figure is, which report states it, and who confirmed that."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReasonedAction,
    ReasonForm,
    VersionedAdmin,
    at_cell,
    badge,
    link_cell,
)
from apps.core.percents import display_percent, percent_figure
from apps.providers.admin.certificates import standing_of, today
from apps.providers.admin.fields import choice_field, editing, text_field
from apps.providers.admin.register import deployments_panel
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.models import Deployment, RtpVariant
from apps.providers.selectors.lapses import certificate_choices
from apps.providers.selectors.rehearsals import rehearsed_games
from apps.providers.selectors.variants import StatedRtp, stated_rtps
from apps.providers.services.variants import name_source


class SourceForm(ReasonForm):
    certificate = choice_field("Report", certificate_choices)
    place = text_field("Where in it", "Such as: page 3, table 2.")
    field_order = ["certificate", "place", "reason"]


def _name_source(call: ActionCall) -> str:
    variant = name_source(
        call.object_id, int(call.fields["certificate"]), call.fields["place"], editing(call)
    )
    return f"{variant} is stated by {variant.source}."


@admin.register(RtpVariant)
class RtpVariantAdmin(PanelsMixin, VersionedAdmin[RtpVariant]):
    list_empty_text = "No variant is recorded. Open a game to add the RTP that a report certifies."
    list_display = [
        "code",
        "game",
        "rtp",
        "shown_deviation",
        "max_win_multiple",
        "certificate",
        "source",
    ]
    list_filter = [rehearsal_filter(lambda: rehearsed_games("game"))]
    list_select_related = ["game", "certificate"]
    search_fields = ["game__game_code__exact", "code__exact"]
    search_help_text = "Game code or variant code, exactly"
    ordering = ["game__game_code", "-rtp_percent", "pk"]
    reasoned_actions = [
        ReasonedAction(
            name="name-source",
            label="Name the report that states it",
            permission="providers.add_rtpvariant",
            perform=_name_source,
            question="Only a registered report that states this figure for the game is taken.",
            form_class=SourceForm,
        )
    ]
    fieldsets = [
        ("Variant", {"fields": [("code", "game"), ("rtp", "certificate"), "source", "created_at"]}),
        (
            "Volatility",
            {
                "fields": [
                    ("shown_deviation", "index"),
                    ("hit_frequency", "max_win", "jackpot"),
                ]
            },
        ),
    ]

    @admin.display(description="certified RTP", ordering="rtp_percent")
    def rtp(self, variant: RtpVariant) -> str:
        return display_percent(variant.rtp_percent)

    @admin.display(description="sigma (per unit stake)")
    def shown_deviation(self, variant: RtpVariant) -> str:
        deviation = variant.deviation
        return "not stated" if deviation is None else f"{deviation.normalize():f}"

    @admin.display(description="volatility index")
    def index(self, variant: RtpVariant) -> str:
        if variant.volatility_index is None or variant.volatility_z is None:
            return "not stated"
        index, z = variant.volatility_index.normalize(), variant.volatility_z.normalize()
        return f"{index:f} with z {z:f}"

    @admin.display(description="hit frequency")
    def hit_frequency(self, variant: RtpVariant) -> str:
        percent = variant.hit_frequency_percent
        return "not stated" if percent is None else display_percent(percent)

    @admin.display(description="max. win")
    def max_win(self, variant: RtpVariant) -> str:
        multiple = variant.max_win_multiple
        return "not stated" if multiple is None else f"{multiple:,} x stake"

    @admin.display(description="jackpot contribution")
    def jackpot(self, variant: RtpVariant) -> str:
        percent = variant.jackpot_percent
        return "none" if percent is None else display_percent(percent)

    @override
    def panels(self, request: HttpRequest, obj: RtpVariant) -> Sequence[Panel]:
        return [
            _reports_panel(obj),
            deployments_panel(Deployment.objects.filter(variant=obj)),
            _history_panel(obj),
        ]


def _reports_panel(variant: RtpVariant) -> Panel:
    return Panel(
        title=f"What reports state for {variant.game.game_code}",
        columns=["Report", "Issued", "Today", "RTP (%)", "This figure", "Read from", "Confirmed"],
        rows=[_report_row(one) for one in stated_rtps(variant, today())],
        empty_text="No report on file names the game: the figure stands on its source alone.",
    )


def _report_row(one: StatedRtp) -> list[str]:
    report = one.certificate
    document = reverse("admin:providers_document_change", args=[report.document_id])
    figures = ", ".join(percent_figure(figure) for figure in one.figures) or "none stated"
    confirmed = "not field by field: an import"
    if one.confirmed_by is not None and one.confirmed_at is not None:
        confirmed = f"{one.confirmed_by}, {one.confirmed_at:%Y-%m-%d}"
    return [
        link_cell(reverse("admin:providers_certificate_change", args=[report.pk]), report),
        str(report.issued_on),
        badge(*standing_of(report, today())),
        figures,
        badge("stated", "success") if one.states_this else badge("not stated", "neutral"),
        link_cell(document, f"page {one.page}" if one.page else "the document"),
        confirmed,
    ]


def _history_panel(variant: RtpVariant) -> Panel:
    # simple-history adds this manager to the model without a type.
    versions: Any = vars(type(variant))["history"].__get__(variant, type(variant))
    return Panel(
        title="History of the figure",
        columns=["When", "Who", "RTP", "Source", "Why"],
        rows=[
            [
                at_cell(version.history_date),
                str(version.history_user or "system"),
                display_percent(version.rtp_percent),
                version.source,
                version.history_change_reason or "-",
            ]
            for version in versions.select_related("history_user").order_by(
                "-history_date", "-history_id"
            )
        ],
    )
