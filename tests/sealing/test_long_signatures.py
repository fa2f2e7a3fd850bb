"""A message read from a file in windows is refused, and its signature holds, exactly as where it is read as a tree."""

import hashlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.judging.examination import reporter_of
from gateway.model import Signer
from gateway.sealing.long_signature import read_long, verify_long
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.xmldsig import digest_input, verify_signature
from tests.sealing.attacks import ATTACKS
from tests.sealing.kit import AT, Making, store
from tests.validators.big import BIG
from validators.limits import DEFAULT_LIMITS, Limits
from validators.long_text import settle
from validators.parsing import parse
from validators.refusals import Refusal

SIZES = (7, 64, 4_096)
CORPUS = sorted(
    path for folder in ("corpus", "samples") for path in (Path(__file__).parents[1] / folder).rglob("*.xml")
)
Told = tuple[str, str, str | None] | Signer
ALSO_TOO_DEEP: dict[str, Told] = {"depth 100000": ("limit", "depth", "1")}


PEAK = """
import resource, sys
from gateway.sealing.long_signature import read_long
from validators.limits import LONG_LIMITS
from validators.long_text import settle
with open(sys.argv[1], "rb") as file:
    read_long(settle(file, LONG_LIMITS))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def told(check: Callable[[], Signer]) -> Told:
    """Who signed, or the refusal by its names and the line."""
    try:
        return check()
    except Refusal as refusal:
        return refusal.code, refusal.reason, str(refusal.line)
    except SignatureRefused as refusal:
        return refusal.code, refusal.reason, None


def as_tree(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Told:
    return told(lambda: verify_signature(parse(body, limits).root, store(), AT))


def defective(answer: Told) -> bool:
    """Whether the text itself was refused, not its signature."""
    return not isinstance(answer, Signer) and answer[0] in {kind.code for kind in Refusal.__subclasses__()}


def in_windows(body: bytes, read_bytes: int, limits: Limits = DEFAULT_LIMITS) -> Told:
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        return told(lambda: verify_long(settle(file, limits, read_bytes), store(), AT)[0])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_of_the_corpus_is_told_the_same(path: Path, size: int) -> None:
    assert in_windows(path.read_bytes(), size) == as_tree(path.read_bytes())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_message_of_the_corpus_has_the_digest_and_the_reporter_of_its_tree(path: Path) -> None:
    try:
        root = parse(path.read_bytes()).root
        signed = root.find("SignedData")
        if signed is None:
            return
        expected = hashlib.sha256(digest_input(signed)).digest(), reporter_of(root)
    except (Refusal, SignatureRefused):
        return
    with path.open("rb") as file:
        found = read_long(settle(file, DEFAULT_LIMITS, 100))
    assert (found.digest, found.reporter) == expected


def test_memory_does_not_grow_with_the_message(tmp_path: Path) -> None:
    def peak(items: int) -> int:
        path = tmp_path / f"{items}.xml"
        item = '<Event Sequence="1" Id="0190e0c0-0000-7000-8000-000000000000" Kind="BET" Amount="10.00"/>\n'
        path.write_text(Making().text().replace("<Data>", "<Data>" + item * items))
        done = subprocess.run([sys.executable, "-c", PEAK, path], check=True, capture_output=True)
        return int(done.stdout)

    assert peak(100_000) - peak(20_000) < 8 * 1024


@pytest.mark.parametrize("name", BIG)
def test_what_is_too_much_is_refused_for_the_same_reason(name: str) -> None:
    body = BIG[name][2]()
    assert in_windows(body, 65_536) == ALSO_TOO_DEEP.get(name, as_tree(body))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_signature_is_refused_for_the_same_reason(name: str, size: int) -> None:
    body = etree.tostring(ATTACKS[name].making.tree())
    assert in_windows(body, size) == as_tree(body)


WRITTEN = [
    "",
    "<?xml version='1.0'?>\r\n",
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\r\n ',
]
# All that XML 1.0 calls a character (production 2, Char).
CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\t\r\n", exclude_characters="\ufffe\uffff"
)
NOTES = st.text(CHARACTERS, max_size=40)


@given(
    note=NOTES,
    blank=st.text(" \t\r\n", max_size=70),
    written=st.sampled_from(WRITTEN),
    size=st.integers(1, 200),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_message_says_its_digest_is_that_of_its_tree(
    note: str, blank: str, written: str, size: int, encoding: str
) -> None:
    said = f"<Note>{escape(note)}<![CDATA[</Signature><b>{note.replace(']', '')}]]></Note>{blank}"
    message = Making().text().replace("<Data>", f"{blank}<Data>{said}")
    body = (written if encoding != "utf-16" else "") + message
    with tempfile.TemporaryFile() as file:
        file.write(body.encode(encoding))
        file.flush()
        found = read_long(settle(file, DEFAULT_LIMITS, size))
    signed = parse(body.encode(encoding)).root.find("SignedData")
    assert signed is not None
    assert found.digest == hashlib.sha256(digest_input(signed)).digest()


@given(seed=st.integers(0, 2**32), size=st.integers(1, 400))
@settings(max_examples=300, deadline=None)
def test_a_damaged_message_is_told_the_same_or_another_of_its_defects(seed: int, size: int) -> None:
    generator = random.Random(seed)
    body = bytearray(Making().text().encode())
    for _ in range(generator.randint(1, 3)):
        place = generator.randrange(len(body))
        body[place : place + generator.randint(0, 3)] = generator.choice(DAMAGE)
    as_it_is, as_read = as_tree(bytes(body)), in_windows(bytes(body), size)
    assert as_it_is == as_read or (defective(as_it_is) and defective(as_read))


DAMAGE = [b"", b"<", b">", b"&", b"\0", b"\xff", b"<a>", b"</a>", b"<!--", b"]]>", b"<![CDATA[", b"&amp;", b"\r", b"'"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keep", [1, 40, 200, 900, -40, -1])
def test_a_message_that_was_cut_off_is_refused_alike(keep: int, size: int) -> None:
    body = Making().body()[:keep]
    assert in_windows(body, size) == as_tree(body)
