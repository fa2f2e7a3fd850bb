"""One message examined: parsed, its sender verified, and judged where it is known as whose."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from time import perf_counter
from types import MappingProxyType
from typing import cast

import orjson
from lxml import etree

from gateway.judging.settings import Question, Timed
from gateway.model import Circumstances, Examined, Item, Judged, Judgement, Standing
from gateway.sealing.receipts import plain_findings
from gateway.sealing.trust import TrustStore, TrustTexts
from gateway.sealing.xmldsig import verify_message
from validators.gaming.complexes import complex_id_of
from validators.identifiers import has_identifier_form
from validators.judge import judge
from validators.limits import Limits
from validators.parsing import parse
from validators.profiles import ProfileBook

REPORTER = etree.XPath("SignedData/Data/Root/PersonalData/IINBIN/text()", smart_strings=False)
MOST_STANDINGS = 65_536
_NOTHING = MappingProxyType[str, object]({})

Course = Generator[str, None, Examined]
"""The examination of one message: before each step its name, at the end the answer."""


class Examiner:
    """Examines messages, in any thread. It remembers as whom each certificate was last judged, for each complex."""

    def __init__(self, profiles: ProfileBook, limits: Limits) -> None:
        self._profiles = profiles
        self._limits = limits
        self._trust = TrustStore(())
        self._standings: dict[tuple[str, str | None], Standing] = {}

    def trust(self, texts: TrustTexts) -> None:
        """Trusts these anchors from now on, and no others; raises ConfigurationError where one can't be one."""
        self._trust = TrustStore(texts.anchors, texts.revocation_lists)

    def examine(self, question: Question, timed: Timed) -> Examined:
        """Parses, verifies, and judges where the sender's standing is told or remembered; raises their refusals."""
        examination = self.begin(question, timed)
        while (examined := examination.advance()) is None:
            pass
        return examined

    def begin(self, question: Question, timed: Timed) -> "Examination":
        """The same, step by step: whoever has several messages takes each step for all of them."""
        return Examination(self._course(question), timed)

    def _course(self, question: Question) -> Course:
        yield "parse"
        message = parse(question.body, self._limits)
        yield "verify"
        signer = verify_message(message, self._trust, question.at)
        reporter, complex_id = reporter_of(message.root), complex_id_of(message.root)
        standing = self._standing((signer.fingerprint, complex_id), question.standing)
        if standing is None:
            return Examined(signer, reporter, complex_id)
        yield "judge"
        circumstances = Circumstances(
            question.at,
            standing.kind,
            standing.complex,
            complex_taken=standing.taken,
            register_known=True,
            certificate=signer.fingerprint,
        )
        judged = rendered(judge(message, circumstances, self._profiles))
        return Examined(signer, reporter, complex_id, standing.mark, judged)

    def _standing(self, whose: tuple[str, str | None], told: Standing | None) -> Standing | None:
        if told is None:
            return self._standings.get(whose)
        if len(self._standings) >= MOST_STANDINGS:
            self._standings.clear()
        self._standings[whose] = told
        return told


class Examination:
    """One message while it is examined; `timed` is told the seconds of each step."""

    def __init__(self, course: Course, timed: Timed) -> None:
        self._course = course
        self._timed = timed
        self._step = next(course)

    def advance(self) -> Examined | None:
        """Takes the next step; the answer after the last one. Raises what the step raises, and is over then."""
        step, started = self._step, perf_counter()
        try:
            self._step = next(self._course)
        except StopIteration as end:
            return cast("Examined", end.value)
        finally:
            self._timed(step, perf_counter() - started)
        return None


def rendered(judgement: Judgement) -> Judged:
    """The judgement with its contents as JSON: one text for each record that is to be published."""
    bare = replace(judgement, content=_NOTHING, items=tuple(item for item in judgement.items if not item.accepted))
    if not judgement.verdict.stands:
        return Judged(bare)
    if not judgement.items:
        return Judged(bare, (orjson.dumps(dict(judgement.content)),))
    accepted = [item for item in judgement.items if item.accepted]
    contents = tuple(item_contents(accepted))
    keys = tuple(item.key for item in accepted)
    return Judged(bare, contents, tuple(item.number for item in accepted), keys if any(keys) else ())


def item_contents(items: Iterable[Item]) -> Iterator[bytes]:
    """Each accepted item as JSON, with its findings."""
    for item in items:
        yield orjson.dumps({"item": dict(item.content), "findings": plain_findings(item.findings)})


def reporter_of(root: etree._Element) -> str | None:
    """The 12 digits by which the message names its reporting entity; None where it names none, or not so."""
    texts = cast("list[str]", REPORTER(root))
    return next(filter(has_identifier_form, texts), None)


def warm(profiles: ProfileBook, *, explain: bool = False) -> None:
    """Builds what the first message, or with `explain` the first refusal, would otherwise wait for."""
    for profile in profiles.profiles:
        for name in profile.accepted:
            profile.schemas[name].warm(explain=explain)
