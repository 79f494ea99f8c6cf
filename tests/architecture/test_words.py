"""Every code that people see has words: read from the code that answers and that records."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.contrib import admin

from apps.core.answer_codes import ANSWER_WORDS, KEPT_WITH_EVENTS, answer_choices, answer_words
from apps.core.deeds import DEED_WORDS, deed_words, deeds_called
from apps.disputes.enums import CaseState
from apps.play.enums import SigningKeyState
from apps.players.enums import ExclusionKind, Measure
from apps.players.protection import EXCLUSION_CODES, STATUS_CODES
from apps.providers.adapters.hub88 import render as hub88
from apps.providers.adapters.native.adapter import NATIVE_CODES
from apps.providers.adapters.swipe import render as swipe
from apps.providers.enums import DraftState, IntegrityState, RootState
from apps.staff.enums import ApprovalState
from config.subscriptions import SUBSCRIPTIONS
from tests.architecture.layers import REPOSITORY, python_files

_ANSWERS = ("apps/gateway/http", "apps/gateway/services", "apps/providers/adapters")
_CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+|late|overdrawn|flooding|overloaded|unavailable")
# Which argument of these calls is a code.
_TAKES_CODE = {
    "Aim": 1,
    "EnvelopeError": 0,
    "EventRefusal": 1,
    "NoBodyError": 0,
    "NoRoomError": 0,
    "ProtectionReason": 0,
    "Refused": 0,
    "park": 2,
    "refuse": 1,
    "reject": 3,
}
# Functions whose text is a code.
_GIVE_CODE = re.compile(
    r"_(session_problem|bonus_refusal|funds_refusal|refusal|unbookable|without_stake|undo"
    r"|rollback_refusal|win_refusal|roll_back|stake|win|tentative|settle|stopped|fresh)$"
    r"|^(stake_refusal|refusal|standing_code|aim)$"
)


def _trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in python_files(*folders):
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def codes_in(node: ast.AST) -> Iterator[str]:
    """Return the codes that one piece of syntax answers with."""
    match node:
        case ast.Call() if _name_of(node) in _TAKES_CODE:
            place = _TAKES_CODE[_name_of(node)]
            for argument in node.args[place : place + 1]:
                yield from _texts(argument)
        case ast.keyword(arg="code", value=value):
            yield from _texts(value)
        case ast.Assign(targets=[ast.Name(id="code") | ast.Attribute(attr="code")], value=value):
            yield from _texts(value)
        case ast.FunctionDef(name=name) if _GIVE_CODE.search(name):
            yield from _given_by(node)


def _given_by(function: ast.FunctionDef) -> Iterator[str]:
    """Return the texts that a function returns, or chooses from with their conditions."""
    for part in ast.walk(function):
        match part:
            case ast.Return(value=ast.Constant(value=str(text))):
                yield text
            case ast.Return(value=ast.IfExp() | ast.BoolOp() as choice):
                yield from _texts(choice)
            case ast.Tuple(elts=[ast.Constant(value=str(text)), _]):
                yield text
            case _:
                continue


def test_every_code_that_we_answer_with_has_words() -> None:
    found = {
        code
        for _, tree in _trees(*_ANSWERS, "apps/players/protection.py", "apps/players/selectors")
        for node in ast.walk(tree)
        for code in codes_in(node)
        if _CODE.fullmatch(code)
    }
    known = {
        *STATUS_CODES.values(),
        *EXCLUSION_CODES.values(),
        *NATIVE_CODES,
        *NATIVE_CODES.values(),
    }
    known |= swipe._CODES.keys() | hub88._WORDS.keys() | hub88._UNJUDGED.keys()
    known |= {f"{measure.value}_limit" for measure in Measure if measure != Measure.REALITY}

    assert found >= {"insufficient_funds", "clock_skew", "stake_rolled_back", "bad_checksum"}
    assert (found | known | {"unauthenticated"}) ^ ANSWER_WORDS.keys() == set()
    assert set(KEPT_WITH_EVENTS) <= ANSWER_WORDS.keys()


def _passed(tree: ast.Module, app: str, function: ast.FunctionDef, parameter: str) -> set[str]:
    """Return the texts passed to a function for a parameter, by its file or by its whole app."""
    names = [argument.arg for argument in function.args.args]
    is_private = function.name.startswith("_")
    files = [tree] if is_private else [other for _, other in _trees(f"apps/{app}")]
    found: set[str] = set()
    for call in (node for file in files for node in ast.walk(file)):
        if not isinstance(call, ast.Call) or _name_of(call) != function.name:
            continue
        given = {word.arg: word.value for word in call.keywords} | dict(
            zip(names, call.args, strict=False)
        )
        match given.get(parameter):
            case ast.Constant(value=str(text)):
                found.add(text)
            case None:
                continue
            case _:
                found.add("*")
    return found


def deeds_of(app: str, tree: ast.Module) -> Iterator[str]:
    """Return what a file records, with a ``*`` for what only a run can tell."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _name_of(call) == "record_audit":
                    action = next(word.value for word in call.keywords if word.arg == "action")
                    yield from _actions(app, tree, function, action)


