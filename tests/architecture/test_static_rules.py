"""Rules that a reader of the code would check line by line, read from its syntax instead."""

import ast
import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from django.apps import apps

from tests.architecture.layers import REPOSITORY, python_files

# What decides whether somebody is who he says: comparing these with == tells how far one got.
_SECRET_WORDS = re.compile(r"(?i)signature|checksum|digest|secret|hmac|credential|\btoken\b")
# file -> why an equality of such a name is right there: both sides are ours, or public.
_EQUAL_IS_FINE = {
    "apps/gateway/http/spool.py": "our own file, compared to find damage",
}
_LETS_IN = [
    f"apps/{app}"
    for app in ("providers/adapters", "gateway", "operator_api", "play", "staff", "core")
]
_AMOUNT_WORDS = re.compile(r"(_minor|^minor|amount|balance|stake|bet|win)$")
_MONEY_FOLDERS = [f"apps/{app}" for app in ("wallet", "rounds", "bonuses", "gateway", "core/money")]
# file -> why a division, or JSON read without a rule for numbers, touches no money there.
_READS_OWN_JSON = {
    "apps/gateway/http/spool.py": "headers that this product wrote",
    "apps/gateway/services/intake.py": "headers that this product stored",
    "apps/gateway/services/onboarding.py": "a file of ours; its amounts are decimal texts",
    "apps/bonuses/services/wagering.py": "weights of our own rules, whole basis points",
    "apps/bonuses/jurisdictions.py": "our own table, amounts as texts",
    "apps/wallet/spend_orders.py": "our own table, without amounts",
    "apps/wallet/transfer_api.py": "amounts there are texts; a number is refused by to_minor",
    "apps/rounds/admin/findings.py": "shows stored bytes to people, moves nothing",
}
# file -> why a refusal there is a message: nothing was typed that could be lost.
_NOTHING_WAS_TYPED = {
    "apps/auditing/admin/samples.py": "a link that draws a sample again",
    "apps/compliance/admin/calendar.py": "a button",
    "apps/providers/admin/documents.py": "a link to a file",
    "apps/providers/admin/review.py": "the page follows at once, as it was sent",
    "apps/staff/sign_in/sessions.py": "a button in a row",
}


def _nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    for path in python_files(*folders):
        if "migrations" not in path.parts:
            name = str(path.relative_to(REPOSITORY))
            for node in ast.walk(ast.parse(path.read_text())):
                yield name, node


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _last_name(function)
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return ""


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) or _last_name(node).isupper()


def secret_comparisons(name: str, node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare) or name in _EQUAL_IS_FINE:
        return False
    if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
        return False
    sides = [node.left, *node.comparators]
    if any(_is_literal(side) for side in sides):
        return False
    return any(_SECRET_WORDS.search(_last_name(side)) for side in sides)


