"""What passes between the intake and a judging process: frames of bytes, and nothing that could run as a program.

A frame is a head (the length of what follows, its kind, the ticket of the question; 9 bytes, big-endian), then parts:
each a 4-byte length and its bytes. The first part of most is JSON.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum
from typing import Any

import orjson

from gateway.judging.settings import Question
from gateway.model import Examined, Judged, Judgement, Signer, Standing, Verdict
from gateway.sealing.receipts import finding_of, found_facts, item_of, plain_findings, series_facts, series_of
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustTexts
from validators.gaming.model import Complex, ComplexState
from validators.refusals import Refusal

LONGEST = 512 * 1024 * 1024
Steps = list[tuple[str, float]]
_HEAD = struct.Struct(">IBI")
_LENGTH = struct.Struct(">I")
_TOLD_APART = ("verdict", "findings", "content", "items", "series")
_PLAIN = tuple(field.name for field in fields(Judgement) if field.name not in _TOLD_APART)


class FrameDamaged(Exception):
    """What came is no frame: the other side is not the one that was started."""


class Kind(IntEnum):
    """What a frame is: TRUST, QUESTION and CONTENTS go to a judging process, the others come from it."""

    TRUST = 1
    QUESTION = 2
    READY = 3
    EXAMINED = 4
    REFUSED = 5
    FAILED = 6
    CONTENTS = 7
    SEGMENT = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was read."""

    kind: Kind
    ticket: int
    parts: list[bytes]


def packed(kind: Kind, ticket: int, parts: Sequence[bytes] = ()) -> list[bytes]:
    """The pieces of a frame, long ones uncopied."""
    pieces = [_HEAD.pack(sum(map(len, parts)) + _LENGTH.size * len(parts), kind, ticket)]
    for part in parts:
        pieces += (_LENGTH.pack(len(part)), part)
    return pieces


