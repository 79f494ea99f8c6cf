"""What an officer does from a game's page: builds, variants, and asking for an override."""

from collections.abc import Sequence

from django.urls import reverse

from apps.core.admin import ActionCall, Panel, ReasonedAction, ReasonForm, at_cell, link_cell
from apps.core.percents import display_percent
from apps.providers.admin.fields import (
    build_link,
    choice_field,
    decimal_field,
    editing,
    jurisdiction_field,
    moment_field,
    percent_field,
    text_field,
    whole_field,
)
from apps.providers.admin.register import changes_panel, deployments_panel
from apps.providers.enums import Channel
from apps.providers.models import Deployment, Game, GameBuild, RtpVariant, SupplierChange
from apps.providers.selectors.catalogue import withdrawals_of
from apps.providers.services import builds as services
from apps.providers.services.builds import NewBuild, NewVariant
from apps.providers.services.offers import restore_offer, withdraw_offer
from apps.providers.services.overrides import OverrideWish, request_override


class NewBuildForm(ReasonForm):
    version = text_field("Version", "As the supplier names it.")
    channel = choice_field("Channel", Channel.choices)
    platform_version = text_field("Platform version", required=False)
    engine_version = text_field("Engine version", required=False)
    client_revision = text_field("Client revision", required=False)
    rng_version = text_field("RNG version", required=False)
    digest = text_field("Package SHA-256", "64 hex digits.", required=False)
    field_order = [
        "version",
        "channel",
        "platform_version",
        "engine_version",
        "client_revision",
        "rng_version",
        "digest",
        "reason",
    ]


class NewVariantForm(ReasonForm):
    code = text_field("Code", "As the supplier names it.")
    rtp_percent = percent_field("Certified RTP (%)")
    sigma = decimal_field("Sigma", "Standard deviation of the win per unit staked.")
    volatility_index = decimal_field("Volatility index", "If the PAR sheet prints this instead.")
    volatility_z = decimal_field("z of the volatility index", "Commonly 1.645; never guess it.")
    hit_frequency_percent = decimal_field("Hit frequency (%)")
    max_win_multiple = whole_field("Max. win (x stake)", required=False)
    source = text_field("Source", "Document and page that state these figures.")
    field_order = [
        "code",
        "rtp_percent",
        "sigma",
        "volatility_index",
        "volatility_z",
        "hit_frequency_percent",
        "max_win_multiple",
        "source",
        "reason",
    ]


class OverrideForm(ReasonForm):
    jurisdiction = jurisdiction_field()
    ends_at = moment_field("Expires (UTC)", "Within a week.")
    field_order = ["jurisdiction", "ends_at", "reason"]


class OfferForm(ReasonForm):
    jurisdiction = jurisdiction_field()
    field_order = ["jurisdiction", "reason"]


