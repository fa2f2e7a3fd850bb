"""The code tables over HTTP: `/v1/codes`."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from codes.editions import CodeBook, Edition, UnknownEdition, UnknownTable
from codes.tables import CodeTable
from codes.views import edition_view, entry_view, table_view, tables_of_view
from gateway.intake.documentation import CodeFacts, EditionList, TableFacts, add_get
from gateway.intake.negotiation import JSON
from gateway.intake.refusals import NotFound
from gateway.intake.services import Services
from validators.values import local


class Language(BaseModel):
    """Which language is asked for."""

    lang: Literal["kk", "ru", "en"] | None = Field(None, description="of the names; all of them where it is left out")


class Choice(Language):
    """Which edition is asked for, too."""

    on: date | None = Field(None, description="the day whose edition is asked for; today where it is left out")
    edition: str | None = Field(None, description="an edition by its name, instead of a day")


Spoken = Annotated[Language, Query()]
Chosen = Annotated[Choice, Query()]


def codes_router(services: Services, book: Callable[[], CodeBook]) -> APIRouter:
    """`/v1/codes`, `/v1/codes/{table}` and `/v1/codes/{table}/{code}`."""
    lists = CodeLists(services, book)
    router = APIRouter(tags=["codes"])
    add_get(router, "/v1/codes", lists.editions, EditionList, 400)
    add_get(router, "/v1/codes/{table}", lists.table, TableFacts, 400, 404)
    add_get(router, "/v1/codes/{table}/{code:path}", lists.code, CodeFacts, 400, 404)
    return router


class CodeLists:
    """The handlers of the code routes."""

    def __init__(self, services: Services, book: Callable[[], CodeBook]) -> None:
        self._services = services
        self._book = book

    async def editions(self, choice: Spoken) -> Response:
        """Every edition with its tables."""
        listed = [
            edition_view(edition) | {"tables": tables_of_view(edition, choice.lang)}
            for edition in self._book().editions
        ]
        return _answer({"editions": listed})

    async def table(self, table: str, choice: Chosen) -> Response:
        """One table with all its codes."""
        return _answer(table_view(self._table(table, choice), choice.lang, choice.on))

    async def code(self, table: str, code: str, choice: Chosen) -> Response:
        """One code; the parts of a code of several parts are separated by slashes or spaces."""
        found = self._table(table, choice)
        if len(found.key) == 1:
            entry = found.get(code, choice.on)
        else:
            entry = next((entry for entry in found.under(on=choice.on) if _plain(entry.code) == _plain(code)), None)
        if entry is None:
            raise NotFound
        return _answer(entry_view(found, entry, choice.lang))

    def _table(self, table: str, choice: Choice) -> CodeTable:
        try:
            return self._edition(choice, table).table(table)
        except (UnknownTable, UnknownEdition) as error:
            raise NotFound from error

    def _edition(self, choice: Choice, table: str) -> Edition:
        if choice.edition is not None:
            return self._book().edition(choice.edition)
        return self._book().holding(table, choice.on or local(self._services.clock()).date())


def _plain(code: str) -> str:
    return code.replace("/", " ")


def _answer(facts: dict[str, Any]) -> Response:
    return Response(orjson.dumps(facts), headers={"Cache-Control": "public, max-age=300"}, media_type=JSON)
