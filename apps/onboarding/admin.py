"""The checklist page: where each item stands, its evidence, and the way to live."""

from collections.abc import Sequence
from typing import Any, override

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    at_cell,
    badge,
    datetime_column,
    link_cell,
    narrowed_filter,
)
from apps.onboarding.enums import WAIVABLE, ChecklistItem
from apps.onboarding.evidence import RUN_ANCHOR, Where, evidence_cell
from apps.onboarding.models import Onboarding
from apps.onboarding.selectors import (
    newest_run,
    on_their_way,
    proofs_of,
    standings,
    that_lost_a_proof,
)
from apps.onboarding.services import checklist, going_live
from apps.providers.enums import ProviderStage
from apps.providers.selectors.profiles import takes_unasked_stakes

_SHOWN = 30


class PromiseForm(ReasonForm):
    """Asks how long the provider keeps its rounds; the reason says where that is written."""

    months = forms.IntegerField(
        min_value=1,
        max_value=240,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Months the provider promised to keep every round and answer for it.",
    )
    field_order = ["months", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = "Where it is written"
        self.fields["reason"].widget = UnfoldAdminTextInputWidget()
        self.fields["reason"].help_text = "Contract and clause, or the letter and its date."


class GoLiveForm(ReasonForm):
    """Asks which of the items that may be waived are waived."""

    waive_certificates = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label=f"Waive: {ChecklistItem.CERTIFICATES.label}",
        help_text="The launch gate keeps each game closed that is not covered.",
    )
    waive_probes = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label=f"Waive: {ChecklistItem.PROBES.label}",
        help_text="Players will feel it; no evidence is lost.",
    )
    field_order = ["waive_certificates", "waive_probes", "reason"]


def _code_of(call: ActionCall) -> str:
    found: str = Onboarding.objects.values_list("provider__code", flat=True).get(pk=call.object_id)
    return found


