"""A signature that is written as here is read without a parser, to the same effect; strangers' names leave no trace."""

import base64
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.sealing import sigform
from gateway.sealing.algorithms import ALGORITHMS, SignatureAlgorithm
from gateway.sealing.refusals import SignatureOutsideProfile, SignatureRefused
from gateway.sealing.sigform import SignatureForm, read_form
from gateway.sealing.sigtext import read_written, signed_info, written
from tests.sealing.attacks import ATTACKS
from tests.sealing.kit import DSIG, SAMPLES, Making, deep_leaf, intermediate, leaf

PARSER = sigform._form_with_parser
DIGEST = base64.b64encode(bytes(range(32))).decode()
AS_WRITTEN = [
    Making().signature().encode(),
    Making(signer=leaf("rsa2048")).signature().encode(),
    Making(signer=deep_leaf(), others=(intermediate(),)).signature().encode(),
    *(written(row, DIGEST, b"v" * 64, [b"c" * 300, b"d" * 301, b"e" * 302]) for row in ALGORITHMS.values()),
]
VALUES = st.binary(min_size=1, max_size=120)


def outcome(read: Callable[[bytes], SignatureForm | None], source: bytes) -> SignatureForm | str | None:
    try:
        return read(source)
    except SignatureRefused as refusal:
        return refusal.reason


@pytest.mark.parametrize("source", AS_WRITTEN)
def test_what_is_written_as_here_is_read_without_a_parser_and_as_the_parser_reads_it(source: bytes) -> None:
    form = sigform._form_as_written(source)
    assert form is not None
    assert form == PARSER(source)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("fm1-*.xml")), ids=lambda path: path.stem)
def test_the_signatures_of_the_samples_are_read_without_a_parser(path: Path) -> None:
    text = etree.fromstring(path.read_bytes()).findtext("SignedData/Signature")
    source = base64.b64decode(text or "")
    assert sigform._form_as_written(source) == PARSER(source)


@given(
    row=st.sampled_from(list(ALGORITHMS.values())),
    digest=st.binary(min_size=32, max_size=32),
    value=VALUES,
    certificates=st.lists(VALUES, min_size=1, max_size=6),
)
def test_whatever_is_written_is_read_by_both_ways_alike(
    row: SignatureAlgorithm, digest: bytes, value: bytes, certificates: list[bytes]
) -> None:
    text = base64.b64encode(digest).decode()
    source = written(row, text, value, certificates)
    expected = SignatureForm(signed_info(row, text), row, digest, value, tuple(certificates))
    assert sigform._form_as_written(source) == expected == PARSER(source)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(source=st.sampled_from(AS_WRITTEN), seed=st.integers(0, 2**32), changes=st.integers(1, 2))
@example(source=AS_WRITTEN[0].replace(b"</ds:SignatureValue>", b"=</ds:SignatureValue>"), seed=0, changes=0)
@example(source=AS_WRITTEN[0] + b"\n", seed=0, changes=0)
@example(source=b" " + AS_WRITTEN[0], seed=0, changes=0)
def test_of_a_changed_signature_both_ways_tell_the_same_or_only_the_parser_tells(
    source: bytes, seed: int, changes: int
) -> None:
    generator = random.Random(seed)
    for _ in range(changes):
        start = generator.randrange(len(source))
        end = start + generator.choice((0, 1, 2, 40))
        source = source[:start] + generator.choice((b"", b"A", b"=", b"<", b" ", b"ds:", b"&#65;")) + source[end:]
    quick = sigform._form_as_written(source)
    assert quick is None or quick == outcome(PARSER, source)


@pytest.mark.parametrize("name", ATTACKS)
def test_reading_an_attack_as_written_tells_nothing_else_than_the_parser(name: str) -> None:
    source = ATTACKS[name].making.signature().encode()
    quick = sigform._form_as_written(source)
    assert quick is None or quick == outcome(PARSER, source)


@pytest.mark.parametrize("count", [1_000, 60_000])
def test_a_text_that_never_ends_is_given_up_at_once(count: int) -> None:
    head = AS_WRITTEN[0][: AS_WRITTEN[0].index(b"<ds:X509Certificate>")]
    assert read_written(head + b"<ds:X509Certificate>" + b"A" * count + b"!") is None
    assert read_written(head + b"<ds:X509Certificate>A</ds:X509Certificate>" * (count // 40)) is None


def parsing_thread(monkeypatch: pytest.MonkeyPatch, source: bytes) -> int | None:
    """The thread in which the parser read the signature; None where it was not called."""
    threads: list[int] = []
    parsed = sigform._parsed

    def noting(body: bytes) -> etree._Element:
        threads.append(threading.get_ident())
        return parsed(body)

    monkeypatch.setattr(sigform, "_parsed", noting)
    outcome(lambda body: read_form(base64.b64encode(body).decode()), source)
    return threads[0] if threads else None


def changed(old: str, new: str) -> bytes:
    text = AS_WRITTEN[0].decode()
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    "source",
    [
        changed("><ds:", ">\n  <ds:"),
        changed("</ds:SignatureValue>", "&#13;\n</ds:SignatureValue>"),
        changed("ds:", "dsig:").replace(b"xmlns:ds=", b"xmlns:dsig="),
        changed("ds:", "").replace(b"xmlns:ds", b"xmlns"),
        changed("</ds:KeyInfo>", "</ds:X509Data>"),
    ],
)
def test_known_names_are_parsed_in_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch, source: bytes) -> None:
    assert parsing_thread(monkeypatch, source) == threading.get_ident()


@pytest.mark.parametrize(
    "source",
    [
        changed("ds:", "own:"),
        changed("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyNames/>"),
        changed("<ds:KeyInfo>", '<ds:KeyInfo Own="1">'),
        changed("<ds:KeyInfo>", '<ds:KeyInfo xmlns:ds="urn:own">'),
        changed("<ds:KeyInfo>", '<ds:KeyInfo xmlns:own="urn:own">'),
        changed("<ds:KeyInfo>", "<ds:KeyInfo>&own;"),
        changed("<ds:KeyInfo>", "<ds:KeyInfo>\n \t \t  \t   \t    \t<ds:X/>"),
        changed("</ds:KeyInfo>", "</ds:Own>"),
        changed("</ds:KeyInfo>", "</own"),
        changed("<ds:KeyInfo>", "<ds:KeyInfo URI='>' own='1'>"),
        b"<own",
        b"<ds:Signature <own",
        f'<ds:Signature xmlns:ds="{DSIG}" own="1'.encode(),
    ],
)
def test_names_of_a_strangers_choice_are_parsed_in_a_thread_of_their_own(
    monkeypatch: pytest.MonkeyPatch, source: bytes
) -> None:
    thread = parsing_thread(monkeypatch, source)
    assert thread is not None
    assert thread != threading.get_ident()


def test_signatures_full_of_new_names_leave_no_trace_in_memory() -> None:
    def refuse(start: int) -> None:
        names = "".join(f"<{'n' * 80}{start + number}/>" for number in range(600))
        with pytest.raises(SignatureOutsideProfile):
            read_form(base64.b64encode(f"<a>{names}</a>".encode()).decode())

    for round_ in range(100):
        refuse(round_ * 600)
    before = resident()
    for round_ in range(100, 500):
        refuse(round_ * 600)
    assert resident() - before < 10 * 1024 * 1024, "in one table of names it would be some 30 MiB"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
