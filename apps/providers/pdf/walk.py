"""Walk every object of a parsed PDF and name what makes it act, carry or call something."""

from collections.abc import Iterator

import pikepdf

from apps.providers.pdf.contracts import Refusal

_MAX_OBJECTS = 100_000
_MAX_NODES = 2_000_000
_MAX_DEPTH = 64

_FORBIDDEN_KEYS = {
    "/JS": ("javascript", "The document contains JavaScript."),
    "/JavaScript": ("javascript", "The document contains JavaScript."),
    "/AA": ("additional_action", "The document does something by itself on an event (AA)."),
    "/EF": ("embedded_file", "A file is embedded in the document."),
    "/EmbeddedFiles": ("embedded_file", "A file is embedded in the document."),
    "/Collection": ("embedded_file", "The document is a portfolio of other files."),
    "/XFA": ("xfa", "The document contains an XFA form."),
    "/RichMediaContent": ("rich_media", "The document contains rich media."),
}
_FORBIDDEN_TYPES = {
    "/EmbeddedFile": ("embedded_file", "A file is embedded in the document."),
}
_FORBIDDEN_ANNOTATIONS = {
    "/FileAttachment": ("embedded_file", "A file is attached to a page."),
    "/RichMedia": ("rich_media", "The document contains rich media."),
    "/Screen": ("rich_media", "The document plays media."),
    "/Movie": ("rich_media", "The document plays a film."),
    "/Sound": ("rich_media", "The document plays sound."),
    "/3D": ("rich_media", "The document contains a 3D scene."),
    "/PS": ("postscript", "The document contains PostScript code."),
}
_FORBIDDEN_ACTIONS = {
    "/JavaScript": ("javascript", "The document contains JavaScript."),
    "/EnableJavaScripts": ("javascript", "The document asks a reader to run JavaScript."),
    "/Launch": ("launch", "The document starts a program (Launch)."),
    "/SubmitForm": ("submit_form", "The document sends data away (SubmitForm)."),
    "/ImportData": ("import_data", "The document takes in data from elsewhere (ImportData)."),
    "/GoToR": ("remote_target", "The document opens another document (GoToR)."),
    "/GoToE": ("remote_target", "The document opens an embedded document (GoToE)."),
    "/Rendition": ("rich_media", "The document plays media."),
    "/RichMediaExecute": ("rich_media", "The document runs rich media."),
    "/GoTo3DView": ("rich_media", "The document contains a 3D scene."),
}
# Actions that only move the reader within the document, and links (judged on their own).
_ALLOWED_ACTIONS = {"/GoTo", "/Named", "/URI"}
_ALLOWED_LINKS = ("http://", "https://", "mailto:")
_ACTION_KEYS = ("/A", "/Next", "/PA")


