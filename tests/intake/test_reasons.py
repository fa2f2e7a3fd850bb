"""What the code can refuse for, and what clients are told of it in words, are one set.

What can be raised is read out of the source: the reason of each refusal that is made, followed through conditions,
tables, loops, local names, parameters and the functions that choose it. What can't be followed fails the test.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from gateway.intake.negotiation import LANGUAGES
from gateway.intake.problems import INTERNAL, problem_book, problem_for
from gateway.intake.refusals import CredentialsRefused
from gateway.journal import EnrolmentRefused
from gateway.sealing.chain import LONGEST_SERIAL
from gateway.sealing.keys import LARGEST_RSA_KEY, SMALLEST_RSA_KEY
from gateway.sealing.refusals import SealingRefusal, SealRefused, TokenRefused
from gateway.sealing.sigform import LARGEST_SIGNATURE, MOST_CERTIFICATES
from gateway.sealing.tokens import LONGEST_LIFE
from tests.sealing.attacks import ATTACKS
from validators.parsing import parse
from validators.refusals import Refusal

ROOT = Path(__file__).parents[2]
PASSES_ON = "gateway.judging.frames"
HOSTILE = sorted((ROOT / "tests" / "corpus" / "hostile").glob("*.xml"))

Refusing = type[Refusal] | type[SealingRefusal] | type[CredentialsRefused]
Pair = tuple[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def family(root: Refusing) -> Iterator[Refusing]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


REFUSALS: Mapping[str, Refusing] = {
    kind.__name__: kind for root in (Refusal, SealingRefusal, CredentialsRefused) for kind in family(root)
}


@dataclass(frozen=True)
class Source:
    """One module of the project: its name, its tree, and for each node the node that it stands in."""

    name: str
    text: str

    @property
    def module(self) -> ModuleType:
        return import_module(self.name)

    @property
    def tree(self) -> ast.Module:
        return tree_of(self.text)

    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def function_around(self, node: ast.AST) -> Function | None:
        within = parents(self.text)
        while not isinstance(node, ast.Module):
            node = within[node]
            if isinstance(node, Function):
                return node
        return None

    def function(self, name: str) -> Function:
        return next(node for node in self.nodes() if isinstance(node, Function) and node.name == name)


@cache
def tree_of(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def parents(text: str) -> Mapping[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree_of(text)) for child in ast.iter_child_nodes(node)}


@cache
def sources() -> list[Source]:
    paths = sorted(path for room in ("codes", "validators", "gateway") for path in (ROOT / room).rglob("*.py"))
    return [Source(module_name(path), path.read_text(encoding="utf-8")) for path in paths]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def concerned() -> list[Source]:
    """The modules that name a class of refusals, save the one that only passes them on between processes."""
    named = (source for source in sources() if any(name in source.text for name in REFUSALS))
    return [source for source in named if source.name != PASSES_ON]


def refusals_made(source: Source) -> Iterator[tuple[Refusing, ast.expr]]:
    """Each refusal and the expression of its reason: calls, and the pairs of class and reason that tables hold."""
    for node in source.nodes():
        match node:
            case ast.Call(func=ast.Name(id=name), args=[reason, *_]) if name in REFUSALS:
                yield REFUSALS[name], reason
            case ast.Tuple(elts=[ast.Name(id=name), ast.Constant() as reason]) if name in REFUSALS:
                yield REFUSALS[name], reason


def values(source: Source, expression: ast.expr) -> set[str]:
    """Every text that an expression of a module can be."""
    found: set[str] = set()
    match expression:
        case ast.Constant(value=str() as text):
            found = {text}
        case ast.IfExp(body=one, orelse=other):
            found = values(source, one) | values(source, other)
        case ast.Subscript(value=ast.Name(id=table)):
            found = set(getattr(source.module, table).values())
        case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="get"), args=[_, default]):
            found = set(getattr(source.module, table).values()) | values(source, default)
        case ast.Call(func=ast.Name(id="next"), args=[ast.GeneratorExp(elt=chosen)]):
            found = values(source, chosen)
        case ast.Call(func=ast.Name(id=chooser)):
            returns = [node for node in ast.walk(source.function(chooser)) if isinstance(node, ast.Return)]
            found = union(values(source, node.value) for node in returns if node.value is not None)
        case ast.Name(id=name):
            found = values_of_name(source, expression, name)
        case ast.Attribute(attr="reason"):
            found = values_handed_on(source, expression)
    assert found, f"{source.name}: can't tell what {ast.unparse(expression)} may be"
    return found


def union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)


def values_of_name(source: Source, place: ast.expr, name: str) -> set[str]:
    """What a local name may be: what is assigned to it, what a loop gives it, or what callers pass."""
    function = source.function_around(place)
    assert function is not None, f"{source.name}: {name} is no local name"
    parameters = [parameter.arg for parameter in function.args.args]
    if name in parameters:
        return values_passed(source, function.name, parameters.index(name))
    found: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found |= values(source, value)
            case (
                ast.For(target=ast.Tuple(elts=names), iter=rows)
                | ast.comprehension(target=ast.Tuple(elts=names), iter=rows)
            ):
                found |= column(source, rows, [ast.unparse(each) for each in names], name)
    assert found, f"{source.name}: can't tell what {name} may be in {function.name}"
    return found


def column(source: Source, rows: ast.expr, names: list[str], name: str) -> set[str]:
    match rows:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="items")) | ast.Name(id=table) if name in names:
            content = getattr(source.module, table)
            each = content.items() if isinstance(content, Mapping) else content
            return {row[names.index(name)] for row in each}
    return set()


def values_passed(source: Source, function: str, place: int) -> set[str]:
    """What all calls of a module's function pass in one place, from whichever module."""
    found: set[str] = set()
    for caller in sources():
        if f"{function}(" not in caller.text:
            continue
        if getattr(caller.module, function, None) is getattr(source.module, function):
            for node in caller.nodes():
                match node:
                    case ast.Call(func=ast.Name(id=name), args=arguments) if name == function:
                        found |= values(caller, arguments[place])
    return found


