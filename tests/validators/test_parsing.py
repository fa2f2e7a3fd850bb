"""What is taken as a message, and what is refused by name before it costs anything."""

import codecs
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.validators.big import BIG
from validators import parsing, scanning
from validators.limits import DEFAULT_LIMITS, Limits
from validators.parsing import parse
from validators.paths import line_of
from validators.refusals import Refusal
from validators.scanning import scan
from validators.schemas import vocabulary

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.xml"))
HOSTILE = sorted((Path(__file__).parents[1] / "corpus" / "hostile").glob("*.xml"))


def refusal_of(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse(body, limits)
    return caught.value


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_a_hostile_file_is_refused_by_the_name_it_carries(path: Path) -> None:
    code, reason, _ = path.stem.split("--")
    refusal = refusal_of(path.read_bytes())
    assert (refusal.code, refusal.reason) == (code, reason)


@pytest.fixture(scope="module")
def big() -> dict[str, list[str]]:
    """What became of each case of big.py, tried by a process that is killed where it takes too much."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.validators.big"], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, list[str]] = json.loads(done.stdout)
    return outcomes


@pytest.mark.parametrize("name", BIG)
def test_what_is_big_is_refused_by_name_in_bounded_time_and_memory(name: str, big: dict[str, list[str]]) -> None:
    assert big[name] == list(BIG[name][:2])


def test_a_limit_says_how_much_was_found_and_how_much_is_allowed() -> None:
    refusal = refusal_of(b"<a><b/><b/></a>", Limits(elements=2))
    assert refusal.parameters == {"most": "2", "found": "3"}
    assert str(refusal) == "limit: elements, most=2, found=3"


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        (b"<a/>", Limits(bytes=4)),
        (b"<a><b/></a>", Limits(depth=2)),
        (b"<a><b/></a>", Limits(elements=2)),
        (b'<a b="" c=""/>', Limits(attributes=2)),
        (b'<a b=""/>', Limits(names=2)),
        (b"<aa/>", Limits(name=2)),
        (b'<a b="&#65;"/>', Limits(attribute=5)),
        (b"<a>aaa<b/>aaa</a>", Limits(text=3)),
    ],
)
def test_what_is_just_within_a_limit_is_taken(body: bytes, limits: Limits) -> None:
    assert parse(body, limits).root.tag in ("a", "aa")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_gives_the_tree_that_lxml_reads_from_its_bytes(path: Path) -> None:
    body = path.read_bytes()
    message = parse(body)
    assert message.encoding == "UTF-16LE"
    assert canonical(message.root) == canonical(etree.fromstring(body))


TEXT = '<ExportData a="1">Қазақстан 😀 <b/>\ntext</ExportData>'


@pytest.mark.parametrize(
    ("declared", "codec", "encoding"),
    [
        ("", "utf-8", "UTF-8"),
        ('<?xml version="1.0"?>', "utf-8", "UTF-8"),
        ('<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n', "utf-8", "UTF-8"),
        ("<?xml version='1.0' encoding='UTF-8'?>", "utf-8-sig", "UTF-8"),
        ("", "utf-8-sig", "UTF-8"),
        ("", "utf-16", "UTF-16LE"),
        ('<?xml version="1.0"?>', "utf-16", "UTF-16LE"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16", "UTF-16LE"),
        ('<?xml version="1.0" encoding="Utf-16le" ?>', "utf-16", "UTF-16LE"),
        ('<?xml version="1.0" encoding="UTF-16LE"?>', "utf-16-le", "UTF-16LE"),
        ('<?xml version="1.0" encoding="UTF-16BE"?>', "utf-16-be", "UTF-16BE"),
    ],
)
def test_each_encoding_that_is_taken_gives_the_same_tree(declared: str, codec: str, encoding: str) -> None:
    message = parse((declared + TEXT).encode(codec))
    assert message.encoding == encoding
    assert canonical(message.root) == canonical(etree.fromstring(TEXT))


def test_big_endian_utf_16_with_its_mark_is_taken() -> None:
    message = parse(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"))
    assert (message.encoding, canonical(message.root)) == ("UTF-16BE", canonical(etree.fromstring(TEXT)))


def test_cdata_character_references_and_predefined_entities_are_plain_text() -> None:
    body = b"<a b='&lt;&quot;>'><![CDATA[<!-- &x; <?y?> <!DOCTYPE z> ]]]]>&#x41;&amp;&apos;?!</a>"
    root = parse(body).root
    assert (root.text, root.get("b")) == ("<!-- &x; <?y?> <!DOCTYPE z> ]]A&'?!", '<">')


def test_every_kind_of_line_end_counts_as_one_line() -> None:
    root = parse(b"<?xml version='1.0'\r\n?>\r<a>\n\r\n<b/>\r\r<c/></a>").root
    assert [line_of(element) for element in root.iter()] == [3, 5, 7]
    assert root.text == "\n\n"


def test_lines_are_counted_beyond_what_sixteen_bits_hold() -> None:
    root = parse(b"<a>" + b"\n" * 70_000 + b"<b/></a>").root
    assert line_of(root[0]) == 70_001


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"<a>\r\r\n<!-- --></a>", 3),
        (b"<?xml version='1.0'?>\n<a>\n&x;</a>", 3),
        (b"<a>\n<b x='1'\nx='2'/></a>", 3),
        (b"<a>\n\n\xff</a>", 3),
        ("<a>\n\n\0</a>".encode("utf-16"), 3),
        (b"<a>\n</b>", 2),
        (b"<a/>\n\n<b/>", 3),
    ],
)
def test_a_refusal_names_the_line(body: bytes, line: int) -> None:
    assert refusal_of(body).line == line


def test_a_refusal_holds_no_value_of_the_message() -> None:
    refusal = refusal_of("<a>Иванов &secret; </a>".encode())
    assert "secret" not in str(refusal)
    assert "Иванов" not in repr(refusal)


def test_elements_in_a_namespace_are_parsed_and_left_to_the_schema() -> None:
    assert parse(b'<a:b xmlns:a="urn:x"/>').root.tag == "{urn:x}b"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_samples_hold_known_names_only(path: Path) -> None:
    text = path.read_bytes().decode("utf-16").encode()
    assert scan(text, text.index(b"?>") + 2, DEFAULT_LIMITS, vocabulary(), closing=True)


@pytest.mark.parametrize(
    "text",
    [
        b"<Foo/>",
        b"<Root><Foo></Foo></Root>",
        b"<Root Foo=''/>",
        b"<Root\nFoo\t=\n'>'/>",
        b"<Root Code='>' Foo=''/>",
        b"<Root><Rooty/></Root>",
        b"<Rooo",
        b"<Root =''>",
        "<Rоot/>".encode(),
        b"<x:Root xmlns:x='u'/>",
        b"<Root>" + b"".join(b"%s<Code/>" % bytes(32 if n >> k & 1 else 10 for k in range(20)) for n in range(99)),
        b"<Root>\n \t \t  \t   \t    \t<Code/></Root>",
    ],
)
def test_names_and_blanks_that_no_schema_knows_are_noticed_before_parsing(text: bytes) -> None:
    assert not scan(text, 0, DEFAULT_LIMITS, vocabulary())


@pytest.mark.parametrize("indent", [b"\n" + b" " * 40, b"\n\n" + b"\t" * 20, b" " * 59])
def test_a_message_that_is_indented_is_parsed_like_one_that_is_not(indent: bytes) -> None:
    assert scan(b"<Root>" + indent + b"<Code/>" + indent + b"</Root>", 0, DEFAULT_LIMITS, vocabulary())


def test_a_tag_that_was_seen_before_is_still_held_against_the_limits_of_this_message() -> None:
    body = b"<Root Code='12345'/>"
    parse(body)
    assert refusal_of(body, Limits(attribute=4)).reason == "attribute"
    assert refusal_of(body, Limits(attributes=0)).reason == "attributes"


def test_tags_without_end_do_not_fill_what_is_remembered_of_tags() -> None:
    for number in range(3 * scanning._MOST_REMEMBERED):
        assert scan(b"<Root Code='%d'/>" % number, 0, DEFAULT_LIMITS, vocabulary())
    assert len(scanning._usual_tags(vocabulary())) < len(vocabulary()) + scanning._MOST_REMEMBERED + 8


def test_a_foreign_end_tag_is_noticed_when_end_tags_are_looked_at() -> None:
    text = b"<Root></Foo>"
    assert scan(text, 0, DEFAULT_LIMITS, vocabulary())
    assert not scan(text, 0, DEFAULT_LIMITS, vocabulary(), closing=True)


def test_only_known_names_are_parsed_in_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    read = parsing._read

    def noting(text: bytes) -> etree._Element:
        threads.append(threading.get_ident())
        return read(text)

    monkeypatch.setattr(parsing, "_read", noting)
    parse(b"<Root><Code>1</Code></Root>")
    parse(b"<Root><Foo>1</Foo></Root>")
    assert threads[0] == threading.get_ident()
    assert threads[1] != threading.get_ident()


def test_many_threads_parse_at_once() -> None:
    bodies = [path.read_bytes() for path in SAMPLES]
    expected = [canonical(etree.fromstring(body)) for body in bodies]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(25):
            wrong.extend(n for n, body in enumerate(bodies) if canonical(parse(body).root) != expected[n])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def canonical(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=True)


def lossy(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> str:
    """Well-formed XML in our subset."""
    name = draw(st.sampled_from(["Root", "Code", "a", "ә", "a-b", "x.y"]))
    attributes = draw(st.dictionaries(st.sampled_from(["Code", "b", "ң"]), VALUES, max_size=2))
    written = "".join(f" {key} = {value}" for key, value in attributes.items())
    inner = draw(st.lists(st.one_of(TEXTS, trees(depth - 1)) if depth else TEXTS, max_size=3))
    return f"<{name}{written}>{''.join(inner)}</{name}>" if inner else f"<{name}{written} />"


VALUES = st.sampled_from(["'>'", '"&lt;&#10;"', '"\'"', "'\"'", "\"a=b c='d'\"", "''"])
TEXTS = st.sampled_from(["x", " \r\n ", "&gt;", ">", "<![CDATA[<a b=''>&x;]]>", "&#x4e0;", "?!", "\t"])


@settings(max_examples=150, deadline=None)
@given(trees(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_well_formed_xml_of_our_subset_gives_the_tree_that_lxml_reads(text: str, codec: str) -> None:
    assert canonical(parse(text.encode(codec)).root) == canonical(etree.fromstring(text))


PIECES = st.sampled_from(
    ["<a>", "</a>", "<b/>", "<a b='c'>", "text", "&amp;", "&x;", "&#65;", "<!-- -->", "<?p?>", "<![CDATA[", "]]>",
     "\r", "<!DOCTYPE a>", '<?xml version="1.0"?>', "<Root>", "</Root>", "<", ">", '"', "'", "=",
     "\ufeff", "\0", "\ud800", "ә"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=64), st.lists(PIECES, max_size=12).map("".join).map(lossy)))
def test_bytes_are_parsed_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        message = parse(body)
    except Refusal:
        return
    assert all(isinstance(element.tag, str) for element in message.root.iter())