def money_divisions(_name: str, node: ast.AST) -> bool:
    """Tell whether an amount is divided to a fraction; ``//`` says where the rest goes."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and any(_AMOUNT_WORDS.search(_last_name(side)) for side in (node.left, node.right))
    )


def careless_json(name: str, node: ast.AST) -> bool:
    """Tell whether JSON is read so that a number may become a float, or a key be lost."""
    if not isinstance(node, ast.Call) or name in _READS_OWN_JSON:
        return False
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "loads"):
        return False
    named = {keyword.arg for keyword in node.keywords}
    return not {"parse_float", "object_pairs_hook"} <= named


def test_what_lets_somebody_in_is_compared_in_constant_time() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, node in _nodes(*_LETS_IN, "config")
        if secret_comparisons(name, node) and isinstance(node, ast.expr)
    ]

    assert wrong == []


def test_no_amount_is_divided_to_a_fraction() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, node in _nodes(*_MONEY_FOLDERS)
        if money_divisions(name, node) and isinstance(node, ast.expr)
    ]

    assert wrong == []


def test_what_others_send_is_read_with_exact_numbers_and_without_repeated_keys() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, node in _nodes(*_MONEY_FOLDERS, "apps/providers/adapters", "apps/operator_api")
        if careless_json(name, node) and isinstance(node, ast.expr)
    ]

    assert wrong == []


def test_no_code_of_the_product_switches_the_guards_off() -> None:
    """``pgtrigger.ignore`` and the replica role are for tests and for the owner by hand."""
    words = re.compile(r"pgtrigger\.ignore|session_replication_role|DISABLE TRIGGER")
    wrong = [
        str(path.relative_to(REPOSITORY))
        for path in python_files("apps", "config")
        if "migrations" not in path.parts and words.search(path.read_text())
    ]

    assert wrong == []


def test_a_test_of_a_migration_leaves_the_newest_schema_to_the_next() -> None:
    """One that names where it ends leaves out what comes later, and tests after it fail by luck."""
    migrates = re.compile(r"(Migration|Forward)Executor\(|call_command\(\s*[\"']migrate[\"']")
    own_database = {"tests/older_schema.py", "tests/soak/stage.py"}
    found = {
        str(path.relative_to(REPOSITORY))
        for path in python_files("tests")
        if path.name != "test_static_rules.py" and migrates.search(path.read_text())
    }

    assert found == own_database


def test_no_test_empties_the_cache_that_another_worker_reads() -> None:
    """Django empties the whole database of Valkey, whatever the keys begin with."""
    empties = re.compile(r"caches?(\[[^]]+\])?\.clear\(|\.flush(db|all)\(")
    found = [
        str(path.relative_to(REPOSITORY))
        for path in python_files("tests")
        if path.name != "test_static_rules.py" and empties.search(path.read_text())
    ]

    assert found == []


def test_a_callback_waits_for_postgresql_and_for_nothing_else() -> None:
    """What must happen later is a row in the outbox: a broker that is away slows nobody down."""
    elsewhere = re.compile(r"^(celery|kombu|redis|django\.core\.cache|apps\.core\.broker)\b")
    wrong = [
        f"{name}:{node.lineno}"
        for name, node in _nodes("apps/gateway/http", "apps/gateway/services", "apps/rounds")
        if "/tasks.py" not in name and isinstance(node, ast.Import | ast.ImportFrom)
        for module in _modules(node)
        if elsewhere.match(module)
    ]

    assert wrong == []


def test_every_version_of_a_row_has_the_moment_of_its_edit() -> None:
    """``note_edit`` asks for it; whatever goes round it takes the clock of the save instead."""
    attributes = re.compile(r"_change_reason|_history_(date|user)$")
    versioned = {
        model.__name__
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute")
    }
    wrong = [
        f"{name}:{node.lineno}"
        for name, node in _nodes("apps", "config")
        if name != "apps/core/history.py" and isinstance(node, ast.expr)
        if unnoted_version(node, versioned)
        or (isinstance(node, ast.Attribute) and attributes.match(node.attr))
    ]

    assert "Provider" in versioned
    assert wrong == []


def unnoted_version(node: ast.AST, versioned: Container[str]) -> bool:
    """Tell whether a row is made by its manager, which leaves no place to note the edit."""
    match node:
        case ast.Call(
            func=ast.Attribute(
                attr="create" | "get_or_create" | "update_or_create",
                value=ast.Attribute(attr="objects", value=ast.Name(id=model)),
            )
        ):
            return model in versioned
        case _:
            return False


def test_a_refused_form_keeps_what_was_typed() -> None:
    """``RefusalShownIn`` is the one way; a message above another page would lose the form."""
    found = {name for name, node in _nodes("apps") if refusal_without_its_form(name, node)}

    assert found == set(_NOTHING_WAS_TYPED)


def refusal_without_its_form(name: str, node: ast.AST) -> bool:
    """Tell whether a refusal becomes a message, or an error that names no field on purpose."""
    match node:
        case ast.ExceptHandler(type=ast.expr() as kinds, body=body) if "Error" in ast.unparse(
            kinds
        ):
            return any(
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and ast.unparse(call.func) == "messages.error"
                for line in body
                for call in ast.walk(line)
            )
        case ast.Call(
            func=ast.Attribute(attr="add_error"),
            args=[ast.Constant(value=None), ast.Call(func=ast.Name(id="str"))],
        ):
            return True
        case _:
            return False


def test_a_reason_that_a_page_asks_for_is_kept() -> None:
    """Each button's function hands on what was typed: the page says that it is kept for ever."""
    found = [
        f"{app.name}: {name}"
        for app in sorted((REPOSITORY / "apps").iterdir())
        for name in lost_reasons(_functions_and_calls(app))
    ]

    assert found == []


def _functions_and_calls(folder: Path) -> list[ast.AST]:
    found: list[ast.AST] = []
    for path in folder.rglob("*.py"):
        if "migrations" not in path.parts:
            found += ast.walk(ast.parse(path.read_text()))
    return found


def lost_reasons(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the functions of buttons that neither read the reason nor hand their call on."""
    nodes = list(nodes)
    functions = {
        node.name: node
        for node in nodes
        if isinstance(node, ast.FunctionDef) and any(one.arg == "call" for one in node.args.args)
    }
    performing = {
        _last_name(node.value)
        for node in nodes
        if isinstance(node, ast.keyword) and node.arg == "perform"
    }

    def keeps(name: str) -> bool:
        parts = list(ast.walk(functions[name])) if name in functions else []
        handed_on = {
            _last_name(part.func)
            for part in parts
            if isinstance(part, ast.Call)
            and any(isinstance(given, ast.Name) and given.id == "call" for given in part.args)
        }
        reads = any(isinstance(part, ast.Attribute) and part.attr == "reason" for part in parts)
        return reads or any(keeps(other) for other in handed_on - {name})

    return sorted(name for name in performing & functions.keys() if not keeps(name))


def _modules(node: "ast.Import | ast.ImportFrom") -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def test_the_rules_see_what_they_are_for() -> None:
    """Each rule on code that breaks it: a rule that finds nothing anywhere proves nothing."""
    bad = (
        "a = given == expected_signature\nb = bet_minor / 2\nc = json.loads(body)\n"
        "d = Lab.objects.create(name=c)\n"
        "try:\n    d.save()\nexcept DomainError as refusal:\n"
        "    messages.error(request, str(refusal))\n"
    )
    found = [
        (
            secret_comparisons("x", node),
            money_divisions("x", node),
            careless_json("x", node),
            unnoted_version(node, {"Lab"}),
            refusal_without_its_form("x", node),
        )
        for node in ast.walk(ast.parse(bad))
    ]

    assert [sum(column) for column in zip(*found, strict=True)] == [1, 1, 1, 1, 1]
    buttons = (
        "def _code(call): return call.object_id\n"
        "def _lose(call): end(_code(call))\n"
        "def _keep(call): end(call.object_id, editing(call))\n"
        "def editing(call): return call.reason\n"
        "A(perform=_lose)\nA(perform=_keep)\n"
    )
    assert lost_reasons(ast.walk(ast.parse(buttons))) == ["_lose"]
