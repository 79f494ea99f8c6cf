"""What an officer adds to a report: named builds and variants, terms, its end; a lab's terms."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, override

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.core.admin import ActionCall, Panel, ReasonedAction, ReasonForm, badge, link_cell
from apps.providers.admin.fields import (
    choice_field,
    day_field,
    editing,
    percent_field,
    text_field,
    whole_field,
)
from apps.providers.enums import CertificateState, Channel, DigestAlgorithm
from apps.providers.errors import CertificateEntryError, UnknownCertificateError
from apps.providers.models import Certificate, Lab
from apps.providers.selectors.certificates import certificate_of
from apps.providers.services import scope as services
from apps.providers.services.scope import (
    FileDigest,
    NamedBuild,
    NamedVariant,
    ReportTerms,
    Term,
)

_DIGEST_LENGTHS = {40: DigestAlgorithm.SHA1, 64: DigestAlgorithm.SHA256, 4: DigestAlgorithm.CRC16}
_FILE_LINE = re.compile(
    r"^(?P<path>\S.*?)\s+(?P<digest>[0-9A-Fa-f]+)(?:\s+(?P<seed>[0-9A-Fa-f]+))?$"
)

_REPORT = re.compile(r"(?P<number>.+) rev (?P<revision>[0-9]{1,4})")


def _long_field(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class BuildForm(ReasonForm):
    game_code = text_field("Game code", "One of the games that the report names.")
    build_version = text_field("Build version", "As the report prints it.")
    channel = choice_field("Channel", Channel.choices)
    platform_version = text_field("Platform version", required=False)
    engine_version = text_field("Engine version", required=False)
    client_revision = text_field("Client revision", required=False)
    rng_version = text_field("RNG version", required=False)
    digest = text_field("Package SHA-256", "64 hex digits, if the report has it.", required=False)
    critical_files = _long_field(
        "Critical files",
        "One a line: path, digest (SHA-1, SHA-256 or CRC16) and, for a CRC16, its seed.",
    )
    field_order = [
        "game_code",
        "build_version",
        "channel",
        "platform_version",
        "engine_version",
        "client_revision",
        "rng_version",
        "digest",
        "critical_files",
        "reason",
    ]


class VariantForm(ReasonForm):
    game_code = text_field("Game code", "One of the games that the report names.")
    variant_code = text_field("Variant code", "As the supplier names it.")
    rtp_percent = percent_field("RTP (%)")
    field_order = ["game_code", "variant_code", "rtp_percent", "reason"]


class TermsForm(ReasonForm):
    signatory = text_field("Signed for the lab by", required=False)
    conditions = _long_field("Conditions", "As the report prints them.")
    supersedes = text_field(
        "Replaces the report",
        "Number and revision such as NCT-GAM-0201 rev 0, where the report says so. A later "
        "revision replaces the one before it anyway.",
        required=False,
    )
    field_order = ["signatory", "conditions", "supersedes", "reason"]

    @override
    def fit(self, obj: Certificate) -> None:
        """Begin with what is on file: what is left out would be taken away."""
        replaced = obj.supersedes
        self.initial = {
            "signatory": obj.signatory,
            "conditions": obj.conditions,
            "supersedes": "" if replaced is None else str(replaced),
        }


class EndedForm(ReasonForm):
    change_id = whole_field("Number of the major change")
    on = day_field("Covers nothing from", "A day of each jurisdiction's own clock.")
    field_order = ["change_id", "on", "reason"]


class RecalledForm(ReasonForm):
    on = day_field("Recalled from", "The first day without it, by each jurisdiction's own clock.")
    field_order = ["on", "reason"]


class ReviewForm(ReasonForm):
    next_on = day_field("Next review on", "After the day that was due, and ahead.")
    field_order = ["next_on", "reason"]


class AccreditationForm(ReasonForm):
    body = text_field("Accreditation body", "Such as UKAS or NATA.")
    number = text_field("Number")
    scope = text_field("Scope", required=False)
    valid_from = day_field("Valid from")
    valid_until = day_field("Valid through")
    field_order = ["body", "number", "scope", "valid_from", "valid_until", "reason"]


def _files(text: str) -> Iterator[FileDigest]:
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), start=1):
        found = _FILE_LINE.match(line)
        algorithm = _DIGEST_LENGTHS.get(len(found["digest"])) if found else None
        is_seeded = bool(found and found["seed"]) == (algorithm == DigestAlgorithm.CRC16)
        if found is None or algorithm is None or not is_seeded:
            raise CertificateEntryError(
                [f"Line {number}: a path, a digest of 40, 64 or 4 hex digits, a seed for the last."]
            )
        yield FileDigest(found["path"], algorithm, found["digest"], found["seed"] or "")


def _name_build(call: ActionCall) -> str:
    facts = {**call.fields, "digest": call.fields["digest"].lower()}
    facts["files"] = tuple(_files(facts.pop("critical_files")))
    build = services.name_build(call.object_id, NamedBuild(**facts), editing(call))
    return f"The report covers {build.game_code} in build {build.build_version}."


def _name_variant(call: ActionCall) -> str:
    variant = services.name_variant(call.object_id, NamedVariant(**call.fields), editing(call))
    return f"The report covers {variant.game_code} in variant {variant.variant_code}."


def _replaced(call: ActionCall) -> Certificate:
    text = call.fields["supersedes"]
    own = Certificate.objects.select_related("lab", "supersedes").get(pk=call.object_id)
    if own.supersedes is not None and str(own.supersedes) == text:
        # Also where that row was withdrawn since.
        return own.supersedes
    named = _REPORT.fullmatch(text)
    if named is None:
        raise CertificateEntryError([f"'{text[:80]}' is not like NCT-GAM-0201 rev 0."])
    replaced = certificate_of(own.lab, named["number"], int(named["revision"]))
    if replaced is None:
        raise UnknownCertificateError(text)
    return replaced


def _set_terms(call: ActionCall) -> str:
    replaced = _replaced(call) if call.fields["supersedes"] else None
    terms = ReportTerms(
        signatory=call.fields["signatory"],
        conditions=call.fields["conditions"],
        supersedes_id=replaced.pk if replaced else None,
    )
    return f"{services.set_terms(call.object_id, terms, editing(call))}: recorded."


def _invalidate(call: ActionCall) -> str:
    certificate = services.invalidate_certificate(
        certificate_id=call.object_id, editing=editing(call), **call.fields
    )
    return f"{certificate} covers nothing from {certificate.invalidated_on} on."


def _recall(call: ActionCall) -> str:
    certificate = services.recall_certificate(
        certificate_id=call.object_id, editing=editing(call), **call.fields
    )
    return f"{certificate} covers nothing from {certificate.recalled_on} on."


def _review(call: ActionCall) -> str:
    certificate = services.record_review(call.object_id, editing=editing(call), **call.fields)
    return f"{certificate} was reviewed; next on {certificate.review_due_on}."


def _accredit(call: ActionCall) -> str:
    return f"{services.accredit_lab(call.object_id, Term(**call.fields), editing(call))}: recorded."


def _is_registered(certificate: Any, _user: Any) -> bool:
    return bool(certificate.state == CertificateState.REGISTERED)


_REGISTER = "providers.register_certificate"

SCOPE_ACTIONS = [
    ReasonedAction(
        name="name-build",
        label="Name a build",
        permission=_REGISTER,
        perform=_name_build,
        question="From now on the report covers this game only in the builds that it names, and in "
        "what came from them by minor changes.",
        is_offered=_is_registered,
        form_class=BuildForm,
    ),
    ReasonedAction(
        name="name-variant",
        label="Name an RTP variant",
        permission=_REGISTER,
        perform=_name_variant,
        question="From now on the report covers this game only in the variants that it names.",
        is_offered=_is_registered,
        form_class=VariantForm,
    ),
    ReasonedAction(
        name="terms",
        label="Record its terms",
        permission=_REGISTER,
        perform=_set_terms,
        question="Signatory, conditions and the report that this one replaces, as printed.",
        is_offered=_is_registered,
        form_class=TermsForm,
    ),
    ReasonedAction(
        name="review",
        label="Reviewed, next on ...",
        permission=_REGISTER,
        perform=_review,
        question="Somebody looked at the report again and it holds. Its review renewal closes by "
        "itself within five minutes.",
        is_offered=lambda obj, user: _is_registered(obj, user) and obj.review_due_on is not None,
        form_class=ReviewForm,
    ),
    ReasonedAction(
        name="invalidate",
        label="Ended by a change",
        permission="providers.withdraw_certificate",
        perform=_invalidate,
        question="A major change of the supplier took the report's word away. It stays on file and "
        "keeps its place among the revisions.",
        tone="danger",
        is_offered=lambda obj, user: _is_registered(obj, user) and obj.invalidated_on is None,
        form_class=EndedForm,
    ),
    ReasonedAction(
        name="recall",
        label="Recalled by the lab",
        permission="providers.withdraw_certificate",
        perform=_recall,
        question="The lab or an authority took the report back. From that day on it covers "
        "nothing; what was played before keeps its proof, and the report its place among the "
        "revisions.",
        tone="danger",
        is_offered=lambda obj, user: _is_registered(obj, user) and obj.recalled_on is None,
        form_class=RecalledForm,
    ),
]

LAB_ACTIONS = [
    ReasonedAction(
        name="accredit",
        label="Record an accreditation",
        permission="providers.add_labaccreditation",
        perform=_accredit,
        question="A report issued after the lab's last accreditation had ended covers nothing. One "
        "issued before keeps its word.",
        form_class=AccreditationForm,
    )
]


def builds_panel(certificate: Certificate) -> Panel:
    builds = certificate.builds.prefetch_related("files").order_by("game_code", "build_version")
    return Panel(
        title="Builds and critical files",
        columns=["Game", "Build", "Channel", "Engine", "RNG", "File", "Digest"],
        rows=[row for build in builds for row in _build_rows(build)],
        note="Read from the document, since the row of the register named no build: another build "
        "is refused; where nobody recorded what runs, the report covers."
        if any(build.is_from_document for build in builds)
        else "",
        empty_text="No build is on file: the report covers any that did not come by a major or "
        "unjudged change.",
    )


def _build_rows(build: Any) -> Iterator[Sequence[str]]:
    head = [
        build.game_code,
        build.build_version,
        build.get_channel_display(),
        build.engine_version or "-",
        build.rng_version or "-",
    ]
    yield [*head, "the package", f"SHA-256 {build.digest}" if build.digest else "-"]
    for file in build.files.all():
        seed = f", seed {file.seed}" if file.seed else ""
        algorithm = DigestAlgorithm(file.algorithm).label if not seed else f"CRC16{seed}"
        yield ["", "", "", "", "", file.path, f"{algorithm} {file.digest}"]


def terms_panel(certificate: Certificate) -> Panel:
    replaced, change = certificate.supersedes, certificate.invalidated_by
    change_url = "admin:providers_supplierchange_change"
    return Panel(
        title="Terms",
        columns=["What", "As recorded"],
        rows=[
            ["Signed for the lab by", certificate.signatory or "-"],
            ["Conditions", certificate.conditions or "-"],
            ["Replaces", str(replaced) if replaced else "-"],
            [
                "Ended by change",
                link_cell(
                    reverse(change_url, args=[change.pk]),
                    f"no. {change.pk}, from {certificate.invalidated_on}",
                )
                if change
                else "-",
            ],
            ["Recalled from", str(certificate.recalled_on or "-")],
        ],
        tone="danger" if change or certificate.recalled_on else "",
    )


def accreditations_panel(lab: Lab, today: Any) -> Panel:
    terms = list(lab.accreditations.order_by("-valid_until", "pk"))
    is_held = any(term.valid_from <= today <= term.valid_until for term in terms)
    return Panel(
        title="Accreditations (ISO/IEC 17025)",
        columns=["Body", "Number", "Scope", "Valid from", "Valid through", "Today"],
        rows=[
            [
                term.body,
                term.number,
                term.scope or "-",
                str(term.valid_from),
                str(term.valid_until),
                badge("held", "success")
                if term.valid_from <= today <= term.valid_until
                else badge("ended" if term.valid_until < today else "to come", "warning"),
            ]
            for term in terms
        ],
        empty_text="None is on file, so nothing is held against this lab's reports. Ask for its "
        "certificate of accreditation.",
        tone="" if is_held else "warning",
    )
