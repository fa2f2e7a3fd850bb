"""The schemas of one message type in one edition, compiled once: libxml2's for the verdict, xmlschema's to explain."""

import threading
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from lxml import etree

from validators.names import closest
from validators.paths import line_of

if TYPE_CHECKING:  # xmlschema costs 20 MB and is loaded when a message is refused
    from xmlschema import XMLSchema10

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_XSI: Final = {"xsi": "http://www.w3.org/2001/XMLSchema-instance"}
_Known: TypeAlias = "dict[tuple[str, str], etree._Element]"  # noqa: SLF001 - lxml names its element type so
_HAS_XSI: Final = etree.XPath("boolean(/descendant::*/@xsi:*)", namespaces=_XSI, regexp=False)
_HAS_XSI_BELOW: Final = etree.XPath("boolean(descendant-or-self::*/@xsi:*)", namespaces=_XSI)
_ANY_BUT_FOUR: Final = "[^&<>`]*"
ROW: Final = "Items"
"""The tag of what holds elements that are asked about together."""
_IS_FM1: Final = etree.XPath(
    "boolean((SignedData/*/*)[1][PersonalData and MessageInformation and Participants])", regexp=False
)

_FM1_ALWAYS: Final = frozenset({"PersonalData", "MessageInformation", "Participants"})
_FM1: Final = _FM1_ALWAYS | {"References"}
_NOTICE: Final = frozenset({"ErrorCode", "ErrorName", "AcceptanceDateTime"})
_OTHER: Final = frozenset({"MessDate", "MessOwn", "SystemId", "OrganisationData", "CountDays", "RequestDateTime"})
_TELLING: Final = tuple(sorted(_FM1 | _NOTICE | _OTHER | {"Version", "DocumentUniqueIdentifier", "Description"}))


def accepts_row(row: etree._Element, schema: etree.XMLSchema) -> bool:
    """True when such a schema finds nothing wrong with any element of a row, as `Schema.accepts_part` says of each."""
    try:
        return schema.validate(row) and not _HAS_XSI_BELOW(row)
    except etree.XMLSchemaValidateError:
        return False


class SchemaMissing(LookupError):
    """There is no schema for that family, edition and message type; the text names the file that was looked for."""