def _actions(app: str, tree: ast.Module, function: ast.FunctionDef, action: ast.expr) -> set[str]:
    constants = _constants(tree)
    match action:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Name(id=name):
            is_known = name in constants
            return {constants[name]} if is_known else _passed(tree, app, function, name)
        case ast.JoinedStr(values=parts):
            return _joined(tree, app, function, parts)
        case _:
            return {"*"}


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
                | ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
            ):
                found[name] = text
            case _:
                continue
    return found


def _joined(
    tree: ast.Module, app: str, function: ast.FunctionDef, parts: list[ast.expr]
) -> set[str]:
    own = {argument.arg for argument in function.args.args}
    texts = {""}
    for part in parts:
        match part:
            case ast.Constant(value=str(text)):
                more = {text}
            case ast.FormattedValue(value=ast.Name(id=name)) if name in own:
                more = _passed(tree, app, function, name) or {"*"}
            case _:
                more = {"*"}
        texts = {before + after for before in texts for after in more}
    return texts


def test_every_deed_that_goes_to_the_audit_chain_has_words() -> None:
    recorded = {
        deed
        for app in sorted(path.name for path in (REPOSITORY / "apps").iterdir() if path.is_dir())
        for _, tree in _trees(f"apps/{app}")
        for deed in deeds_of(app, tree)
        if not deed.startswith("*.")  # an edit is named by its row: see below
    }
    alerts = {
        f"alert:{topic}" for topic, tasks in SUBSCRIPTIONS.items() if "reports.raise_alert" in tasks
    }
    states = {
        "players.*.started": ExclusionKind,
        "players.*.end_requested": ExclusionKind,
        "players.*.lifted": ExclusionKind,
        "play.signing_key.*": SigningKeyState,
        "providers.document.*": IntegrityState,
        "providers.root.*": RootState,
        "providers.draft.*": DraftState,
        "staff.approval.*": ApprovalState,
        "disputes.case.*": CaseState,
    }
    plain = {deed for deed in recorded if "*" not in deed}
    unsure = recorded - plain

    assert len(plain) > 80
    assert plain - DEED_WORDS.keys() == set()
    assert alerts == {code for code in DEED_WORDS if code.startswith("alert:")}
    assert unsure == {*states, "alert:*"}
    told = {deed.replace("*", state) for deed, kind in states.items() for state in kind.values}
    # A row begins in these states, and a case goes through them: no deed is recorded as one.
    begins = {
        "disputes.case.credit_requested",
        "disputes.case.in_review",
        "disputes.case.open",
        "play.signing_key.active",
        "providers.draft.open",
        "staff.approval.pending",
    }
    assert told - begins - DEED_WORDS.keys() == set()
    assert DEED_WORDS.keys() - (plain | told | alerts) == set()


def test_no_two_codes_are_called_the_same() -> None:
    for words in (ANSWER_WORDS, DEED_WORDS):
        assert len(set(words.values())) == len(words)
        assert all(text == text.strip() and text[0].isupper() for text in words.values())


def test_no_list_or_page_of_rows_with_a_code_shows_the_code_alone() -> None:
    coded = {"rounds.roundevent": "code", "rounds.eventattempt": "code"}
    coded |= {"gateway.rejection": "code", "core.auditentry": "action"}
    for label, field in coded.items():
        shown = admin.site._registry[apps.get_model(label)]
        assert field not in shown.list_display, label
        assert field not in str(shown.fieldsets), label


def test_words_stand_for_a_code_and_an_old_code_stands_for_itself() -> None:
    assert answer_words("insufficient_funds") == "Not enough money"
    assert answer_words("of_another_time") == "of_another_time"
    assert answer_choices(["unknown_game", "bad_field"]) == [
        ("bad_field", "Field can't be read"),
        ("unknown_game", "Game is unknown or switched off"),
    ]
    assert deed_words("providers.certificate.registered") == "Certificate registered"
    assert deed_words("providers.provider.changed") == "Provider changed"
    assert deed_words("compliance.deskduty.added") == "Desk duty given"
    for code in ("of.another.time", "nothing", "no.such.model.changed", "players.player.mirrored."):
        assert deed_words(code) == code
    assert deeds_called("certificate REGISTERED") == ["providers.certificate.registered"]
    assert deeds_called("players.player") == []