class ObjectWalk:
    """One pass over all indirect objects, reachable or not, and what they hold directly.

    A link to http, https or mailto is let through and counted: lab letterheads carry them, and a
    document is only ever handed out as a download. ``OpenAction`` may be a place in the document
    to show first, never an action that does more.
    """

    def __init__(self) -> None:
        self.page_count = 0
        self.link_count = 0
        self._nodes = 0
        self._found: dict[str, Refusal] = {}

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(self._found.values())

    def run(self, pdf: pikepdf.Pdf) -> None:
        """Fill ``refusals``, one for each code, in the order they were met."""
        if len(pdf.objects) > _MAX_OBJECTS:
            self._refuse("too_complex", f"The document has more than {_MAX_OBJECTS} objects.")
            return
        self._judge_open_action(pdf.Root.get("/OpenAction"))
        for item in pdf.objects:
            if not self._descend(item):
                return

    def _descend(self, top: pikepdf.Object) -> bool:
        # An explicit stack: depth is limited by us, not by Python's.
        stack = [(top, 0)]
        while stack:
            node, depth = stack.pop()
            self._nodes += 1
            if self._nodes > _MAX_NODES or depth > _MAX_DEPTH:
                self._refuse("too_complex", "The document's objects are too many or too deep.")
                return False
            if isinstance(node, (pikepdf.Dictionary, pikepdf.Stream)):
                self._judge(node)
            # Indirect children have their own turn in ``run``; following them would loop.
            stack.extend((child, depth + 1) for child in _children(node) if not child.is_indirect)
        return True

    def _judge(self, node: pikepdf.Object) -> None:
        keys = set(node.keys())
        for key in keys & _FORBIDDEN_KEYS.keys():
            self._refuse(*_FORBIDDEN_KEYS[key])
        self._judge_names(node)
        for key in keys.intersection(_ACTION_KEYS):
            self._judge_actions(node.get(key))
        self._judge_place(node, keys)
        if "/URI" in keys:
            self._judge_uri(node)

    def _judge_names(self, node: pikepdf.Object) -> None:
        for key, table in (
            ("/Type", _FORBIDDEN_TYPES),
            ("/Subtype", _FORBIDDEN_ANNOTATIONS),
            ("/S", _FORBIDDEN_ACTIONS),
        ):
            found = table.get(_name(node, key))
            if found is not None:
                self._refuse(*found)

    def _judge_place(self, node: pikepdf.Object, keys: set[str]) -> None:
        """Refuse what is taken from another file; other objects use the same keys otherwise."""
        if isinstance(node, pikepdf.Stream):
            # A form may stand for a page of another document (Ref), which a reader then draws.
            if keys & {"/F", "/FFilter", "/Ref"}:
                self._refuse("external_stream", "Part of the document lies in another file.")
        elif "/EF" not in keys and _names_a_file(node, keys):
            self._refuse("external_file", "The document points at a file outside it.")

    def _judge_actions(self, actions: object) -> None:
        """Judge one action, or each of those that follow one in an array (Next)."""
        members = list(actions) if isinstance(actions, pikepdf.Array) else [actions]
        for action in members:
            self._judge_action(action)

    def _judge_action(self, action: object) -> None:
        if not isinstance(action, pikepdf.Dictionary):
            return
        kind = _name(action, "/S")
        if kind and kind not in _ALLOWED_ACTIONS and kind not in _FORBIDDEN_ACTIONS:
            self._refuse(
                "other_action",
                f"The document carries an action that is not allowed ({kind[1:41]}).",
            )

    def _judge_open_action(self, action: object) -> None:
        if not isinstance(action, pikepdf.Dictionary):
            return
        kind = _name(action, "/S")
        if kind != "/GoTo" or "/Next" in action:
            self._refuse(
                "open_action",
                f"The document does something by itself when it is opened ({kind[1:41]}).",
            )

    def _judge_uri(self, node: pikepdf.Object) -> None:
        """Judge a link, or what the document's links are relative to (Base)."""
        value = node.get("/URI")
        if isinstance(value, pikepdf.Dictionary):
            if "/Base" in value:
                self._judge_target(value.get("/Base"))
        elif _name(node, "/S") == "/URI":
            self.link_count += 1
            self._judge_target(value)

    def _judge_target(self, value: object) -> None:
        target = str(value).strip().lower()
        if not target.startswith(_ALLOWED_LINKS):
            self._refuse("link", "A link leads elsewhere than to the web or a mail address.")

    def _refuse(self, code: str, reason: str) -> None:
        self._found.setdefault(code, Refusal(code, reason))


def _children(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    if isinstance(node, pikepdf.Array):
        values: list[object] = [node[index] for index in range(len(node))]
    elif isinstance(node, (pikepdf.Dictionary, pikepdf.Stream)):
        values = [node.get(key) for key in node.keys()]  # noqa: SIM118 - not a dict
    else:
        return
    # Numbers, strings and names arrive as plain Python values or leaf objects.
    yield from (
        value
        for value in values
        if isinstance(value, (pikepdf.Array, pikepdf.Dictionary, pikepdf.Stream))
    )


def _names_a_file(node: pikepdf.Object, keys: set[str]) -> bool:
    """Tell a file specification, with its type or without; fonts and flags are called F as well."""
    if "/FS" in keys or _name(node, "/Type") == "/Filespec":
        return True
    names = keys & {"/F", "/UF"}
    return any(isinstance(node.get(key), (str, pikepdf.String)) for key in names)


def _name(node: pikepdf.Object, key: str) -> str:
    value = node.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""
