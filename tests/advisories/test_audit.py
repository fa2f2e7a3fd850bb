"""The audit of dependencies: what is known, what is ignored, what was not asked, each with its exit status."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from advisories.report import Ignored, judge, read_ignored

TODAY = date(2026, 11, 28)
KNOWN = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"], "description": "x"}
LIST = Path("advisories/ignored.toml")


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def ignoring(until: date, id: str = "CVE-2026-1", package: str = "one") -> list[Ignored]:  # noqa: A002 - its name in the list
    return [Ignored(id, package, "its server is nowhere started", until)]


CLEAN = {"name": "two", "version": "1", "vulns": []}
HIT = {"name": "one", "version": "1", "vulns": [KNOWN]}
FOUND = "one 1: PYSEC-2026-1, fixed in 2.0"


@pytest.mark.parametrize(
    ("given", "ignored", "faults"),
    [
        (report(CLEAN), [], []),
        (report(CLEAN, HIT), [], [FOUND]),
        (report(HIT), ignoring(date(2026, 11, 29)), []),
        (report(HIT), ignoring(date(2026, 11, 29), package="two"), [FOUND]),
        (report(CLEAN, {"name": "three", "skip_reason": "not found"}), [], ["three was not audited: not found"]),
    ],
)
def test_what_is_known_and_what_was_not_audited_are_faults(
    given: str, ignored: list[Ignored], faults: list[str]
) -> None:
    assert list(judge(given, ignored, TODAY).faults) == faults


def test_what_is_ignored_is_looked_at_again_on_its_day() -> None:
    [fault] = judge(report(CLEAN), ignoring(TODAY), TODAY).faults
    assert fault.startswith("CVE-2026-1 was ignored until 2026-11-28")


def test_the_list_of_what_is_ignored_can_be_read_and_each_entry_has_its_reason() -> None:
    text = LIST.read_text("utf-8")
    assert all(one.reason for one in read_ignored(text))
    [shown] = read_ignored("\n".join(line.removeprefix("# ") for line in text.splitlines()[3:]))
    assert (shown.package, shown.until) == ("example", date(2027, 1, 1))
    with pytest.raises(TypeError):
        read_ignored('[[ignored]]\nid = "x"')


@pytest.mark.parametrize("name", ["runtime", "dev", "bench"])
def test_every_locked_package_has_its_hashes(name: str) -> None:
    locked = re.sub(r" *\\\n *", " ", Path(f"requirements/{name}.txt").read_text("utf-8"))
    packages = [line for line in locked.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(packages) > 30
    assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.fixture
def osv() -> Iterator[tuple[str, dict[str, Any]]]:
    """A service that speaks OSV's query API, and what it knows by package."""
    known: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = known.get(asked["package"]["name"])
            body = json.dumps({"vulns": [found]} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", known
        server.shutdown()


def audit(lock: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "advisories", "--lock", str(lock), "--osv-url", url, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in ("alpha", "beta")), encoding="utf-8")
    return path


def test_packages_are_asked_for_and_what_is_known_of_one_fails_the_audit(
    lock: Path, osv: tuple[str, dict[str, Any]]
) -> None:
    url, known = osv
    clean = audit(lock, url)
    assert (clean.returncode, clean.stdout) == (0, "2 packages audited, 0 faults, 0 advisories ignored\n")
    events = [{"introduced": "0"}, {"fixed": "1.1"}]
    affected = [{"package": {"name": "beta", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    known["beta"] = {"id": "GHSA-x", "summary": "bad", "affected": affected}
    found = audit(lock, url, "--if-reachable")
    assert (found.returncode, found.stderr) == (1, "beta 1.0: GHSA-x, fixed in 1.1\n")


@pytest.mark.parametrize(("more", "status"), [((), 3), (("--if-reachable",), 0)])
def test_a_service_that_is_away_is_told_and_is_no_good_news(lock: Path, more: tuple[str, ...], status: int) -> None:
    away = audit(lock, "http://127.0.0.1:1/", *more)
    assert away.returncode == status
    assert away.stderr.startswith("The audit of dependencies was skipped, nothing was asked: ")
    assert away.stdout == ""


def test_a_lock_that_can_not_be_read_is_never_skipped(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("alpha>=1\n", encoding="utf-8")
    assert audit(lock, "http://127.0.0.1:1/", "--if-reachable").returncode == 2
    assert audit(tmp_path / "none.txt", "http://127.0.0.1:1/", "--if-reachable").returncode == 2