def _prove(call: ActionCall) -> str:
    proofs = checklist.prove(
        _code_of(call), acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{sum(proof.is_green for proof in proofs)} of {len(proofs)} items hold."


def _promise(call: ActionCall) -> str:
    proof = checklist.record_promise(
        _code_of(call),
        months=call.fields["months"],
        reference=call.reason,
        acting_user=call.user,
        now=call.now,
    )
    return proof.summary


def _request(call: ActionCall) -> str:
    waived = [item.value for item in WAIVABLE if call.fields[f"waive_{item.value}"]]
    going_live.request_go_live(
        _code_of(call), waived=waived, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Asked. A second person must agree."


def _is_waiting(onboarding: Onboarding, _user: Any) -> bool:
    return onboarding.provider.stage == ProviderStage.ONBOARDING


_STANDING = {
    "waiting": ("On the way live", on_their_way),
    "lost": ("Live, with an open item", that_lost_a_proof),
}


@admin.register(Onboarding)
class OnboardingAdmin(PanelsMixin, ReadOnlyAdmin[Onboarding]):
    list_empty_text = "No provider is on its way live. Open a provider to begin its checklist."
    list_display = ["provider", "stage", "holds", datetime_column("opened_at", title="opened")]
    list_filter = [narrowed_filter("standing", "standing", _STANDING)]
    list_select_related = ["provider"]
    search_fields = ["provider__code__exact"]
    search_help_text = "Provider's code, exactly"
    ordering = ["-pk"]
    readonly_fields = ["provider_link", "stage", "live_since", "new_stakes"]
    fieldsets = [("Provider", {"fields": [("provider_link", "stage", "live_since"), "new_stakes"]})]
    reasoned_actions = [
        ReasonedAction(
            name="prove",
            label="Look at everything now",
            permission="onboarding.prove_items",
            perform=_prove,
            question="Each item is looked at again; payloads and probes ask the provider's server.",
            tone="primary",
        ),
        ReasonedAction(
            name="promise",
            label="Record the retention promise",
            permission="onboarding.prove_items",
            perform=_promise,
            form_class=PromiseForm,
        ),
        ReasonedAction(
            name="go-live",
            label="Ask to go live",
            permission="onboarding.request_go_live",
            perform=_request,
            question="A second person must agree. From then on real players can be launched.",
            form_class=GoLiveForm,
            is_offered=_is_waiting,
        ),
    ]

    @admin.display(description="stage")
    def stage(self, onboarding: Onboarding) -> Any:
        is_live = onboarding.provider.stage == ProviderStage.LIVE
        return badge(onboarding.provider.get_stage_display(), "success" if is_live else "warning")

    @admin.display(description="items that hold")
    def holds(self, onboarding: Onboarding) -> Any:
        found = standings(onboarding.pk)
        proven = sum(one.is_green for one in found)
        tone = "success" if proven == len(found) else "danger"
        return badge(f"{proven} of {len(found)}", tone)

    @admin.display(description="provider")
    def provider_link(self, onboarding: Onboarding) -> Any:
        page = reverse("admin:providers_provider_change", args=[onboarding.provider_id])
        return link_cell(page, onboarding.provider)

    @admin.display(description="live since")
    def live_since(self, onboarding: Onboarding) -> Any:
        return at_cell(onboarding.provider.live_since)

    @admin.display(description="new stakes")
    def new_stakes(self, onboarding: Onboarding) -> Any:
        if not takes_unasked_stakes(onboarding.provider):
            return badge("Each is asked for what a launch asks", "success")
        return badge("May come without a session: nobody here asks what a launch asks", "warning")

    @override
    def panels(self, request: HttpRequest, obj: Onboarding) -> Sequence[Panel]:
        return [_checklist_panel(obj), _run_panel(obj), _proofs_panel(obj)]


def _checklist_panel(obj: Onboarding) -> Panel:
    found = standings(obj.pk)
    return Panel(
        title="Checklist",
        note="Looked at every day. What does not hold any more turns red and raises an alert. "
        "Times are UTC.",
        columns=["Item", "Stands", "Found", "Looked at", "By"],
        rows=[
            [
                one.label,
                badge("holds", "success")
                if one.is_green
                else badge("not proven" if one.proof_id is None else "does not hold", "danger"),
                one.summary,
                at_cell(one.proved_at),
                one.proved_by or "-",
            ]
            for one in found
        ],
        tone="" if all(one.is_green for one in found) else "warning",
    )


def _run_panel(obj: Onboarding) -> Panel:
    run = newest_run(obj.pk)
    scenarios = [] if run is None else run.report["scenarios"]
    return Panel(
        title="Last run of the acceptance kit" + ("" if run is None else f": {run}"),
        columns=["No.", "Scenario", "Result", "Why"],
        rows=[
            [
                str(one["number"]),
                one["scenario"],
                badge(one["result"], "danger" if one["result"] == "red" else "neutral"),
                one["reason"] or "; ".join(check["what"] for check in one["failed"]),
            ]
            for one in scenarios
            if one["result"] != "green"
        ],
        note="Scenarios that are not green; the others are." if run is not None else "",
        anchor=RUN_ANCHOR,
        empty_text=f"Run manage.py acceptance --provider {obj.provider.code}: it is kept here."
        if run is None
        else "Every scenario was green.",
    )


def _proofs_panel(obj: Onboarding) -> Panel:
    run = newest_run(obj.pk)
    where = Where(obj.provider_id, obj.provider.code, None if run is None else run.pk)
    return Panel(
        title="Evidence, newest first",
        note=f"As it was found at the moment of each look; the newest {_SHOWN} are shown. "
        "Times are UTC.",
        columns=["Looked at", "Item", "Stands", "Evidence"],
        rows=[
            [
                at_cell(proof.proved_at),
                ChecklistItem(proof.item).label,
                badge("holds", "success") if proof.is_green else badge("does not hold", "danger"),
                evidence_cell(proof, where),
            ]
            for proof in proofs_of(obj.pk, limit=_SHOWN)
        ],
        empty_text="Nobody has looked yet: use the button above.",
    )
