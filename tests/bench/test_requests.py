from pathlib import Path

import pytest

from bench.requests import ANY, interleaved, message, read_requests, request, write_requests


def test_requests_are_read_as_they_were_written(tmp_path: Path) -> None:
    requests = [(ANY, b"one"), (3, b""), (0, bytes(range(256)))]
    assert write_requests(tmp_path / "requests", requests) == 3
    assert list(read_requests(tmp_path / "requests")) == requests


def test_no_requests_make_an_empty_file(tmp_path: Path) -> None:
    assert write_requests(tmp_path / "requests", []) == 0
    assert (tmp_path / "requests").read_bytes() == b""


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    write_requests(tmp_path / "requests", [(ANY, b"ten bytes.")])
    whole = (tmp_path / "requests").read_bytes()
    (tmp_path / "requests").write_bytes(whole[:-cut] if cut > 5 else whole + whole[:cut])
    with pytest.raises(ValueError, match="ends inside"):
        list(read_requests(tmp_path / "requests"))


def test_lanes_are_interleaved_round_by_round_in_their_order() -> None:
    assert list(interleaved([[b"a1", b"a2"], [b"b1", b"b2"]])) == [(0, b"a1"), (1, b"b1"), (0, b"a2"), (1, b"b2")]


def test_a_message_is_a_post_with_its_length() -> None:
    assert message(b"<x/>").startswith(b"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\n")
    assert message(b"<x/>").endswith(b"Content-Type: application/xml\r\nContent-Length: 4\r\n\r\n<x/>")
    assert request("GET", "/x", headers={}) == b"GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n"