HANDED_ON: Mapping[tuple[str, str], tuple[str, Refusing, str | None]] = {
    ("gateway.sealing.tokens", "refusal.reason"): ("gateway.sealing.jws", SealRefused, "checked_payload"),
    ("gateway.intake.authentication", "refused.reason"): ("gateway.sealing.tokens", TokenRefused, None),
}
"""Where the reason of what was caught is told again: the module that gave it, its class, its function if only one."""


def values_handed_on(source: Source, expression: ast.expr) -> set[str]:
    name, wanted, function = HANDED_ON[source.name, ast.unparse(expression)]
    origin = next(each for each in sources() if each.name == name)
    return union(
        values(origin, reason)
        for kind, reason in refusals_made(origin)
        if kind is wanted and (function is None or origin.function_around(reason) is origin.function(function))
    )


@cache
def raised() -> frozenset[Pair]:
    """Each problem with each reason that a client may be given."""
    return frozenset(
        (code, reason)
        for source in concerned()
        for kind, expression in refusals_made(source)
        if (code := code_of(kind)) != INTERNAL
        for reason in values(source, expression)
    )


def is_told(code: str) -> bool:
    """True when the texts of a problem have a place for the reason."""
    return "{reason}" in problem_book().kinds[code].details["en"]


def key_of(code: str, reason: str) -> str:
    """The entry that gives the words."""
    return f"{code}.{reason}" if f"{code}.{reason}" in problem_book().reasons else reason


def code_of(kind: Refusing) -> str:
    """The problem that a refusal becomes."""
    return problem_book().kind_of(kind("")).code


