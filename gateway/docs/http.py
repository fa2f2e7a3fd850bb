"""The page of the HTTP interface and its contract (OpenAPI), from the application itself."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from gateway.intake.app import create_app
from gateway.intake.clock import wall_clock
from gateway.intake.gates import Quota, SharedGate
from gateway.intake.metrics import Metrics
from gateway.intake.opening import Parts, make_desk, make_pipeline, make_spool, make_turns
from gateway.intake.problems import TYPE_PREFIX, problem_book
from gateway.intake.revocations import Revocations
from gateway.intake.senders import EnrolledSenders
from gateway.intake.services import Identity, Services
from gateway.intake.settings import IntakeSettings
from gateway.journal import (
    AuditLog,
    ComplexRegister,
    Directory,
    DirectoryCache,
    Journal,
    OversightReader,
    People,
    PeopleCache,
    SpentTokens,
)
from gateway.journal.timestamps import Timestamps
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.jws import KeySet
from gateway.sealing.keyring import KeyDirectory, Keyring
from gateway.sealing.keys import LocalKeyHolder

NOWHERE = "postgresql:///nowhere"
SERVER = "https://gateway.example"
METHODS = ("get", "post", "put", "delete")


def openapi() -> Mapping[str, Any]:
    """The OpenAPI document as a running intake answers it, save for the server's URL; nothing is started for it."""
    nobody = Path("nobody")
    settings = IntakeSettings(NOWHERE, nobody, nobody, (SERVER,))
    issued = make_gateway_key("nobody", datetime(2026, 1, 1, tzinfo=UTC))
    keys = LocalKeyHolder.from_pem(issued.key, issued.certificate)
    journal, metrics = Journal(NOWHERE), Metrics()
    senders = EnrolledSenders(DirectoryCache(Directory(NOWHERE)), [])
    judging = JudgingProcesses(0, JudgingSettings(), lambda: senders.trust, metrics.timed)
    oversight = OversightReader(NOWHERE, journal)
    revocations = Revocations(settings.revocation, senders, metrics, wall_clock)
    ring = Keyring(keys, KeyDirectory(nobody))
    parts = Parts(journal, senders, ring, metrics, judging, ComplexRegister(oversight), revocations)
    pipeline = make_pipeline(settings.bounds, settings.door, parts)
    services = Services(
        *(settings, pipeline, journal, senders, keys, KeySet.of(keys), metrics, {}, SharedGate(1, 1.0)),
        make_turns(settings.bounds),
        oversight,
        make_desk(settings, journal, keys, wall_clock),
        Quota(0.0, 1, monotonic),
        Identity(PeopleCache(People(NOWHERE)), AuditLog(NOWHERE), SpentTokens(NOWHERE)),
        revocations,
        make_spool(settings, senders),
        Timestamps(NOWHERE),
    )
    return create_app(services).openapi()


def render_http(document: Mapping[str, Any]) -> str:
    """The Markdown of `docs/reference/http.md`."""
    return "\n".join(_tell(document))


def _tell(document: Mapping[str, Any]) -> Iterator[str]:
    yield "# HTTP\n"
    yield f"{document['info']['description']}\n"
    yield "The contract for programs is [openapi.json](openapi.json); a running gateway serves it at `/openapi.json`.\n"
    yield "## Requests\n"
    yield "| request | does | answers |"
    yield "|---|---|---|"
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                told = " ".join((operation.get("description") or operation.get("summary") or "").split())
                statuses = ", ".join(f"`{status}`" for status in operation["responses"])
                yield f"| `{method.upper()} {path}` | {told.replace('|', chr(92) + '|')} | {statuses} |"
    yield "\n## Problems\n"
    yield (
        f"RFC 9457. `type` is `{TYPE_PREFIX}` and the code; `title` and `detail` are in the language of "
        "`Accept-Language` (kk, ru, en); `reason` names the exact cause where there are several.\n"
    )
    yield "| code | status | means | sending the same again may help |"
    yield "|---|---|---|---|"
    for kind in sorted(problem_book().kinds.values(), key=lambda kind: (kind.status, kind.code)):
        yield f"| `{kind.code}` | {kind.status} | {kind.titles['en']} | {'yes' if kind.retry else 'no'} |"
    yield ""
