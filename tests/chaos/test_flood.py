"""A sender of an overload, against a server that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chaos import flood
from chaos.flood import NO_ANSWER, Phase, Sender, Spec

SPEC = Spec("a", "127.0.0.2", 0, "1", "093", "k", "c", "d", "7/a", 3, 4, 0.2)
REQUESTS = [b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n" + body for body in (b"a", b"b", b"c")]
TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
LATER = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Server:
    """Answers each request with the next answer of its list, then with the last one for ever; b"" closes."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.peers: set[str] = set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.add(writer.get_extra_info("peername")[0])
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(1)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer)
                if not answer or b"close" in answer:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def served(*answers: bytes) -> AsyncIterator[Server]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


async def test_an_open_loop_sends_what_is_due_from_the_senders_own_address() -> None:
    async with served(TAKEN) as server:
        shots = await Sender(replace(SPEC, port=server.port), REQUESTS).run(Phase(100.0, 0.2))

    assert [shot.status for shot in shots] == [201] * 20
    assert sorted(shot.message for shot in shots)[:8] == [0] * 7 + [1]
    assert server.peers == {"127.0.0.2"}


async def test_an_obedient_sender_comes_again_when_it_was_told_to() -> None:
    async with served(LATER, TAKEN) as server:
        shots = await Sender(replace(SPEC, port=server.port, obedient=True), REQUESTS).run(Phase(50.0, 0.02))

    assert [(shot.status, shot.retry_after, shot.attempt) for shot in shots] == [(503, 1, 1), (201, 0, 2)]
    assert shots[0].message == shots[1].message
    assert shots[1].sent - shots[0].done >= 1.0


async def test_a_connection_that_ends_is_told_as_no_answer_and_another_one_is_opened() -> None:
    async with served(b"", TAKEN) as server:
        sender = Sender(replace(SPEC, port=server.port, connections=1), REQUESTS)
        shots = await sender.run(Phase(50.0, 0.1))

    assert [shot.status for shot in shots] == [NO_ANSWER, 201, 201, 201, 201]


async def test_a_closed_loop_sends_over_every_connection_and_ends() -> None:
    async with served(TAKEN) as server:
        shots = await Sender(replace(SPEC, port=server.port), REQUESTS).run(Phase(0.0, 0.1))

    assert len(shots) >= SPEC.connections
    assert {shot.status for shot in shots} == {201}


async def test_what_has_no_answer_in_time_is_told_so_and_its_answer_belongs_to_no_later_phase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flood, "PATIENCE", 0.1)
    async with served(b"HTTP/1.1 201 Created\r\n") as server:
        sender = Sender(replace(SPEC, port=server.port), REQUESTS)
        first = await sender.run(Phase(20.0, 0.1))
        server.answers = [TAKEN]
        second = await sender.run(Phase(20.0, 0.1))

    assert [shot.status for shot in first] == [NO_ANSWER] * 2
    assert [shot.status for shot in second] == [201] * 2
