"""One message examined: parsed, its sender verified, and judged where it is known as whose."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from types import MappingProxyType
from typing import TypeVar, cast

import orjson
from lxml import etree

from gateway.judging.settings import Question, Timed
from gateway.model import Circumstances, Examined, Judged, Judgement
from gateway.sealing.trust import TrustStore, TrustTexts
from gateway.sealing.xmldsig import verify_signature
from validators.identifiers import has_identifier_form
from validators.judge import judge
from validators.limits import Limits
from validators.parsing import parse
from validators.profiles import ProfileBook

REPORTER = etree.XPath("SignedData/Data/Root/PersonalData/IINBIN/text()", smart_strings=False)
MOST_KINDS = 65_536
_NOTHING = MappingProxyType[str, object]({})
T = TypeVar("T")


class Examiner:
    """Examines messages, in any thread. It remembers as which kind each certificate was last judged."""

    def __init__(self, profiles: ProfileBook, limits: Limits) -> None:
        self._profiles = profiles
        self._limits = limits
        self._trust = TrustStore(())
        self._kinds: dict[str, str] = {}

    def trust(self, texts: TrustTexts) -> None:
        """Trusts these anchors from now on, and no others; raises ConfigurationError where one can't be one."""
        self._trust = TrustStore(texts.anchors, texts.revocation_lists)

    def examine(self, question: Question, timed: Timed) -> Examined:
        """Parses, verifies, and judges where the sender's kind is told or remembered; raises the refusals of those."""
        message = _timed(timed, "parse", lambda: parse(question.body, self._limits))
        signer = _timed(timed, "verify", lambda: verify_signature(message.root, self._trust, question.at))
        reporter = reporter_of(message.root)
        kind = self._kind(signer.fingerprint, question.kind)
        if kind is None:
            return Examined(signer, reporter)
        circumstances = Circumstances(question.at, kind)
        judged = _timed(timed, "judge", lambda: rendered(judge(message, circumstances, self._profiles)))
        return Examined(signer, reporter, kind, judged)

    def _kind(self, fingerprint: str, told: str | None) -> str | None:
        if told is None:
            return self._kinds.get(fingerprint)
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[fingerprint] = told
        return told


def rendered(judgement: Judgement) -> Judged:
    """The judgement with its content as JSON: one text for each record that is to be published."""
    contents = (orjson.dumps(dict(judgement.content)),) if judgement.verdict.stands else ()
    return Judged(replace(judgement, content=_NOTHING), contents)


def reporter_of(root: etree._Element) -> str | None:
    """The 12 digits by which the message names its reporting entity; None where it names none, or not so."""
    texts = cast("list[str]", REPORTER(root))
    return next(filter(has_identifier_form, texts), None)


def warm(profiles: ProfileBook, *, explain: bool = False) -> None:
    """Builds what the first message, or with `explain` the first refusal, would otherwise wait for."""
    for profile in profiles.profiles:
        for name in profile.accepted:
            profile.schemas[name].warm(explain=explain)


def _timed(timed: Timed, step: str, work: Callable[[], T]) -> T:
    started = perf_counter()
    try:
        return work()
    finally:
        timed(step, perf_counter() - started)
