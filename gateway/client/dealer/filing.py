"""The order of the steps from a sheet to receipts; nobody else knows it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from gateway.client.dealer.preparing import Dealer, Outcome, Preparation
from gateway.client.dealer.sending import Sent, ask_series, send_waiting
from gateway.client.dealer.state import State
from gateway.client.metals_sheet import metals_form
from gateway.client.reading import Reader
from gateway.client.sheets.reading import open_sheet
from gateway.sealing.keys import LocalKeyHolder


class _Undone(Exception):
    """What was prepared is not to be kept."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for beside filing: nothing kept, wrong lines left out, the language of the answers."""

    dry_run: bool = False
    skip_wrong: bool = False
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told of lines that were read, and of reports that were sent."""

    lines: Callable[[int], None]
    sent: Callable[[Sent], None]


@dataclass(frozen=True, slots=True)
class Filing:
    """Files sheets of one dealer: what is remembered, the key, the way to the gateway, the clock."""

    dealer: Dealer
    keys: LocalKeyHolder
    state: State
    client: httpx.AsyncClient
    url: str
    clock: Callable[[], datetime]

    async def file(self, sheet: Path | None, wishes: Wishes, progress: Progress) -> Outcome:
        """Files the sheet, or a nil report where there is none; a dry run sends nothing and asks nobody.

        First goes what an interrupted run left behind. Nothing is sent where a line is wrong, unless wrong lines are
        to be skipped. Raises SheetRefused, NotDelivered, NotTaken and what reading from the gateway raises.
        """
        if not wishes.dry_run:
            await self._catch_up(wishes, progress)
        outcome = self._prepared(sheet, wishes, progress)
        if not wishes.dry_run:
            await send_waiting(self.client, self.state, wishes.language, progress.sent)
        return outcome

    async def _catch_up(self, wishes: Wishes, progress: Progress) -> None:
        await send_waiting(self.client, self.state, wishes.language, progress.sent)
        if self.state.position().asked:
            return
        reader = Reader(self.client, self.dealer.identifier, self.url, self.keys, self.clock)
        known = await ask_series(reader, self.dealer.series, self.state.remembered())
        with self.state.transaction():
            self.state.learn(known.position, known.documents, known.operations)

    def _prepared(self, sheet: Path | None, wishes: Wishes, progress: Progress) -> Outcome:
        outcome = Outcome()
        with suppress(_Undone), self.state.transaction():
            preparation = Preparation(self.dealer, self.keys, self.state, self.clock())
            if sheet is None:
                outcome = preparation.nil()
            else:
                with open_sheet(sheet) as opened:
                    lines = opened.lines(metals_form())
                    outcome = preparation.prepare(lines, skip_wrong=wishes.skip_wrong, told=progress.lines)
            if wishes.dry_run or (outcome.refuses and not wishes.skip_wrong):
                raise _Undone
        return outcome
