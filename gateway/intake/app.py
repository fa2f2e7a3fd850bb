"""The application: the routes, and the edge around them."""

from importlib.metadata import version
from time import monotonic

from fastapi import FastAPI
from starlette.routing import Route

from codes.editions import load_codebook
from gateway.intake.codelists import codes_router
from gateway.intake.edge import Edge
from gateway.intake.facts import facts_router
from gateway.intake.filing import MESSAGES, VALIDATE, Filing
from gateway.intake.health import ReadyChecks, health_router
from gateway.intake.openapi import TITLE, document
from gateway.intake.oversight import oversight_router
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
    app.add_middleware(edge.shortcut, routes={MESSAGES: filing.file, VALIDATE: filing.validate})
    app.add_middleware(edge.around)
    checks = ReadyChecks(services.checks, settings.bounds.ready_seconds, monotonic)
    book = load_codebook()
    for router in (
        reading_router(services),
        oversight_router(services),
        facts_router(services),
        codes_router(services, book),
        health_router(checks),
    ):
        app.router.routes += router.routes
    object.__setattr__(app, "openapi", document(app, version(PACKAGE), settings.public_urls[0]))
    return app
