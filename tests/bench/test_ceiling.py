from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from bench.ceiling.judging import Refused, make_judge, plain
from bench.ceiling.relay import records_of
from bench.ceiling.sealing import Signer, check_seal, merkle
from bench.corpus.fm1 import Fm1Corpus, make_piece
from bench.corpus.large import LargeFeed, write_batch
from bench.corpus.metals import MetalsCorpus
from bench.measures.large import refused_by
from bench.measures.verdict import verdict_of
from bench.requests import read_requests
from gateway.journal.encoding import Packer, frame_records
from gateway.model import Record
from gateway.sealing.merkle import Tree, leaf_hash
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_signature
from validators.parsing import parse

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fm1Corpus, list[bytes]]:
    corpus = Fm1Corpus.make(tmp_path_factory.mktemp("fm1"), NOW)
    return corpus, make_piece(corpus.filers, 0, NOW)


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def test_messages_are_of_the_size_that_is_asked_for_and_none_comes_twice(
    messages: tuple[Fm1Corpus, list[bytes]],
) -> None:
    corpus, bodies = messages
    assert all(13_900 <= len(body) < 14_500 for body in bodies)
    assert len({*bodies, *make_piece(corpus.filers, 500, NOW)}) == 1_000


def test_gateway_and_bare_program_accept_the_same_messages(messages: tuple[Fm1Corpus, list[bytes]]) -> None:
    corpus, bodies = messages
    ours, bare = verdict_of(corpus.anchor, NOW), make_judge("fm1")
    for body in bodies[:20]:
        ours(body)
        assert plain(bare(body))["SignedData"]["Receiver"] == "AFM"


def test_the_bare_program_refuses_what_was_changed_after_it_was_signed(
    messages: tuple[Fm1Corpus, list[bytes]],
) -> None:
    bare, text = make_judge("fm1"), messages[1][0].decode("utf-16")
    with pytest.raises(Refused, match="digest"):
        bare(text.replace("Casino", "Kasino").replace("жеке", "жека").encode("utf-16"))
    with pytest.raises(Refused, match="schema"):
        bare(text.replace("<Receiver>", "<Stranger>").replace("</Receiver>", "</Stranger>").encode("utf-16"))
    other = messages[1][1].decode("utf-16")
    mine, theirs = (each[each.index("<Signature>") : each.index("</Signature>")] for each in (text, other))
    with pytest.raises((Refused, InvalidSignature)):
        bare(text.replace(mine, theirs).encode("utf-16"))


def test_a_bare_seal_is_true_for_its_key_alone() -> None:
    signer = Signer()
    seal = signer.sign({"id": "1"})
    check_seal(seal, None, signer.public_key)
    with pytest.raises(InvalidSignature):
        check_seal(seal, None, ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 500])
def test_the_bare_merkle_tree_is_that_of_rfc_9162(count: int) -> None:
    values = [orjson.dumps(number) for number in range(count)]
    tree = Tree([leaf_hash(value) for value in values])
    root, paths = merkle(values)
    assert root == tree.root
    assert paths == tree.paths()


def test_the_bare_relay_reads_the_records_of_the_log() -> None:
    record = Record("topic", "key", b"value", (("ce_id", b"1"), ("seal", b"s")))
    packer = Packer()
    (read,) = records_of(packer.pack(frame_records([record])))
    assert (read.key, read.value, tuple(read.headers)) == (b"key", b"value", record.headers)


def test_reports_of_metals_are_what_the_bare_program_takes_too(tmp_path: Path) -> None:
    corpus = MetalsCorpus.make(tmp_path, NOW)
    requests = list(read_requests(corpus.requests(1)))
    assert [lane for lane, _ in requests] == list(range(10))
    root = make_judge("metals")(body_of(requests[0][1]))
    assert len(next(root.iter("Operations"))) == 200


def test_a_large_batch_is_signed_without_being_held_in_memory(tmp_path: Path) -> None:
    feed = LargeFeed.make(tmp_path, NOW)
    events = write_batch(tmp_path / "large.xml", 1, feed.house, NOW)
    body = (tmp_path / "large.xml").read_bytes()
    assert 900_000 < len(body) <= 1_000_000
    message = parse(body)
    trust = TrustStore([(tmp_path / "authority.certificate.pem").read_bytes()])
    assert verify_signature(message.root, trust, NOW).identifier == feed.house.owner.identifier
    assert len(message.root.findall(".//Event")) == events
    assert message.root.findtext(".//LastEventSequence") == str(events)
    assert etree.tostring(message.root, method="c14n") == body


def test_a_large_batch_is_filed_only_where_the_limits_allow_it() -> None:
    limits = {"request": {"body_bytes": 4_000_000, "large_body_bytes": 1 << 30}}
    assert refused_by(limits, 1_000) is None
    of_old = {"request": {"body_bytes": 4_000_000}}
    assert refused_by(of_old, 1_000) == "the gateway takes bodies of at most 4 MB, not of 1,000 MB (GET /v1/limits)"
