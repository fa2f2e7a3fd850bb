"""The application: the routes, and the edge around them."""

from collections.abc import Callable
from importlib.metadata import version
from time import monotonic
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from codes.editions import load_codebook
from gateway.intake.codelists import codes_router
from gateway.intake.edge import Edge
from gateway.intake.facts import facts_router
from gateway.intake.filing import MESSAGES, VALIDATE, Filing
from gateway.intake.fma import fma_router
from gateway.intake.health import ReadyChecks, health_router
from gateway.intake.luxury import CODES, Luxury, luxury_router
from gateway.intake.openapi import TITLE, document
from gateway.intake.oversight import oversight_router
from gateway.intake.reading import reading_router
from gateway.intake.services import Services
from gateway.intake.witnessing import witness_router

PACKAGE = "fma-gateway"


class Application(FastAPI):
    """FastAPI, passed by on the ways in: what `find` knows meets none of the framework's layers.

    These are among the routes too, where other methods and the documentation find them.
    """

    def __init__(self, find: Callable[[Scope], ASGIApp | None], **options: Any) -> None:
        super().__init__(**options)
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the server's own events."""
        shortcut = self._find(scope) if scope["type"] == "http" else None
        if shortcut is None:
            await super().__call__(scope, receive, send)
        else:
            await shortcut(scope, receive, send)


def create_app(services: Services) -> FastAPI:
    """The application over services that are already started."""
    settings = services.settings
    edge = Edge(services.metrics, settings.bounds, settings.default_language)
    filing = Filing(services)
    luxury = Luxury(services)
    app = Application(
        short_ways(edge, filing, luxury),
        title=TITLE,
        version=version(PACKAGE),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    for kind, handler in edge.handlers().items():
        app.add_exception_handler(kind, handler)
    app.router.routes += [
        Route(MESSAGES, filing.file, methods=["POST"]),
        Route(VALIDATE, filing.validate, methods=["POST"]),
    ]
    app.add_middleware(edge.around)
    checks = ReadyChecks(services.checks, settings.bounds.ready_seconds, monotonic)
    for router in (
        reading_router(services),
        oversight_router(services),
        facts_router(services),
        witness_router(services),
        codes_router(services, load_codebook),
        luxury_router(luxury),
        fma_router(services),
        health_router(checks),
    ):
        app.router.routes += router.routes
    object.__setattr__(app, "openapi", document(app, version(PACKAGE), settings.public_urls[0]))
    return app


def short_ways(edge: Edge, filing: Filing, luxury: Luxury) -> Callable[[Scope], ASGIApp | None]:
    """The requests that come by thousands: messages, and codes asked for and checked."""
    posts = {
        MESSAGES: edge.shortcut(filing.file),
        VALIDATE: edge.shortcut(filing.validate),
        CODES: edge.shortcut(luxury.issue),
    }
    check, below = edge.shortcut(luxury.check_in_path), f"{CODES}/"

    def find(scope: Scope) -> ASGIApp | None:
        path: str = scope["path"]
        if scope["method"] == "POST":
            return posts.get(path)
        if scope["method"] == "GET" and path.startswith(below) and "/" not in path[len(below) :]:
            return check
        return None

    return find
