"""The sending processes of an overload, driven from here."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from chaos.figures import ACCEPTED
from chaos.flood import NO_ANSWER, Phase, Shot, Spec, read_shots

READY_SECONDS = 600.0


class Senders:
    """The sending processes, an async context manager; `shots` is all that they sent, by sender."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self.shots: dict[str, list[Shot]] = {spec.name: [] for spec in specs}
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        for spec in self.specs.values():
            self._processes[spec.name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "chaos.flood", json.dumps(asdict(spec))),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        async with asyncio.timeout(READY_SECONDS):
            for name in self._processes:
                await self._line(name)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def run(self, phases: Mapping[str, Phase]) -> dict[str, list[Shot]]:
        """Runs a phase of each named sender, all at once."""
        for name, phase in phases.items():
            stream = self._processes[name].stdin
            if stream is None:
                raise AssertionError(name)
            stream.write(json.dumps(asdict(phase)).encode() + b"\n")
        found: dict[str, list[Shot]] = {}
        for name in phases:
            found[name] = await asyncio.to_thread(read_shots, Path(await self._line(name)))
            self.shots[name] += found[name]
        return found

    def accepted(self) -> set[str]:
        """The digests of all messages that were answered as accepted."""
        return self._answered(*ACCEPTED)

    def doubtful(self) -> set[str]:
        """The digests of messages that had no answer at least once: they may or may not be in the log."""
        return self._answered(NO_ANSWER)

    def _answered(self, *statuses: int) -> set[str]:
        found: set[str] = set()
        for name, shots in self.shots.items():
            digests = self._digests(name)
            found |= {digests[shot.message] for shot in shots if shot.status in statuses}
        return found

    def _digests(self, name: str) -> list[str]:
        return (Path(self.specs[name].directory) / name).with_suffix(".digests").read_text("ascii").split("\n")

    async def _line(self, name: str) -> str:
        stream = self._processes[name].stdout
        line = b"" if stream is None else await stream.readline()
        if not line:
            raise RuntimeError(f"the sender {name} ended")
        return line.decode().strip()
