"""How much memory the parts hold, sampled while something goes on."""

import asyncio
import contextlib
from typing import Self

import psutil

from chaos.parts import Service, family
from chaos.plant import Plant

EVERY_SECONDS = 0.5
MIB = 1 << 20


class Memory:
    """Samples the largest process of each part, in MiB of resident memory that is not shared; a context manager."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._most: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_raised: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def taken(self) -> dict[str, int]:
        """What each part holds now."""
        return {name: max((_held(pid) for pid in pids), default=0) for name, pids in self._processes().items()}

    def most(self) -> dict[str, int]:
        """The most that each part held so far."""
        return dict(self._most)

    def _processes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for name, part in self._plant.parts.items():
            pids = part.pids()
            found[name] = family(pids) if name == "postgres" else pids
            if name == "intake" and isinstance(part, Service):
                found["judging"] = part.judging()
        return found

    async def _sample(self) -> None:
        while True:
            for name, held in self.taken().items():
                self._most[name] = max(self._most.get(name, 0), held)
            await asyncio.sleep(EVERY_SECONDS)


def _held(pid: int) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        facts = psutil.Process(pid).memory_info()
        return int(facts.rss - facts.shared) // MIB
    return 0
