"""What the network may do to the intake: real sockets, raw bytes, slow and greedy clients."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.conftest import Live
from tests.intake.kit import XML, World
from tests.intake.test_filing import assert_problem

Address = tuple[str, int]
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def talk(address: Address, *pieces: bytes, pause: float = 0.0, patience: float = 5.0) -> bytes:
    """Sends the pieces and reads until the server closes."""
    reader, writer = await asyncio.open_connection(*address)
    received = b""
    try:
        async with asyncio.timeout(patience):
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
            with contextlib.suppress(ConnectionError):
                while chunk := await reader.read(65_536):
                    received += chunk
    finally:
        writer.close()
    return received


def problem_in(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    return int(head.split(b" ")[1]), json.loads(body)


async def alive(address: Address) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://{address[0]}:{address[1]}/healthz")).status_code == 200


async def test_a_whole_message_is_filed_through_a_real_socket(server: Address, world: World) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server[0]}:{server[1]}") as client:
        assert (await client.post("/v1/messages", content=world.message(), headers=XML)).status_code == 201


async def test_a_chunked_message_is_filed(server: Address, world: World) -> None:
    body = world.message()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    async with httpx.AsyncClient(base_url=f"http://{server[0]}:{server[1]}") as client:
        assert (await client.post("/v1/messages", content=pieces(), headers=XML)).status_code == 201


async def test_a_body_announced_too_large_is_refused_before_it_is_sent(server: Address) -> None:
    status, problem = problem_in(await talk(server, HEAD + b"Content-Length: 1000001\r\nExpect: 100-continue\r\n\r\n"))
    assert (status, problem["code"]) == (413, "too-large")


@pytest.mark.parametrize("length", [b"99999999999999999999999999", b"-5", b"1e3", b"0x10"])
async def test_an_absurd_length_is_refused(server: Address, length: bytes) -> None:
    status, _ = problem_in(await talk(server, HEAD + b"Content-Length: " + length + b"\r\n\r\n"))
    assert status in (400, 413)


async def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(server: Address) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    status, problem = problem_in(await talk(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *([chunk] * 20)))
    assert (status, problem["code"]) == (413, "too-large")


async def test_a_body_that_does_not_come_is_refused_in_time(server: Address) -> None:
    status, problem = problem_in(await talk(server, HEAD + b"Content-Length: 1000\r\n\r\nabc"))
    assert (status, problem["code"]) == (408, "body-timeout")


async def test_a_head_that_does_not_come_ends_the_connection(server: Address) -> None:
    assert await talk(server, b"POST /v1/messages HT") == b""
    assert await talk(server, b"") == b""


async def test_a_client_that_leaves_in_the_middle_does_no_harm(server: Address) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection(*server)
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\nabc")
        await writer.drain()
        writer.close()
    assert await alive(server)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
    ],
)
async def test_a_head_that_is_too_large_is_refused(server: Address, head: bytes) -> None:
    status, problem = problem_in(await talk(server, head))
    assert (status, problem["code"]) == (431, "headers-too-large")


async def test_a_header_that_never_ends_is_refused_while_it_comes(server: Address) -> None:
    answer = await talk(server, b"GET / HTTP/1.1\r\nA: ", *([b"a" * 4096] * 20), pause=0.001)
    assert problem_in(answer)[0] == 431


async def test_a_trailer_that_never_ends_is_refused(server: Address) -> None:
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n<\r\n0\r\nA: "
    answer = await talk(server, start, *([b"a" * 4096] * 20), pause=0.001)
    assert problem_in(answer)[0] in (400, 408)


async def test_a_body_in_absurdly_many_chunks_is_refused(server: Address) -> None:
    answer = await talk(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n<\r\n" * 5000)
    assert problem_in(answer)[0] == 400


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_garbage_gets_a_problem_of_the_clients_making(server: Address, garbage: bytes) -> None:
    status, _ = problem_in(await talk(server, garbage))
    assert 400 <= status < 500
    assert await alive(server)


@COMMON
@given(data=st.binary(max_size=300))
async def test_any_bytes_on_the_socket_leave_the_service_alive(server: Address, data: bytes) -> None:
    answer = await talk(server, data, patience=3.0)
    assert not answer.startswith(b"HTTP/1.1 5")


@COMMON
@given(
    body=st.one_of(
        st.binary(max_size=2000),
        st.text(max_size=500).map(lambda text: f"<a>{text}</a>".encode("utf-16", "surrogatepass")),
    )
)
async def test_any_bytes_filed_get_a_problem_of_the_clients_making(client: httpx.AsyncClient, body: bytes) -> None:
    for path in ("/v1/messages", "/v1/validate"):
        answer = await client.post(path, content=body, headers=XML)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"


NAMED = ("Accept", "Accept-Language", "Authorization", "traceparent", "Purpose", "Content-Type", "X-Forwarded-For")


@COMMON
@given(
    path=st.binary(min_size=1, max_size=40).map(quote),
    name=st.sampled_from(NAMED),
    value=st.one_of(st.binary(max_size=60), st.text("Bearer.,;=q0-", max_size=60).map(str.encode)),
)
async def test_any_path_and_any_header_get_an_answer(
    client: httpx.AsyncClient, path: str, name: str, value: bytes
) -> None:
    headers = [(name.encode(), value)]
    for prefix in ("/v1/codes/", "/v1/messages/", "/v1/fma/messages/", "/v1/schemas/fm1/2025-07-10/", "/"):
        answer = await client.get(prefix + path, headers=headers)
        assert answer.status_code < 500


async def test_more_bodies_than_memory_is_kept_for_get_503_and_nothing_else_is_held_up(
    world: World, live: Live
) -> None:
    bounds = world.with_bounds(bytes_in_flight=50_000, body_seconds=5.0)
    async with live(bounds) as address:
        places = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        holders = [await asyncio.open_connection(*address, local_addr=(place, 0)) for place in places]
        for _, writer in holders:
            writer.write(HEAD + b"Content-Length: 20000\r\n\r\n" + b"<" * 15_000)
            await writer.drain()
        await asyncio.sleep(0.1)
        async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}") as client:
            body = world.message()
            refused = await client.post("/v1/messages", content=body, headers=XML)
            assert_problem(refused, 503, "overloaded")
            assert int(refused.headers["retry-after"]) >= 1
            assert (await client.get("/healthz")).status_code == 200
            for _, writer in holders:
                writer.close()
            await asyncio.sleep(0.1)
            assert (await client.post("/v1/messages", content=body, headers=XML)).status_code == 201


async def test_more_messages_than_places_get_503_and_all_others_their_receipt(world: World, live: Live) -> None:
    bodies = [world.message() for _ in range(40)]
    async with live(world.with_bounds(requests_in_flight=4)) as address:
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", limits=limits) as client:
            answers = await asyncio.gather(*(client.post("/v1/messages", content=b, headers=XML) for b in bodies))
            statuses = {answer.status_code for answer in answers}
            assert 201 in statuses
            assert statuses <= {201, 503}
            for body, answer in zip(bodies, answers, strict=True):
                if answer.status_code == 503:
                    assert (await client.post("/v1/messages", content=body, headers=XML)).status_code == 201


async def test_more_connections_than_are_kept_get_503(world: World, live: Live) -> None:
    async with live(world.with_bounds(connections=3)) as address:
        kept = [await asyncio.open_connection(*address) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert problem_in(await talk(address))[0] == 503
        for _, writer in kept:
            writer.close()
        await asyncio.sleep(0.05)
        assert await alive(address)


async def test_one_address_holds_no_more_than_its_share_of_the_connections(world: World, live: Live) -> None:
    async with live(world.with_bounds(connections=40, address_connections=3)) as address:
        kept = [await asyncio.open_connection(*address) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert problem_in(await talk(address))[0] == 503
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")) as elsewhere:
            assert (await elsewhere.get(f"http://{address[0]}:{address[1]}/healthz")).status_code == 200
        for _, writer in kept:
            writer.close()


async def test_connections_that_are_refused_take_the_places_of_nobody(world: World, live: Live) -> None:
    async with live(world.with_bounds(connections=6, address_connections=3, connections_refused=2)) as address:
        opened = [await asyncio.open_connection(*address) for _ in range(20)]
        await asyncio.sleep(0.1)
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")) as elsewhere:
            assert (await elsewhere.get(f"http://{address[0]}:{address[1]}/healthz")).status_code == 200
        for _, writer in opened:
            writer.close()
        await asyncio.sleep(0.1)
        assert await alive(address)


@pytest.mark.parametrize("times", [2, 10])
async def test_a_flood_of_many_times_the_room_leaves_the_calm_address_served_and_ends_by_itself(
    world: World, live: Live, times: int
) -> None:
    flood = [world.message("casino") for _ in range(8 * times)]
    await world.newcomer("calm")
    calm = [world.message("calm") for _ in range(5)]
    bounds = world.with_bounds(requests_in_flight=8, requests_at_once=2, turn_seconds=60.0)
    async with live(bounds) as address:
        url = f"http://{address[0]}:{address[1]}"
        beside = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        limits = httpx.Limits(max_connections=len(flood))
        async with (
            httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as many,
            httpx.AsyncClient(base_url=url, transport=beside, timeout=60) as one,
        ):
            flooding = [asyncio.create_task(many.post("/v1/messages", content=body, headers=XML)) for body in flood]
            await asyncio.sleep(0)
            served = [(await one.post("/v1/messages", content=body, headers=XML)).status_code for body in calm]
            answers = await asyncio.gather(*flooding)
            assert served == [201] * len(calm)
            assert {answer.status_code for answer in answers} <= {201, 503}
            refused = [body for body, answer in zip(flood, answers, strict=True) if answer.status_code == 503]
            assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in answers if each.status_code == 503)
            assert len(flood) - len(refused) >= 8 - len(calm)
            for body in refused:
                assert (await many.post("/v1/messages", content=body, headers=XML)).status_code == 201


async def test_a_sender_beyond_its_rate_gets_429_and_others_do_not(world: World, live: Live) -> None:
    async with (
        live(world.with_bounds(sender_rate=0.1, sender_burst=2)) as address,
        httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}") as client,
    ):
        statuses = [
            (await client.post("/v1/messages", content=world.message(), headers=XML)).status_code for _ in range(2)
        ]
        assert statuses == [201, 201]
        limited = await client.post("/v1/messages", content=world.message(), headers=XML)
        assert_problem(limited, 429, "rate-limited")
        assert int(limited.headers["retry-after"]) >= 1
        other = await client.post("/v1/messages", content=world.message("jeweller"), headers=XML)
        assert other.status_code == 201


async def test_a_large_message_is_judged_without_holding_up_the_loop(world: World, live: Live) -> None:
    text = "ұзақ мәтін " * 20_000
    body = world.message("casino", {"MessageInformation/MoreInformation": text})
    async with (
        live(world.settings) as address,
        httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", timeout=60) as client,
    ):
        answer = await client.post("/v1/messages", content=body, headers=XML)
        assert answer.status_code == 422
        original = await client.get(f"{answer.headers['location']}/original", headers=await world["casino"].bearer())
        assert original.content == body