class Schema:
    """One message type in one edition: `fm1`, `2025-07-10`, `doc`.

    Made by `schema_for`; safe to use from any thread.
    """

    def __init__(self, family: str, edition: str, message_type: str, path: Path) -> None:
        self.family = family
        self.edition = edition
        self.message_type = message_type
        self.path = path
        self._lock = threading.Lock()
        self._explainer: XMLSchema10 | None = None

    @cached_property
    def compiled(self) -> etree.XMLSchema:
        """libxml2's form of the schema."""
        return etree.XMLSchema(_read(self.path))

    @cached_property
    def lenient(self) -> etree.XMLSchema:
        """The same without the pattern that keeps `&`, `<`, `>` and a backtick out of texts.

        Over a message whose texts have none of the four both say the same, and this one is four times as quick:
        libxml2 steps through a pattern letter by letter.
        """
        whole = _read_whole(self.path)
        spared = [one for one in whole.iter(f"{_XS}restriction") if _ANY_BUT_FOUR in _patterns(one).values()]
        unsure = next(whole.iter(f"{_XS}include", f"{_XS}union", f"{_XS}list"), None) is not None
        if unsure or _of_attributes(whole) & _built_on(whole, spared):
            return self.compiled
        for restriction in spared:
            for pattern in _patterns(restriction):
                restriction.remove(pattern)
        return etree.XMLSchema(whole)

    def accepts(self, root: etree._Element, *, regular: bool = False) -> bool:
        """True when libxml2 finds nothing wrong and no `xsi:` attribute speaks to the validator.

        `regular` says that the root is that of a regular text, which has neither such attributes nor the four letters.
        Where libxml2 gives up, the message is not accepted.
        """
        try:
            if regular:
                return self.lenient.validate(root)
            text = etree.tostring(root, method="text", encoding="utf-8")
            plain = not (b"&" in text or b"<" in text or b">" in text or b"`" in text)
            return (self.lenient if plain else self.compiled).validate(root) and not _HAS_XSI(root)
        except etree.XMLSchemaValidateError:
            return False

    def accepts_part(self, element: etree._Element) -> bool:
        """True when libxml2 finds nothing wrong with one element, which the schema declares by itself.

        No `xsi:` attribute in it speaks to the validator.
        """
        try:
            return self.compiled.validate(element) and not _HAS_XSI_BELOW(element)
        except etree.XMLSchemaValidateError:
            return False

    def row_of(self, tag: str) -> etree.XMLSchema:
        """The schema with an element `Items` that holds any number of those elements, which it declares themselves.

        To ask of many at once takes a fraction of the time that it takes to ask of each.
        """
        whole = _read(self.path)
        holder = etree.SubElement(whole.getroot(), f"{_XS}element", name=ROW)
        inside = etree.SubElement(etree.SubElement(holder, f"{_XS}complexType"), f"{_XS}sequence")
        etree.SubElement(inside, f"{_XS}element", ref=tag, minOccurs="0", maxOccurs="unbounded")
        return etree.XMLSchema(whole)

    def complaint(self, root: etree._Element) -> tuple[str, int | None]:
        """libxml2's own name for the first thing it refuses, and its line; holds no value of the message."""
        validator = etree.XMLSchema(_read(self.path))
        try:
            validator.assertValid(root)
        except etree.DocumentInvalid as invalid:
            entry = getattr(invalid.error_log, "last_error", None)
            if entry is not None:
                return str(entry.type_name), int(entry.line)
        return "XSI_ATTRIBUTE", line_of(root)

    def explainer(self) -> "XMLSchema10":
        """The form xmlschema has of the schema, built when it is first asked for."""
        with self._lock:
            if self._explainer is None:
                from xmlschema import XMLSchema10  # noqa: PLC0415 - costs memory, needed for refusals only

                self._explainer = XMLSchema10(str(self.path), allow="local", defuse="always")
            return self._explainer

    def warm(self, *, explain: bool = False) -> None:
        """Builds now what the first verdict would build; with `explain` also what the first refusal would.

        xmlschema takes 20 MB and most of a second, once a process.
        """
        _ = self.compiled, self.lenient, self.fields
        if explain:
            import_module("validators.explain")
            self.explainer()

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Form fields by path without positions, attributes as `.../@Code`; paths without a field are left out."""
        return {path: field for path, field in _fields(self.path) if field}

    def field_of(self, path: str) -> str | None:
        """The form field such as `3.10` of a path without positions; None where the form has none."""
        return self.fields.get(path)


@cache
def schema_for(family: str, edition: str, message_type: str, root: Path | None = None) -> Schema:
    """The schema, from `schemas/xsd/<family>/<edition>/<message_type>.xsd` or below another root."""
    path = (root or schema_root()) / family / edition / f"{message_type}.xsd"
    if not path.is_file():
        raise SchemaMissing(f"no schema at {path}: add the file, or ask for a message type that the edition has")
    return Schema(family, edition, message_type, path)


def schema_root() -> Path:
    """The folder of all schemas, `schemas/xsd`."""
    return Path(str(files("schemas").joinpath("xsd")))


@cache
def vocabulary() -> frozenset[bytes]:
    """Every name of an element or attribute that any schema declares, in UTF-8, also as `/Name` and `Name/`."""
    names = {
        name.encode()
        for path in sorted(schema_root().glob("*/*/*.xsd"))
        for declaration in _read(path).iter(f"{_XS}element", f"{_XS}attribute")
        if (name := declaration.get("name"))
    }
    return frozenset(form for name in names for form in (name, b"/" + name, name + b"/"))


def message_type_of(root: etree._Element) -> str:
    """`doc`, `Ack1`, `Ack2` or `unknown`, told by what the message holds; misprinted tags do not hide it."""
    if _IS_FM1(root):
        return "doc"
    for inner in root.iterfind("SignedData/*/*"):
        tags = frozenset(child.tag for child in inner)
        if tags >= _FM1_ALWAYS:
            return "doc"
        inside = {closest(tag, _TELLING) for tag in tags}
        if inside & _FM1:
            return "doc"
        if inside & _OTHER:
            continue
        name = closest(inner.tag, ("Check", "Root"))
        if name == "Check":
            return "Ack1"
        if name == "Root" and inside & _NOTICE:
            return "Ack2"
    return "unknown"


def _declarations(path: Path) -> _Known:
    found: _Known = {}
    for child in _read(path).getroot():
        if child.tag == f"{_XS}include":
            found |= _declarations(path.parent / child.get("schemaLocation", ""))
        else:
            found[child.tag, child.get("name", "")] = child
    return found


def _fields(path: Path) -> Iterator[tuple[str, str]]:
    """Paths and form fields of everything below the root elements that the file itself declares."""
    known = _declarations(path)
    for (tag, _), declaration in known.items():
        if tag == f"{_XS}element":
            yield from _fields_of(declaration, f"/{declaration.get('name')}", known)


def _fields_below(node: etree._Element, prefix: str, known: _Known) -> Iterator[tuple[str, str]]:
    for child in node:
        kind, name = child.tag, child.get("name", "")
        if kind == f"{_XS}element":
            yield from _fields_of(child, f"{prefix}/{name}", known)
        elif kind == f"{_XS}attribute":
            yield f"{prefix}/@{name}", _form_field(child)
        elif kind == f"{_XS}group":
            yield from _fields_below(known[kind, child.get("ref", "")], prefix, known)
        elif kind != f"{_XS}annotation":
            yield from _fields_below(child, prefix, known)


def _fields_of(element: etree._Element, path: str, known: _Known) -> Iterator[tuple[str, str]]:
    yield path, _form_field(element)
    yield from _fields_below(element, path, known)
    named = known.get((f"{_XS}complexType", element.get("type", "")))
    if named is not None:
        yield from _fields_below(named, path, known)


def _form_field(declaration: etree._Element) -> str:
    form = declaration.find(f"{_XS}annotation/{_XS}appinfo/form")
    return form.get("field", "") if form is not None else ""


def _read_whole(path: Path) -> etree._Element:
    """The schema with the declarations of what it includes in place; an inclusion of another manner stays one."""
    whole = _read(path).getroot()
    for include in whole.findall(f"{_XS}include"):
        included = _read_whole(path.parent / include.get("schemaLocation", ""))
        if sorted(included.items()) == sorted(whole.items()):
            whole.extend(child for child in list(included) if child.tag != f"{_XS}annotation")
            whole.remove(include)
    return whole


def _patterns(restriction: etree._Element) -> dict[etree._Element, str]:
    """The patterns of a type, one of which a value must follow."""
    return {pattern: pattern.get("value", "") for pattern in restriction.iterchildren(f"{_XS}pattern")}


def _built_on(whole: etree._Element, restrictions: list[etree._Element]) -> set[str]:
    """The names of the types that hold one of the restrictions, or descend from one; empty for a nameless type."""
    types = {_around(restriction) for restriction in restrictions}
    while True:
        heirs = {_around(one) for one in whole.iter(f"{_XS}restriction", f"{_XS}extension") if one.get("base") in types}
        if heirs <= types:
            return types
        types |= heirs


def _around(part: etree._Element) -> str:
    """The name of the type that the part belongs to."""
    return next((one.get("name", "") for one in part.iterancestors(f"{_XS}simpleType", f"{_XS}complexType")), "")


def _of_attributes(whole: etree._Element) -> set[str]:
    """The names of the types that attributes have; empty for a nameless one."""
    return {attribute.get("type", "") for attribute in whole.iter(f"{_XS}attribute")}


def _read(path: Path) -> etree._ElementTree:
    return etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