class FrameReader:
    """Frames out of bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Every frame that is complete now; raises FrameDamaged."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD.size:
            length, kind, ticket = _HEAD.unpack_from(buffer, at)
            if length > LONGEST:
                raise FrameDamaged(f"a frame of {length} bytes")
            start, end = at + _HEAD.size, at + _HEAD.size + length
            if len(buffer) < end:
                break
            yield Frame(Kind(kind), ticket, _parts(buffer, start, end))
            at = end
        del buffer[:at]


def _parts(buffer: bytearray, at: int, end: int) -> list[bytes]:
    parts: list[bytes] = []
    with memoryview(buffer) as view:
        while at < end:
            if end - at < _LENGTH.size:
                raise FrameDamaged("a frame ends inside a length")
            (length,) = _LENGTH.unpack_from(view, at)
            at += _LENGTH.size + length
            if at > end:
                raise FrameDamaged("a part is longer than its frame")
            parts.append(bytes(view[at - length : at]))
    return parts


def trust_parts(texts: TrustTexts) -> list[bytes]:
    """Trust as parts: how many anchors, then the anchors, then the lists."""
    return [orjson.dumps(len(texts.anchors)), *texts.anchors, *texts.revocation_lists]


def trust_of(parts: Sequence[bytes]) -> TrustTexts:
    """What `trust_parts` made parts of."""
    count = orjson.loads(parts[0])
    return TrustTexts(tuple(parts[1 : 1 + count]), tuple(parts[1 + count :]))


def question_parts(question: Question) -> list[bytes]:
    """A question as parts."""
    return [orjson.dumps([question.at.isoformat(), _standing_facts(question.standing)]), question.body]


def question_of(parts: Sequence[bytes]) -> Question:
    """What `question_parts` made parts of."""
    at, standing = orjson.loads(parts[0])
    return Question(parts[1], datetime.fromisoformat(at), _standing_of(standing))


def _standing_facts(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    if standing.complex is None:
        return {"kind": standing.kind, "complex": None, "taken": standing.taken}
    plain = {field.name: getattr(standing.complex, field.name) for field in fields(Complex)}
    plain |= {"units": dict(standing.complex.units), "software": sorted(standing.complex.software)}
    return {"kind": standing.kind, "complex": plain}


def _standing_of(facts: Mapping[str, Any] | None) -> Standing | None:
    if facts is None:
        return None
    told = facts["complex"]
    if told is None:
        return Standing(facts["kind"], taken=facts["taken"])
    proper = {"state": ComplexState(told["state"]), "software": frozenset(told["software"])}
    return Standing(facts["kind"], Complex(**{**told, **proper}))


def examined_parts(examined: Examined, steps: Steps) -> list[bytes]:
    """An answer as parts, with the seconds that each step took."""
    signer, judged = examined.signer, examined.judged
    facts = {
        "signer": [signer.fingerprint, signer.bin, signer.iin, signer.revocation_known],
        "reporter": examined.reporter,
        "complex": examined.complex_id,
        "mark": examined.mark,
        "judgement": None if judged is None else _judgement_facts(judged.judgement),
        "numbers": () if judged is None else judged.numbers,
        "keys": () if judged is None else judged.keys,
        "steps": steps,
    }
    return [orjson.dumps(facts), *(judged.contents if judged else ())]


def examined_of(parts: Sequence[bytes]) -> tuple[Examined, Steps]:
    """What `examined_parts` made parts of; raises FrameDamaged."""
    try:
        facts = orjson.loads(parts[0])
        told = facts["judgement"]
        judged = None
        if told is not None:
            numbers, keys = tuple(facts["numbers"]), tuple(facts["keys"])
            judged = Judged(_judgement_of(told), tuple(parts[1:]), numbers, keys)
        signer = Signer(*facts["signer"])
        return Examined(signer, facts["reporter"], facts["complex"], facts["mark"], judged), facts["steps"]
    except (LookupError, TypeError, ValueError) as error:
        raise FrameDamaged("an answer that is none") from error


def segment_parts(numbers: Sequence[int], keys: Sequence[str | None], contents: Sequence[bytes]) -> list[bytes]:
    """Some accepted items as parts: their numbers and keys, then their contents."""
    return [orjson.dumps([numbers, keys if any(keys) else []]), *contents]


def segment_of(parts: Sequence[bytes]) -> tuple[tuple[int, ...], tuple[str | None, ...], tuple[bytes, ...]]:
    """The numbers, keys and contents that `segment_parts` made parts of; raises FrameDamaged."""
    try:
        numbers, keys = orjson.loads(parts[0])
        if len(numbers) != len(parts) - 1:
            raise FrameDamaged("a segment has other contents than it says")
        return tuple(numbers), tuple(keys), tuple(parts[1:])
    except (LookupError, TypeError, ValueError) as error:
        raise FrameDamaged("a segment that is none") from error


def _judgement_facts(judgement: Judgement) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(judgement, name) for name in _PLAIN}
    facts["verdict"] = judgement.verdict.value
    return {**facts, **series_facts(judgement.series), **found_facts(judgement, plain_findings)}


def _judgement_of(facts: Mapping[str, Any]) -> Judgement:
    told = {name: facts[name] for name in _PLAIN}
    if "series" in facts:
        told |= {"series": series_of(facts["series"]), "items": tuple(map(item_of, facts["items"]))}
    return Judgement(Verdict(facts["verdict"]), tuple(map(finding_of, facts["findings"])), **told)


def refused_parts(refusal: Refusal | SignatureRefused, steps: Steps) -> list[bytes]:
    """A refusal as parts."""
    facts: dict[str, Any] = {"code": refusal.code, "reason": refusal.reason, "steps": steps}
    if isinstance(refusal, Refusal):
        facts |= {"line": refusal.line, "parameters": dict(refusal.parameters)}
    return [orjson.dumps(facts)]


def refused_of(parts: Sequence[bytes]) -> tuple[Refusal | SignatureRefused, Steps]:
    """What `refused_parts` made parts of; raises FrameDamaged."""
    try:
        facts = orjson.loads(parts[0])
        code, steps = facts["code"], facts["steps"]
        if "line" in facts:
            refusals = {kind.code: kind for kind in _family(Refusal)}
            return refusals[code](facts["reason"], facts["line"], facts["parameters"]), steps
        signatures = {kind.code: kind for kind in _family(SignatureRefused)}
        return signatures[code](facts["reason"]), steps
    except (LookupError, TypeError, ValueError) as error:
        raise FrameDamaged("a refusal that is none") from error


def _family(root: type[Any]) -> Iterator[type[Any]]:
    yield root
    for heir in root.__subclasses__():
        yield from _family(heir)
