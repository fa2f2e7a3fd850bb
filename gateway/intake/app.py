"""The application: the routes, and the edge around them."""

from collections.abc import Callable
from importlib.metadata import version
from time import monotonic

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Scope

from codes.editions import load_codebook
from gateway.intake.codelists import codes_router
from gateway.intake.edge import Edge, Endpoint
from gateway.intake.facts import facts_router
from gateway.intake.filing import MESSAGES, VALIDATE, Filing
from gateway.intake.health import ReadyChecks, health_router
from gateway.intake.luxury import CODES, Luxury, luxury_router
from gateway.intake.openapi import TITLE, document
from gateway.intake.reading import reading_router
from gateway.intake.services import Services

PACKAGE = "fma-gateway"


def create_app(services: Services) -> FastAPI:
    """The application over services that are already started."""
    settings = services.settings
    app = FastAPI(
        title=TITLE,
        version=version(PACKAGE),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    edge = Edge(services.metrics, settings.bounds, settings.default_language)
    for kind, handler in edge.handlers().items():
        app.add_exception_handler(kind, handler)
    filing = Filing(services)
    app.router.routes += [
        Route(MESSAGES, filing.file, methods=["POST"]),
        Route(VALIDATE, filing.validate, methods=["POST"]),
    ]
    luxury = Luxury(services)
    app.add_middleware(edge.shortcut, find=short_ways(filing, luxury))
    app.add_middleware(edge.around)
    checks = ReadyChecks(services.checks, settings.bounds.ready_seconds, monotonic)
    book = load_codebook()
    for router in (
        reading_router(services),
        facts_router(services),
        codes_router(services, book),
        luxury_router(luxury),
        health_router(checks),
    ):
        app.router.routes += router.routes
    object.__setattr__(app, "openapi", document(app, version(PACKAGE), settings.public_urls[0]))
    return app


def short_ways(filing: Filing, luxury: Luxury) -> Callable[[Scope], Endpoint | None]:
    """The requests that come by thousands: messages, and codes asked for and checked."""
    posts: dict[str, Endpoint] = {MESSAGES: filing.file, VALIDATE: filing.validate, CODES: luxury.issue}
    below = f"{CODES}/"

    def find(scope: Scope) -> Endpoint | None:
        path: str = scope["path"]
        if scope["method"] == "POST":
            return posts.get(path)
        if scope["method"] == "GET" and path.startswith(below) and "/" not in path[len(below) :]:
            return luxury.check_in_path
        return None

    return find
