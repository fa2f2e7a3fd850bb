import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.errors import ConfigurationError
from gateway.local.owner import socket_directory
from gateway.local.postgres import Postgres
from gateway.local.processes import PartFailed


def server_in(directory: Path) -> Postgres:
    return Postgres(directory / "postgres", socket_directory(directory), directory / "logs" / "postgres.log")


@pytest.fixture(scope="module")
def postgres(short_directory: Path) -> Iterator[Postgres]:
    """A server whose directory's path is far longer than a socket's may be, with characters that shells mind."""
    postgres = server_in(short_directory / ("long, 'quoted' and spaced " * 3) / "деректер" / "pg")
    postgres.start()
    yield postgres
    postgres.stop()
    shutil.rmtree(postgres.sockets, ignore_errors=True)


AS_NOBODY = """
import os, pwd, sys
from pathlib import Path
from gateway.local.postgres import Postgres
directory, nobody = Path(sys.argv[1]), pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
postgres = Postgres(directory / "postgres", directory / "run", directory / "logs" / "postgres.log")
postgres.start()
print("answers", postgres.create_database("another"))
postgres.stop()
"""


async def asked(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_answers_over_a_socket_from_a_directory_of_any_name(postgres: Postgres) -> None:
    assert len(os.fsencode(postgres.data)) > 107
    assert str(await asked(postgres.dsn, "SHOW server_version")).startswith("18.")
    assert await asked(postgres.dsn, "SHOW fsync") == "on"
    assert await asked(postgres.dsn, "SHOW listen_addresses") == ""
    assert await asked(postgres.dsn, "SELECT current_database()") == "gateway"


def test_only_its_owner_reaches_its_socket(postgres: Postgres) -> None:
    assert postgres.sockets.stat().st_mode & 0o777 == 0o700
    assert postgres.data.stat().st_mode & 0o777 == 0o700


def test_starting_it_again_leaves_it_running(postgres: Postgres) -> None:
    assert postgres.start() == postgres.running()


async def test_a_database_is_made_once(postgres: Postgres) -> None:
    first = postgres.create_database('odd "name"')
    assert postgres.create_database('odd "name"') == first


async def test_what_was_committed_is_there_after_kill_9(postgres: Postgres) -> None:
    before = postgres.running()
    assert before is not None
    await asked(postgres.dsn, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(before.pid, signal.SIGKILL)
    assert before.gone_within(5)
    after = postgres.start()
    assert after.pid != before.pid
    assert await asked(postgres.dsn, "SELECT number FROM kept") == 7


async def test_a_note_that_names_a_strangers_process_does_not_keep_it_down(postgres: Postgres) -> None:
    note = postgres.data / "postmaster.pid"
    text = note.read_text()
    postgres.stop()
    assert postgres.running() is None
    note.write_text(text.replace(text.splitlines()[0], str(os.getpid()), 1))
    (postgres.sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    assert postgres.running() is None
    postgres.start()
    assert await asked(postgres.dsn, "SELECT 1") == 1


def test_stopping_it_twice_is_harmless(postgres: Postgres) -> None:
    postgres.stop()
    postgres.stop()
    assert postgres.running() is None


def test_a_damaged_data_directory_is_told_with_the_end_of_the_log(postgres: Postgres) -> None:
    postgres.stop()
    settings = postgres.data / "postgresql.conf"
    whole = settings.read_bytes()
    settings.write_bytes(whole + b"\nno such setting = 1\n")
    told = r"PostgreSQL: (stopped while starting|ended at once)(?s:.*)syntax error(?s:.*)read on in"
    with pytest.raises(PartFailed, match=told):
        postgres.start()
    settings.write_bytes(whole)
    postgres.start()


def test_a_socket_directory_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to("/")
    with pytest.raises(ConfigurationError, match=r"belongs to someone else"):
        server_in(tmp_path).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="who is no root runs every other test as an ordinary user")
def test_an_ordinary_user_runs_it_too(short_directory: Path) -> None:
    directory = short_directory / "ordinary"
    directory.mkdir()
    shutil.chown(directory, "nobody")
    command = [sys.executable, "-c", AS_NOBODY, str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "answers" in done.stdout, done.stderr
    assert (directory / "postgres" / "PG_VERSION").owner() == "nobody"
