"""Problem details of RFC 9457 in Kazakh, Russian and English; the texts and statuses are data (problems.toml)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from starlette.responses import Response

from gateway.sealing.receipts import told_findings

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:fma-gateway:problem:"
INTERNAL = "internal"
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its code, HTTP status, whether trying again may help, and its texts by language."""

    code: str
    status: int
    retry: bool
    titles: Mapping[str, str]
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProblemBook:
    """Every kind of problem by code, and the texts of the reasons by `<code>.<reason>` and language."""

    kinds: Mapping[str, ProblemKind]
    reasons: Mapping[str, Mapping[str, str]]

    def kind_of(self, error: BaseException) -> ProblemKind:
        """The kind of an error by its `code`, or by that of the nearest ancestor that has a kind."""
        for ancestor in type(error).__mro__:
            kind = self.kinds.get(str(vars(ancestor).get("code")))
            if kind is not None:
                return kind
        return self.kinds[INTERNAL]

    def reason(self, code: str, slug: str, language: str, parameters: Mapping[str, str]) -> str:
        """The reason in words; the slug itself where there are none."""
        texts = self.reasons.get(f"{code}.{slug}") or self.reasons.get(slug)
        return fill(texts[language], parameters) if texts else slug


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem about to be answered: its kind, the occurrence, and what beside the standard members is told."""

    kind: ProblemKind
    instance: str
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The members as RFC 9457 names them, then ours."""
        return {
            "type": TYPE_PREFIX + self.kind.code,
            "title": self.kind.titles[self.language],
            "status": self.kind.status,
            "detail": fill(self.kind.details[self.language], self.parameters),
            "instance": self.instance,
            "code": self.kind.code,
            **self.members,
        }

    def response(self) -> Response:
        """The HTTP answer."""
        headers = {"Content-Language": self.language, "Vary": "Accept-Language", **self.headers}
        return Response(orjson.dumps(self.body()), self.kind.status, headers=headers, media_type=MEDIA_TYPE)


@cache
def problem_book() -> ProblemBook:
    """The catalogue of problems, read once."""
    data = tomllib.loads(files("gateway.intake").joinpath("problems.toml").read_text(encoding="utf-8"))
    reasons = tomllib.loads(files("gateway.intake").joinpath("reasons.toml").read_text(encoding="utf-8"))
    kinds = {
        code: ProblemKind(code, entry["status"], entry.get("retry", False), entry["title"], entry["detail"])
        for code, entry in data["problems"].items()
    }
    return ProblemBook(kinds, reasons["reasons"])


def problem_for(error: BaseException, instance: str, language: str, retry_after: int) -> Problem:
    """The problem that tells a client of an error: what, where and why, and nothing of the gateway's inside.

    `retry_after` (seconds) is used where the kind may be tried again and the error names no time itself.
    """
    book = problem_book()
    kind = book.kind_of(error)
    members: dict[str, Any] = {}
    parameters = {**(getattr(error, "parameters", None) or {}), "incident": instance}
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and kind.code != INTERNAL:
        members["reason"] = reason
        parameters["reason"] = book.reason(kind.code, reason, language, parameters)
    findings = getattr(error, "findings", None)
    if findings is not None:
        members["findings"] = told_findings(findings, language)
    line = getattr(error, "line", None)
    if isinstance(line, int):
        members["line"] = line
    headers = dict(getattr(error, "headers", None) or {})
    if kind.retry:
        seconds = getattr(error, "retry_after", None) or retry_after
        members["retry_after"] = seconds
        if kind.status in (429, 503):
            headers["Retry-After"] = str(seconds)
    return Problem(kind, instance, language, parameters, members, headers)


def fill(text: str, parameters: Mapping[str, str]) -> str:
    """The text with its parameters in place; one that is missing stays away, and nothing in a value is expanded."""
    return _PLACE.sub(lambda place: str(parameters.get(place[1], "")), text)
