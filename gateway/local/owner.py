"""Who runs PostgreSQL, which refuses to be run by root, and what that user must be able to reach."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.local.processes import Identity, Progress

SYSTEM_USER = "embedded_postgres"
FALLBACK_USER = "nobody"
LONGEST_SOCKET_DIRECTORY = 88
"""A socket's path may have 107 bytes; PostgreSQL adds `/.s.PGSQL.5432.lock`."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of this machine; `foreign` when it is not the one who runs this program."""

    uid: int
    gid: int
    foreign: bool

    def identity(self) -> Identity:
        """How to start a program as this user; empty when that is oneself."""
        return Identity(user=self.uid, group=self.gid, extra_groups=[]) if self.foreign else Identity()


def myself() -> Owner:
    """The user who runs this program."""
    return Owner(os.geteuid(), os.getegid(), foreign=False)


def server_owner(progress: Progress) -> Owner:
    """The user who runs PostgreSQL: oneself, or for root a system user, made when it is missing.

    Where root can't make users, `nobody` runs it. Raises ConfigurationError when there is none of them.
    """
    if os.geteuid() != 0:
        return myself()
    entry = _find(SYSTEM_USER) or _make_user(progress) or _find(FALLBACK_USER)
    if entry is None:
        raise ConfigurationError(
            "PostgreSQL does not run as root, and there is no other user to run it: "
            f"add one (useradd --system {SYSTEM_USER}) or start the stack as an ordinary user."
        )
    return Owner(entry.pw_uid, entry.pw_gid, foreign=True)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _make_user(progress: Progress) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if useradd is None:
        return None
    progress(f"PostgreSQL: adding the system user {SYSTEM_USER}, because root can't run it")
    subprocess.run(  # noqa: S603 - a constant command
        [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        check=False,
    )
    return _find(SYSTEM_USER)


def private_directory(path: Path, owner: Owner) -> None:
    """Makes a directory of mode 700 that belongs to `owner`; raises ConfigurationError when it is someone else's."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner.uid, os.geteuid()):
            raise ConfigurationError(f"{path} belongs to someone else: remove it, or choose another --dir") from None
    if owner.foreign:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(0o700)


def open_way(path: Path, progress: Progress) -> None:
    """Lets other users pass through (not list) the directories above `path`, where they could not."""
    for directory in path.parents:
        mode = stat.S_IMODE(directory.stat().st_mode)
        if not mode & stat.S_IXOTH:
            progress(f"PostgreSQL: letting its system user pass through {directory} (mode {mode | 1:o})")
            directory.chmod(mode | stat.S_IXOTH)


def socket_directory(directory: Path) -> Path:
    """Where the socket of the stack in `directory` lies: inside, or in the temporary directory if its path is long."""
    inside = directory / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIRECTORY and "," not in str(inside):
        return inside
    mark = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fma-gateway-{os.geteuid()}-{mark}"
