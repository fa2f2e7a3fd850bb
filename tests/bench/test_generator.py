import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.generator import ANSWER, Generator, make_generator, plain_generator, read_answers
from bench.requests import ANY, request, write_requests

MS = 1_000_000


class Recording(ThreadingHTTPServer):
    """Remembers which paths came over which connection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[int, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Recording

    def log_message(self, *_told: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.client_address[1], self.path, body))
        if self.path == "/broken":
            self.close_connection = True
            return
        self.send_response(404 if self.path == "/absent" else 201)
        self.send_header("content-LENGTH", "5")
        if self.path == "/closing":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"right")


@pytest.fixture
def server() -> Iterator[Recording]:
    recording = Recording()
    thread = threading.Thread(target=recording.serve_forever)
    thread.start()
    yield recording
    recording.shutdown()
    thread.join()
    recording.server_close()


@pytest.fixture(params=["best", "plain"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    """The one that this machine can make, and the one that every machine can."""
    return make_generator(tmp_path) if request.param == "best" else plain_generator()


def posted(path: str, body: bytes = b"body") -> bytes:
    return request("POST", path, body)


def test_every_request_is_sent_once_and_answers_are_counted_by_status(
    server: Recording, generator: Generator, tmp_path: Path
) -> None:
    bodies = [b"%d" % number for number in range(200)]
    requests = [(ANY, posted("/absent" if number % 10 == 0 else "/here", body)) for number, body in enumerate(bodies)]
    write_requests(tmp_path / "all.requests", requests)
    load = generator.run(server.url, tmp_path / "all.requests", 8)
    assert load.statuses == {201: 180, 404: 20}
    assert (load.count, load.others(201)) == (200, 20)
    assert sorted(body for _, _, body in server.seen) == sorted(bodies)
    assert len({link for link, _, _ in server.seen}) == 8


def test_the_requests_of_a_lane_go_out_in_their_order_over_one_connection(
    server: Recording, generator: Generator, tmp_path: Path
) -> None:
    write_requests(
        tmp_path / "lanes.requests",
        [(lane, posted(f"/{lane}", b"%d" % turn)) for turn in range(20) for lane in range(3)],
    )
    assert generator.run(server.url, tmp_path / "lanes.requests", 3).statuses == {201: 60}
    for lane in range(3):
        mine = [(link, body) for link, path, body in server.seen if path == f"/{lane}"]
        assert [body for _, body in mine] == [b"%d" % turn for turn in range(20)]
        assert len({link for link, _ in mine}) == 1


def test_a_broken_connection_counts_as_no_answer_and_the_next_request_opens_another(
    server: Recording, generator: Generator, tmp_path: Path
) -> None:
    paths = ["/here", "/broken", "/here", "/closing", "/here"]
    write_requests(tmp_path / "broken.requests", [(0, posted(path)) for path in paths])
    assert generator.run(server.url, tmp_path / "broken.requests", 1).statuses == {201: 4, 0: 1}
    assert [path for _, path, _ in server.seen] == paths


def test_an_open_loop_sends_at_its_rate(server: Recording, generator: Generator, tmp_path: Path) -> None:
    write_requests(tmp_path / "open.requests", [(ANY, posted("/here"))] * 50)
    load = generator.run(server.url, tmp_path / "open.requests", 4, rate=500)
    assert load.statuses == {201: 50}
    assert load.seconds >= 49 / 500


def test_latency_counts_from_when_a_request_was_due() -> None:
    answers = [(0, 2 * MS, 201), (10 * MS, 510 * MS, 201), (20 * MS, 511 * MS, 503)]
    load = read_answers(b"".join(ANSWER.pack(*each) for each in answers), 0.5)
    assert load.statuses == {201: 2, 503: 1}
    assert load.seconds == 0.511
    assert load.milliseconds(1) == pytest.approx(2.0, rel=0.01)
    assert load.milliseconds(50) == pytest.approx(491.0, rel=0.01)
    assert load.milliseconds(100) == pytest.approx(500.0, rel=0.01)
    assert load.cpu_seconds == 0.5


def test_no_answers_have_no_rate() -> None:
    assert (read_answers(b"").rate, read_answers(b"").count) == (0.0, 0)
