"""Judging processes that die, fall silent, talk nonsense or lose their intake: real ones, real signals."""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psutil
import pytest

from gateway.errors import Unavailable
from gateway.intake.services import Services
from gateway.judging import processes
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.model import Examined, Standing, Submission
from gateway.sealing.refusals import CertificateRefused, SignatureWrong
from gateway.sealing.trust import TrustTexts
from tests.intake.kit import World
from validators.refusals import NotWellFormed

pytestmark = pytest.mark.long

Trust = Callable[[], TrustTexts]


@pytest.fixture
def trust(services: Services) -> Trust:
    return lambda: services.senders.trust


@asynccontextmanager
async def judging(
    trust: Trust, count: int = 1, settings: JudgingSettings | None = None
) -> AsyncIterator[JudgingProcesses]:
    async with JudgingProcesses(count, settings or JudgingSettings(), trust, lambda _step, _seconds: None) as started:
        yield started


CASINO = Standing("093")


def submission(body: bytes) -> Submission:
    return Submission(body, hashlib.sha256(body).hexdigest(), datetime.now(UTC))


def workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "gateway.judging" in child.cmdline():
                found.append(child)
    return found


async def test_what_a_killed_process_held_is_judged_by_the_next(trust: Trust, world: World) -> None:
    before = {worker.pid for worker in workers()}
    async with judging(trust) as running:
        (pid,) = {worker.pid for worker in workers()} - before
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(running.examine(submission(world.message()), CASINO)) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert running.waiting == 40
        os.kill(pid, signal.SIGKILL)
        examined = await asyncio.gather(*asked)
        assert all(one.judged and one.judged.judgement.verdict.stands for one in examined)
        assert running.waiting == 0
        (again,) = {worker.pid for worker in workers()} - before
        assert again != pid
    assert {worker.pid for worker in workers()} == before


async def test_service_goes_on_while_processes_are_killed(trust: Trust, world: World) -> None:
    bodies = [world.message() for _ in range(60)]
    before = {worker.pid for worker in workers()}
    async with judging(trust, 2) as running:

        async def ask(body: bytes) -> Examined:
            while True:
                try:
                    return await running.examine(submission(body), CASINO)
                except Unavailable:
                    await asyncio.sleep(0.05)

        asked = [asyncio.create_task(ask(body)) for body in bodies * 5]
        for _ in range(4):
            await asyncio.sleep(0.15)
            for worker in workers():
                if worker.pid not in before:
                    worker.kill()
        assert all(one.judged for one in await asyncio.gather(*asked))


async def test_a_message_over_which_processes_fell_silent_is_answered_and_others_are_served(
    trust: Trust, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(processes, "ATTEMPTS", 1)
    before = {worker.pid for worker in workers()}
    async with judging(trust, settings=JudgingSettings(patience=5)) as running:
        (mine,) = (worker for worker in workers() if worker.pid not in before)
        mine.suspend()
        asked = asyncio.create_task(running.examine(submission(world.message()), CASINO))
        with pytest.raises(Unavailable):
            await asked
        assert (await running.examine(submission(world.message()), CASINO)).judged


async def test_refusals_come_through(trust: Trust, world: World) -> None:
    async with judging(trust) as running:
        with pytest.raises(NotWellFormed) as refused:
            await running.examine(submission(b"<a>\n<b></a>"), None)
        assert refused.value.line == 2
    async with judging(lambda: TrustTexts(())) as nobody:
        with pytest.raises(CertificateRefused):
            await nobody.examine(submission(world.message()), None)


async def test_of_messages_that_came_together_each_gets_its_own_answer(trust: Trust, world: World) -> None:
    before = {worker.pid for worker in workers()}
    async with judging(trust) as running:
        (mine,) = (worker for worker in workers() if worker.pid not in before)
        mine.suspend()
        wrong = b"<a>\n<b></a>"
        altered = world.message().decode("utf-16").replace("</Data>", "</Data> ", 1).encode("utf-16")
        bodies = [world.message(), wrong, world.message(), altered, wrong, world.message()]
        asked = [asyncio.create_task(running.examine(submission(body), CASINO)) for body in bodies]
        await asyncio.sleep(0.1)
        mine.resume()
        told = await asyncio.gather(*asked, return_exceptions=True)
    kinds = [type(one) for one in told]
    assert kinds == [Examined, NotWellFormed, Examined, SignatureWrong, NotWellFormed, Examined]


async def test_a_change_of_trust_holds_for_the_next_message(trust: Trust, world: World) -> None:
    trusted = TrustTexts(())
    async with judging(lambda: trusted) as running:
        with pytest.raises(CertificateRefused):
            await running.examine(submission(world.message()), None)
        trusted = trust()
        examined = await running.examine(submission(world.message()), None)
        assert examined.signer.identifier == world["casino"].identifier


async def test_a_standing_is_judged_under_once_told_and_then_remembered(trust: Trust, world: World) -> None:
    async with judging(trust) as running:
        first = await running.examine(submission(world.message()), None)
        assert (first.mark, first.judged) == (None, None)
        told = await running.examine(submission(world.message()), CASINO)
        assert told.mark == CASINO.mark
        assert told.judged
        remembered = await running.examine(submission(world.message()), None)
        assert remembered.mark == CASINO.mark


async def test_large_messages_do_not_hold_up_small_ones(trust: Trust, world: World) -> None:
    small = world.message()
    large = b"<ExportData>" + b"<A>a</A>" * 60_000 + b"</ExportData>"
    async with judging(trust, settings=replace(JudgingSettings(), threads=1)) as running:
        asked = [asyncio.create_task(running.examine(submission(large), None)) for _ in range(6)]
        await asyncio.sleep(0)
        assert (await running.examine(submission(small), CASINO)).judged
        assert not all(one.done() for one in asked)
        await asyncio.gather(*asked, return_exceptions=True)


async def test_nobody_is_asked_after_the_end(trust: Trust, world: World) -> None:
    async with judging(trust) as running:
        pass
    with pytest.raises(Unavailable):
        await running.examine(submission(world.message()), None)


async def test_a_process_that_can_not_start_is_told_at_once(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="while it started"):
        async with judging(trust):
            pass


INTAKE = """
import asyncio, sys
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.sealing.trust import TrustTexts

async def main():
    trust = TrustTexts(())
    async with JudgingProcesses(2, JudgingSettings(), lambda: trust, print):
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_they_end_with_an_intake_that_is_killed_and_heed_no_signal_that_is_meant_for_it() -> None:
    with subprocess.Popen([sys.executable, "-c", INTAKE], stdout=subprocess.PIPE) as intake:
        assert intake.stdout
        assert intake.stdout.readline() == b"ready\n"
        mine = psutil.Process(intake.pid).children()
        assert len(mine) == 2
        for worker in mine:
            worker.terminate()
            worker.send_signal(signal.SIGINT)
        gone, _ = psutil.wait_procs(mine, timeout=0.5)
        assert not gone
        intake.kill()
        gone, alive = psutil.wait_procs(mine, timeout=5)
        assert not alive


class LosesTheOrderToStop(JudgingProcesses):
    """Its one process is ready at once; being told to stop turns into an error of a socket."""

    async def _run(self, first: asyncio.Future[None]) -> bool:
        if not first.done():
            first.set_result(None)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError from None
        return True


async def test_judging_stops_even_where_an_error_of_a_socket_takes_the_place_of_the_order() -> None:
    trust = TrustTexts((), ())
    async with asyncio.timeout(40):
        async with LosesTheOrderToStop(1, JudgingSettings(), lambda: trust, lambda _step, _seconds: None):
            pass