def mentions_not_followed(source: Source) -> list[str]:
    """Where a class that clients meet is used in another way than to be raised, caught, derived from or annotated."""
    known: set[ast.AST] = set()
    for node in source.nodes():
        match node:
            case ast.Call(func=made, args=[_, *_]):
                known.add(made)
            case ast.Tuple(elts=[kind, ast.Constant()]):
                known.add(kind)
            case ast.ExceptHandler(type=ast.expr() as told) | ast.AnnAssign(annotation=told):
                known.update(ast.walk(told))
            case ast.FunctionDef(returns=ast.expr() as told):
                known.update(ast.walk(told))
            case ast.ClassDef(bases=bases):
                known.update(bases)
    public = {name for name, kind in REFUSALS.items() if code_of(kind) != INTERNAL}
    return [
        f"{source.name}:{node.lineno}"
        for node in source.nodes()
        if (isinstance(node, ast.Name) and node.id in public and node not in known)
        or (isinstance(node, ast.Attribute) and node.attr in public)
    ]


def test_no_refusal_is_made_in_a_way_that_is_not_followed() -> None:
    assert [place for source in concerned() for place in mentions_not_followed(source)] == []


def test_only_these_classes_carry_a_reason() -> None:
    carriers = {
        each.name
        for source in sources()
        for each in source.nodes()
        if isinstance(each, ast.ClassDef) and "self.reason = reason" in ast.unparse(each)
    }
    assert carriers == {"Refusal", "SealingRefusal", "CredentialsRefused", "EnrolmentRefused"}
    assert problem_book().kind_of(EnrolmentRefused("", "")).code == INTERNAL


def test_the_reasons_of_attacks_and_of_hostile_files_are_among_those_found() -> None:
    attacks = {(attack.code, attack.reason) for attack in ATTACKS.values()}
    files = {(code, reason) for code, reason, _ in (path.stem.split("--") for path in HOSTILE)}
    assert len(attacks) > 60
    assert len(files) > 30
    assert (attacks | files) - raised() == set()


def test_only_a_body_that_is_too_large_is_refused_without_a_place_for_the_reason() -> None:
    assert {code for code, _ in raised() if not is_told(code)} == {"too-large"}


@pytest.mark.parametrize(("code", "reason"), sorted(pair for pair in raised() if is_told(pair[0])))
def test_every_reason_has_words_in_three_languages(code: str, reason: str) -> None:
    texts = problem_book().reasons.get(key_of(code, reason), {})
    assert set(texts) == set(LANGUAGES)
    assert len(set(texts.values())) == len(LANGUAGES)
    for language, text in texts.items():
        assert text == text.strip(" .;:")
        assert not text[0].isspace()
        assert bool(re.search("[а-яёәғқңөұүһі]", text.lower())) is (language != "en")


def test_no_words_are_left_for_a_reason_that_nobody_gives() -> None:
    assert set(problem_book().reasons) - {key_of(*pair) for pair in raised()} == set()


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("number-of-certificates", MOST_CERTIFICATES),
        ("short-rsa-key", SMALLEST_RSA_KEY),
        ("long-rsa-key", LARGEST_RSA_KEY),
        ("certificate-refused.serial-number", LONGEST_SERIAL),
        ("token-refused.lifetime", LONGEST_LIFE),
        ("signature-too-large", LARGEST_SIGNATURE // 1024),
    ],
)
def test_the_figures_in_the_words_are_those_of_the_checks(key: str, number: int) -> None:
    assert all(str(number) in text for text in problem_book().reasons[key].values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("body", [path.read_bytes() for path in HOSTILE], ids=[path.stem for path in HOSTILE])
def test_what_is_told_of_a_hostile_file_is_whole_sentences(body: bytes, language: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(body)
    detail = problem_for(caught.value, "urn:uuid:1", language, 2).body()["detail"]
    assert not re.search(r"[{}]|  | [.,;)]|\( | -|: \.", detail), detail