def _withdraw(call: ActionCall) -> str:
    place = call.fields["jurisdiction"]
    withdraw_offer(
        game_id=call.object_id,
        jurisdiction=place,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"It is withdrawn in {place}: no launch from now on, and sessions there are ending."


def _restore(call: ActionCall) -> str:
    place = call.fields["jurisdiction"]
    restore_offer(
        game_id=call.object_id,
        jurisdiction=place,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"It is on offer in {place} again, where a report covers it and the law allows it."


def _add_build(call: ActionCall) -> str:
    facts = {**call.fields, "digest": call.fields["digest"].lower()}
    build = services.add_build(NewBuild(game_id=call.object_id, **facts), editing(call))
    return f"Build {build} is on file. Judge the change on its page, then record where it runs."


def _add_variant(call: ActionCall) -> str:
    variant = services.add_variant(NewVariant(game_id=call.object_id, **call.fields), editing(call))
    return f"Variant {variant} is on file."


def _ask_override(call: ActionCall) -> str:
    approval_id = request_override(
        OverrideWish(game_id=call.object_id, **call.fields),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"A second person can approve it (approval {approval_id}). Until then nothing changes."


GAME_ACTIONS = [
    ReasonedAction(
        name="add-build",
        label="Add a build",
        permission="providers.add_gamebuild",
        perform=_add_build,
        form_class=NewBuildForm,
    ),
    ReasonedAction(
        name="add-variant",
        label="Add an RTP variant",
        permission="providers.add_rtpvariant",
        perform=_add_variant,
        question="The figure never changes afterwards: another RTP is another variant.",
        form_class=NewVariantForm,
    ),
    ReasonedAction(
        name="withdraw-offer",
        label="Withdraw in a jurisdiction",
        permission="providers.withdraw_offer",
        perform=_withdraw,
        question="Nothing is launched there from now on. Sessions that run there end within "
        "moments: no new stakes; what was staked is settled as the provider says.",
        tone="danger",
        form_class=OfferForm,
        is_offered=lambda obj, _user: obj.offers.exists(),
    ),
    ReasonedAction(
        name="restore-offer",
        label="Put back on offer",
        permission="providers.withdraw_offer",
        perform=_restore,
        question="It can be launched there again, where a report covers it and the law allows it.",
        form_class=OfferForm,
        is_offered=lambda obj, _user: obj.withdrawals.filter(restored_at=None).exists(),
    ),
    ReasonedAction(
        name="override",
        label="Ask for an override",
        permission="providers.add_gateoverride",
        perform=_ask_override,
        question="Lets the game be served without proof for a week at most, once a second person "
        "agrees. The law is never lifted.",
        tone="danger",
        form_class=OverrideForm,
    ),
]


def _withdrawals_panel(game_id: int) -> Panel:
    found = withdrawals_of(game_id)
    return Panel(
        title="Withdrawn offers",
        columns=["Jurisdiction", "Withdrawn", "By", "Why", "Back on offer", "By", "Why"],
        rows=[
            [
                one.jurisdiction,
                at_cell(one.withdrawn_at),
                str(one.withdrawn_by),
                one.reason,
                "no" if one.restored_at is None else at_cell(one.restored_at),
                str(one.restored_by or "-"),
                one.restore_reason or "-",
            ]
            for one in found
        ],
        empty_text="The game was never withdrawn from a jurisdiction.",
        tone="warning" if any(one.restored_at is None for one in found) else "",
    )


def desk_panels(game: Game) -> Sequence[Panel]:
    variants = RtpVariant.objects.filter(game=game).order_by("-rtp_percent", "pk")
    builds = GameBuild.objects.filter(game=game).order_by("-created_at", "-pk")
    return [
        _withdrawals_panel(game.pk),
        deployments_panel(Deployment.objects.filter(game=game)),
        Panel(
            title="Builds",
            columns=["Version", "Channel", "Engine", "RNG", "Package SHA-256"],
            rows=[
                [
                    build_link(build),
                    build.get_channel_display(),
                    build.engine_version or "-",
                    build.rng_version or "-",
                    build.digest or "-",
                ]
                for build in builds
            ],
            empty_text="No build is on file.",
        ),
        Panel(
            title="RTP variants",
            columns=["Code", "Certified RTP", "Sigma", "Hit frequency", "Max. win", "Source"],
            rows=[
                [
                    link_cell(
                        reverse("admin:providers_rtpvariant_change", args=[item.pk]), item.code
                    ),
                    display_percent(item.rtp_percent),
                    "not stated" if item.deviation is None else f"{item.deviation:f}",
                    "-"
                    if item.hit_frequency_percent is None
                    else display_percent(item.hit_frequency_percent),
                    "-" if item.max_win_multiple is None else f"{item.max_win_multiple:,} x",
                    item.source,
                ]
                for item in variants
            ],
            empty_text="No variant is on file; the catalogue's RTP is the provider's statement.",
        ),
        changes_panel(
            SupplierChange.objects.filter(to_build__game=game),
            empty_text="Nobody has judged a change of this game.",
        ),
    ]
