"""What runs where: builds, variants, deployments and suppliers' changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    VersionedAdmin,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
)
from apps.providers.admin.fields import (
    JURISDICTIONS,
    build_link,
    choice_field,
    editing,
    jurisdiction_field,
    moment_field,
    text_field,
    yes_field,
)
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.enums import ChangeClass, Channel
from apps.providers.errors import UnknownRegisterRowError
from apps.providers.models import (
    CertifiedBuild,
    Deployment,
    GameBuild,
    RtpVariant,
    SupplierChange,
)
from apps.providers.selectors.coverage import cover
from apps.providers.selectors.rehearsals import rehearsed_games
from apps.providers.services import builds as services
from apps.providers.services.builds import Judgement, NewDeployment

CHANGE_TONES: dict[str, str] = {ChangeClass.MAJOR: "danger", ChangeClass.MINOR: "success"}


class DeployForm(ReasonForm):
    jurisdiction = jurisdiction_field()
    channel = choice_field("Channel", Channel.choices)
    variant = text_field(
        "RTP variant", "Its code, as the game's page lists it. Empty: not known.", required=False
    )
    starts_at = moment_field("Runs from (UTC)", "What runs there by then ends at that moment.")
    digest = text_field(
        "Package SHA-256 as measured", "64 hex digits, where somebody measured it.", required=False
    )
    field_order = ["jurisdiction", "channel", "variant", "starts_at", "digest", "reason"]


class JudgeForm(ReasonForm):
    from_version = text_field("Came from build", "The version of the build that it replaces.")
    classification = choice_field(
        "The change is", ChangeClass.choices, "In doubt it is major: ask the lab that tested it."
    )
    affects_rng = yes_field("It touches the RNG, its seeding or scaling")
    affects_outcome = yes_field("It touches how outcomes are made")
    affects_rtp = yes_field("It touches RTP, paytable or jackpot")
    affects_rules = yes_field("It touches rules or what players are shown")
    supplier_note = text_field("What the supplier says", required=False)
    field_order = [
        "from_version",
        "classification",
        "affects_rng",
        "affects_outcome",
        "affects_rtp",
        "affects_rules",
        "supplier_note",
        "reason",
    ]


def _deploy(call: ActionCall) -> str:
    build = GameBuild.objects.get(pk=call.object_id)
    code, variant = call.fields["variant"], None
    if code:
        variant = RtpVariant.objects.filter(game_id=build.game_id, code=code).first()
        if variant is None:
            raise UnknownRegisterRowError(f"The game has no variant {code}.")
    new = NewDeployment(
        jurisdiction=call.fields["jurisdiction"],
        build_id=build.pk,
        variant_id=variant.pk if variant else None,
        starts_at=call.fields["starts_at"],
        channel=call.fields["channel"],
        digest=call.fields["digest"].lower(),
    )
    deployment = services.deploy(new, editing(call))
    answer = cover(build.game_id, deployment.jurisdiction, deployment.starts_at)
    told = "It is covered." if answer.allowed else f"Not covered: {answer.reasons[0].text}"
    return f"Build {build} runs in {deployment.jurisdiction}. {told}"


def _judge(call: ActionCall) -> str:
    build = GameBuild.objects.get(pk=call.object_id)
    version = call.fields["from_version"]
    source = GameBuild.objects.filter(game_id=build.game_id, version=version).first()
    if source is None:
        raise UnknownRegisterRowError(f"The game has no build {version}.")
    answers = {name: value for name, value in call.fields.items() if name != "from_version"}
    answers["classification"] = ChangeClass(answers["classification"])
    change = services.judge_change(
        Judgement(from_build_id=source.pk, to_build_id=build.pk, **answers), editing(call)
    )
    return f"The change from {source} to {build} is {change.get_classification_display()}."


@admin.register(GameBuild)
class GameBuildAdmin(PanelsMixin, ReadOnlyAdmin[GameBuild]):
    list_empty_text = "No build is recorded. Open a game to add the build that runs."
    list_display = ["version", "game", "channel", "engine_version", datetime_column("created_at")]
    list_filter = [
        choice_filter("channel", "channel", Channel.choices),
        rehearsal_filter(lambda: rehearsed_games("game")),
    ]
    list_select_related = ["game"]
    search_fields = ["game__game_code__exact", "version__exact", "digest__exact"]
    search_help_text = "Game code, version or SHA-256 of the package, exactly"
    ordering = ["-created_at", "-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="deploy",
            label="Record where it runs",
            permission="providers.add_deployment",
            perform=_deploy,
            question="From that moment on, the launch gate asks whether a report covers this build "
            "there.",
            tone="primary",
            form_class=DeployForm,
        ),
        ReasonedAction(
            name="judge",
            label="Judge the change",
            permission="providers.add_supplierchange",
            perform=_judge,
            question="A minor change lets the report of the old build stand for this one. A change "
            "that touches fairness is major (UKGC testing strategy, Annex A). The reason is kept "
            "as the rationale.",
            form_class=JudgeForm,
        ),
    ]

    @override
    def panels(self, request: HttpRequest, obj: GameBuild) -> Sequence[Panel]:
        reports = CertifiedBuild.objects.select_related("certificate").filter(
            game_code=obj.game.game_code, build_version=obj.version
        )
        return [
            Panel(
                title="Reports that name it",
                columns=["Report", "Channel", "Package SHA-256"],
                rows=[
                    [
                        link_cell(
                            reverse(
                                "admin:providers_certificate_change", args=[item.certificate_id]
                            ),
                            item.certificate,
                        ),
                        item.get_channel_display(),
                        item.digest or "-",
                    ]
                    for item in reports.order_by("pk")
                ],
                empty_text="No report names it. A report without a build on file covers it unless "
                "it came by a major or unjudged change.",
            ),
            changes_panel(
                SupplierChange.objects.filter(to_build=obj)
                | SupplierChange.objects.filter(from_build=obj),
                empty_text="Nobody has judged a change from or to this build.",
            ),
            deployments_panel(Deployment.objects.filter(build=obj)),
        ]


def changes_panel(changes: QuerySet[SupplierChange], *, empty_text: str) -> Panel:
    return Panel(
        title="Changes of the supplier",
        columns=["No.", "From", "To", "Judged", "Decided at", "By", "Why"],
        rows=[
            [
                link_cell(reverse("admin:providers_supplierchange_change", args=[one.pk]), one.pk),
                build_link(one.from_build),
                build_link(one.to_build),
                badge(one.classification, CHANGE_TONES[ChangeClass(one.classification)]),
                at_cell(one.decided_at),
                str(one.decided_by or "command line"),
                one.rationale,
            ]
            for one in changes.select_related("from_build", "to_build", "decided_by").order_by(
                "-decided_at", "-pk"
            )
        ],
        empty_text=empty_text,
    )


def deployments_panel(deployments: QuerySet[Deployment]) -> Panel:
    now = timezone.now()
    return Panel(
        title="Where it runs",
        columns=["Jurisdiction", "Channel", "Build", "RTP variant", "From", "To", "Now"],
        rows=[
            [
                link_cell(
                    reverse("admin:providers_deployment_change", args=[one.pk]), one.jurisdiction
                ),
                one.get_channel_display(),
                build_link(one.build),
                str(one.variant or "not known"),
                at_cell(one.starts_at),
                at_cell(one.ends_at) if one.ends_at else "open",
                badge(*_state(one, now)),
            ]
            for one in deployments.select_related("build", "variant").order_by(
                "jurisdiction", "-starts_at", "-pk"
            )
        ],
        empty_text="Nothing is on file. Reports that name builds cover only what is known to run.",
    )


def _state(deployment: Deployment, now: datetime) -> tuple[str, str]:
    if deployment.starts_at > now:
        return "to come", "info"
    if deployment.ends_at is not None and deployment.ends_at <= now:
        return "ended", "neutral"
    return "runs", "success"


class EndForm(ReasonForm):
    ends_at = moment_field("Runs until (UTC)", "From that moment on nothing of it may be served.")
    field_order = ["ends_at", "reason"]


def _end(call: ActionCall) -> str:
    deployment = services.end_deployment(
        deployment_id=call.object_id, ends_at=call.fields["ends_at"], editing=editing(call)
    )
    return f"It ends at {deployment.ends_at:%Y-%m-%d %H:%M} UTC."


@admin.register(Deployment)
class DeploymentAdmin(PanelsMixin, VersionedAdmin[Deployment]):
    list_empty_text = "Nothing is recorded as running. Open a game to say which build runs where."
    list_display = [
        "game",
        "jurisdiction",
        "channel",
        "build",
        "variant",
        datetime_column("starts_at", title="from"),
        datetime_column("ends_at", title="to"),
    ]
    list_filter = [
        choice_filter("jurisdiction", "jurisdiction", JURISDICTIONS),
        choice_filter("channel", "channel", Channel.choices),
        rehearsal_filter(lambda: rehearsed_games("game")),
    ]
    list_select_related = ["game", "build", "variant"]
    search_fields = ["game__game_code__exact", "digest__exact"]
    search_help_text = "Game code or SHA-256 as measured, exactly"
    ordering = ["-starts_at", "-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="end",
            label="Record its end",
            permission="providers.change_deployment",
            perform=_end,
            tone="danger",
            form_class=EndForm,
        )
    ]

    @override
    def panels(self, request: HttpRequest, obj: Deployment) -> Sequence[Panel]:
        now = timezone.now()
        at = min(max(now, obj.starts_at), obj.ends_at or datetime.max.replace(tzinfo=now.tzinfo))
        answer = cover(obj.game_id, obj.jurisdiction, at)
        return [
            Panel(
                title="Proof",
                note=f"For {obj.jurisdiction} at {at:%Y-%m-%d %H:%M} UTC.",
                columns=["Answer", "Because"],
                rows=[
                    [badge("covered", "success"), str(answer.certificate.report_number)]
                    if answer.certificate
                    else [badge("not covered", "danger"), ""],
                    *([badge("against", "danger"), reason.text] for reason in answer.reasons),
                    *([badge("remark", "info"), remark.text] for remark in answer.remarks),
                ],
                link=reverse("admin:providers_certificate_change", args=[answer.certificate.id])
                if answer.certificate
                else "",
                link_text="The report",
                tone="success" if answer.allowed else "danger",
            ),
        ]


@admin.register(SupplierChange)
class SupplierChangeAdmin(ReadOnlyAdmin[SupplierChange]):
    list_empty_text = "No change was reported. Open a game build to record what was changed."
    list_display = [
        "game",
        "from_build",
        "to_build",
        badge_column("classification", CHANGE_TONES),
        datetime_column("decided_at"),
        "decided_by",
    ]
    list_filter = [choice_filter("classification", "judged", ChangeClass.choices)]
    list_select_related = ["from_build__game", "to_build", "decided_by"]
    search_fields = ["to_build__game__game_code__exact"]
    search_help_text = "Game code, exactly"
    ordering = ["-decided_at", "-pk"]

    @admin.display(description="game")
    def game(self, change: SupplierChange) -> str:
        return change.from_build.game.game_code
