"""Public facts: keys, checkpoints, limits and schemas."""

import base64
import dataclasses
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.intake.documentation import CheckpointFacts, KeySetDocument, LimitFacts, SchemaList, add_get, document_of
from gateway.intake.negotiation import JSON
from gateway.intake.refusals import NotFound
from gateway.intake.services import Services
from gateway.model import Checkpoint, Cosignature, Timestamp
from gateway.sealing.jws import jwks
from gateway.sealing.keyring import history_jwks
from gateway.sealing.receipts import moment_text

_LARGEST_LEDGER = 2**31 - 1


def facts_router(services: Services) -> APIRouter:
    """`/.well-known/jwks.json`, `/v1/checkpoints/latest`, `/v1/limits` and `/v1/schemas`."""
    facts = Facts(services)
    router = APIRouter(tags=["facts"])
    add_get(router, "/.well-known/jwks.json", facts.keys, KeySetDocument)
    add_get(router, "/v1/checkpoints/latest", facts.checkpoint, CheckpointFacts, 400, 404, 503)
    add_get(router, "/v1/limits", facts.limits, LimitFacts)
    add_get(router, "/v1/schemas", facts.schemas, SchemaList)
    schema = document_of("application/xml", "The XML Schema")
    add_get(router, "/v1/schemas/{family}/{edition}/{file}", facts.schema, schema, 404)
    return router


class Facts:
    """The handlers of the public routes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def keys(self) -> Response:
        """The public keys that verify receipts, checkpoints and seals: all that ever sealed, and those that will."""
        headers = {"Cache-Control": "public, max-age=300"}
        history = self._services.key_history()
        document = history_jwks(history, self._services.clock()) if history.events else jwks(self._services.keys)
        return Response(orjson.dumps(document), headers=headers, media_type=JSON)

    async def checkpoint(self, ledger: Annotated[int, Query(ge=0, le=_LARGEST_LEDGER)] = 0) -> Response:
        """The newest checkpoint of a ledger; what witnesses and a time-stamping service said of it or earlier ones."""
        latest = await self._services.journal.latest_checkpoint(ledger)
        if latest is None:
            raise NotFound
        words = await self._services.journal.newest_cosignatures(ledger)
        facts = checkpoint_facts(latest, words, await self._services.timestamps.newest(ledger))
        return Response(orjson.dumps(facts), headers={"Cache-Control": "no-store"}, media_type=JSON)

    async def limits(self) -> Response:
        """What a message, a request and a page may be."""
        bounds = self._services.settings.bounds
        message = dataclasses.asdict(self._services.settings.limits)
        request = {
            "body_bytes": bounds.body_bytes,
            "body_seconds": bounds.body_seconds,
            "large_body_bytes": bounds.large_body_bytes,
            "large_bodies": bounds.large_bodies,
            "large_address_bodies": bounds.large_address_bodies,
            "large_rate_bytes": bounds.large_rate_bytes,
            "head_bytes": bounds.head_bytes,
            "page_entries": bounds.page_entries,
            "token_seconds": bounds.token_seconds,
            "token_skew_seconds": bounds.token_skew_seconds,
            "sender_rate": bounds.sender_rate,
            "sender_burst": bounds.sender_burst,
            "check_rate": bounds.check_rate,
            "check_burst": bounds.check_burst,
        }
        return Response(orjson.dumps({"message": message, "request": request}), media_type=JSON)

    async def schemas(self) -> Response:
        """The published schema files."""
        listed = [
            {
                "family": family,
                "edition": edition,
                "file": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "href": f"/v1/schemas/{family}/{edition}/{name}",
            }
            for (family, edition, name), content in schema_files().items()
        ]
        return Response(orjson.dumps({"schemas": listed}), media_type=JSON)

    async def schema(self, family: str, edition: str, file: str) -> Response:
        """One schema file."""
        content = schema_files().get((family, edition, file))
        if content is None:
            raise NotFound
        return Response(content, headers={"Content-Type": "application/xml"})


def checkpoint_facts(latest: Checkpoint, words: Iterable[Cosignature], stamp: Timestamp | None) -> dict[str, object]:
    """The newest checkpoint as it is told, with what witnesses and a time-stamping service said."""
    return {
        "ledger": latest.ledger,
        "seq": latest.seq,
        "chain": latest.chain.hex(),
        "made_at": moment_text(latest.made_at),
        "checkpoint": latest.jws,
        "cosignatures": [word.jws for word in words],
        "timestamp": timestamp_facts(stamp),
    }


def timestamp_facts(stamp: Timestamp | None) -> dict[str, object] | None:
    """A time stamp as it is told, with the checkpoint that it is of."""
    if stamp is None:
        return None
    return {
        "seq": stamp.seq,
        "stamped_at": moment_text(stamp.stamped_at),
        "checkpoint": stamp.jws,
        "token": base64.b64encode(stamp.token).decode("ascii"),
    }


@cache
def schema_files() -> dict[tuple[str, str, str], bytes]:
    """Every `*.xsd` by family, edition and file name."""
    found = {}
    for family in _folders(files("schemas").joinpath("xsd")):
        for edition in _folders(family):
            for file in sorted(edition.iterdir(), key=lambda item: item.name):
                if file.name.endswith(".xsd"):
                    found[family.name, edition.name, file.name] = file.read_bytes()
    return found


def _folders(root: Traversable) -> list[Traversable]:
    return sorted((item for item in root.iterdir() if item.is_dir()), key=lambda item: item.name)
