"""The OpenAPI document: what the routes declare, and the two filing routes that are kept off the framework."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gateway.intake.documentation import ProblemDetails, ReceiptFacts, VerdictFacts, problems
from gateway.intake.negotiation import JSON, XML_TYPES

TITLE = "FMA gateway"
_DESCRIPTION = """Filing of messages of Order No. 13 with the financial-monitoring agency.

XML is the one language of filing, JSON is what is read back. The signature inside a message is the credential for
filing; reading needs a bearer JWT that the entity makes and signs itself. Errors are problem details (RFC 9457)."""
_SECURITY = {
    "entity": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made and signed by the entity with the key of an enrolled certificate: ES256 or RS256, "
        "header x5t#S256; claims iss (BIN or IIN), aud (the gateway's URL), iat, exp at most 300 s later. "
        "One with a jti changes something once.",
    },
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made and signed by somebody of the FMA in the same way, iss their id; the role decides.",
    },
    "witness": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made and signed by a witness in the same way, iss the kid of its key.",
    },
}
_TEXT = {"schema": {"type": "string"}}
_LANGUAGE = {"name": "Accept-Language", "in": "header", "description": "kk, ru or en", **_TEXT}
_TRACE = {"name": "traceparent", "in": "header", "description": "W3C Trace Context", **_TEXT}
_XML = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "description": "The message as it is, in UTF-16 or UTF-8, signed, not compressed.",
    "content": dict.fromkeys(XML_TYPES, _XML),
}


def document(app: FastAPI, version: str, server: str) -> Callable[[], dict[str, Any]]:
    """What answers `app.openapi()`: the whole document, made once."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_make(app, version, server))
        return made

    return openapi


def _make(app: FastAPI, version: str, server: str) -> dict[str, Any]:
    made = get_openapi(
        title=TITLE, version=version, description=_DESCRIPTION, routes=app.routes, servers=[{"url": server}]
    )
    components = made.setdefault("components", {})
    _, shapes = models_json_schema(
        [(shape, "serialization") for shape in (ProblemDetails, ReceiptFacts, VerdictFacts)],
        ref_template="#/components/schemas/{model}",
    )
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    components["schemas"] = {**components.get("schemas", {}), **shapes["$defs"]}
    components["securitySchemes"] = _SECURITY
    for path in made["paths"].values():
        for operation in path.values():
            _without_validation_error(operation)
            operation.setdefault("parameters", []).append(_LANGUAGE)
    made["paths"].setdefault("/v1/messages", {})["post"] = _filing()
    made["paths"]["/v1/validate"] = {"post": _validation()}
    return made


def _without_validation_error(operation: dict[str, Any]) -> None:
    """The framework promises its own 422 wherever there are parameters; ours is a problem of status 400."""
    refused = operation["responses"].get("422", {}).get("content", {}).get(JSON, {}).get("schema", {})
    if refused.get("$ref", "").endswith("HTTPValidationError"):
        del operation["responses"]["422"]


def _filing() -> dict[str, Any]:
    receipt = {
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/ReceiptFacts"}}, **dict.fromkeys(XML_TYPES, _XML)},
        "headers": {"Location": {"description": "where the receipt is read", **_TEXT}},
    }
    return {
        "tags": ["filing"],
        "summary": "File a message",
        "description": "Sending the same bytes again is harmless: the same receipt is answered.",
        "operationId": "file_message",
        "parameters": [_LANGUAGE, _TRACE],
        "requestBody": _BODY,
        "responses": {
            "201": {"description": "Accepted, with or without warnings", **receipt},
            "200": {"description": "The same bytes were filed before; `verdict` tells what became of them", **receipt},
            "422": {"description": "Refused; `findings` tell why", **receipt},
            **_mistakes(400, 401, 403, 408, 409, 413, 415, 429, 431, 500, 503),
        },
    }


def _validation() -> dict[str, Any]:
    verdict = {
        "description": "The verdict",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/VerdictFacts"}}},
    }
    return {
        "tags": ["filing"],
        "summary": "Ask for the verdict and file nothing",
        "operationId": "validate_message",
        "parameters": [_LANGUAGE, _TRACE],
        "requestBody": _BODY,
        "responses": {"200": verdict, **_mistakes(400, 401, 403, 408, 413, 415, 429, 431, 500, 503)},
    }


def _mistakes(*statuses: int) -> dict[str, Any]:
    told = {str(status): response for status, response in problems(*statuses).items()}
    for status in ("429", "503"):
        if status in told:
            told[status]["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return told
