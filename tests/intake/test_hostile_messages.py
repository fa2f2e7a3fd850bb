"""The corpus of hostile messages through the door: the same names come back, and nothing changed is believed."""

import re
import tomllib
from pathlib import Path
from random import Random

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.intake.kit import XML, World

CORPUS = Path(__file__).parents[1] / "corpus"
HOSTILE = {path.stem: path.read_bytes() for path in sorted((CORPUS / "hostile").glob("*.xml"))}
TABLE = tomllib.loads((CORPUS / "wrapping" / "cases.toml").read_text("utf-8"))
PATHS = ("/v1/messages", "/v1/validate")
PARTS = re.compile(r"(.*?)<SignedData>(.*)(<Signature>.*</Signature>)</SignedData>(.*)", re.DOTALL)
GUID = re.compile(r"(<DocumentUniqueIdentifier>)[^<]*")
OTHER = r"\g<1>00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_gets_the_problem_that_its_name_says(client: httpx.AsyncClient, name: str) -> None:
    code, reason, _ = name.split("--")
    for path in PATHS:
        answer = await client.post(path, content=HOSTILE[name], headers=XML)
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (400, code, reason)


@pytest.mark.parametrize("name", TABLE["case"])
async def test_a_wrapped_signature_gets_the_problem_that_the_table_says(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    case = TABLE["case"][name]
    parts = PARTS.fullmatch(world.message().decode("utf-16"))
    assert parts is not None
    before, good, signature, after = parts.groups()
    evil = GUID.sub(OTHER, good)
    assert evil != good
    data = case["data"].replace("$GOOD", good).replace("$EVIL", evil).replace("$SIGNATURE", signature)
    answer = await client.post(PATHS[1], content=f"{before}{data}{after}".encode("utf-16"), headers=XML)
    told = answer.json()
    if "verdict" in case:
        assert told["verdict"] == case["verdict"]
    else:
        assert told["code"] in case.get("answer", TABLE["usual"]["answer"]).split("|")
        assert told["reason"] == case.get("reason", told["reason"])
    assert "00000000-0000-4000-8000-000000000000" not in answer.text


def signed_bytes(body: bytes) -> bytes:
    """What the signature stands for, and what stands around it."""
    root = etree.fromstring(body)
    for signature in root.iter("Signature"):
        signature.text = None
    return etree.tostring(root, method="c14n", exclusive=True)


def changed(body: bytes, generator: Random) -> bytes:
    """The body with some bytes replaced, taken out, doubled or moved; whole characters of UTF-16."""
    text = list(body.decode("utf-16"))
    for _ in range(generator.randint(1, 3)):
        start = generator.randrange(len(text))
        end = start + generator.choice((1, 1, 2, 8, 40, 200))
        piece = text[start:end]
        match generator.randrange(4):
            case 0:
                text[start] = generator.choice("AZaz09+/=<>\"' &;\n!-\x00\ud800ә")
            case 1:
                del text[start:end]
            case 2:
                text[start:start] = piece
            case _:
                del text[start:end]
                place = generator.randrange(len(text) + 1)
                text[place:place] = piece
    return "".join(text).encode("utf-16", "surrogatepass")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), whole=st.booleans())
async def test_a_changed_message_is_judged_only_where_what_was_signed_is_the_same_to_the_byte(
    client: httpx.AsyncClient, world: World, seed: int, *, whole: bool
) -> None:
    generator = Random(seed)
    body = world.message()
    spoilt = bytearray(changed(body, generator) if whole else body)
    if not whole:
        spoilt[generator.randrange(len(spoilt))] ^= generator.randint(1, 255)
    answer = await client.post(PATHS[1], content=bytes(spoilt), headers=XML)
    assert answer.status_code in (200, 400, 401), answer.text
    if answer.status_code == 200:
        assert signed_bytes(bytes(spoilt)) == signed_bytes(body)
