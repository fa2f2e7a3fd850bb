"""Kafka's jars: resolved through jgo into the user's Maven cache, and used only when their sha256 is the listed one."""

import hashlib
import logging
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from gateway.local.processes import PartFailed, Progress, silent

LIST = "kafka/jars.tsv"
THREADS = 8
ATTEMPTS = 3
PAUSE = 1.0

Fetch = Callable[["Jar", Path], Path]


class JarRefused(PartFailed):
    """A jar is not the one whose sha256 is listed; it is never used."""

    code = "local-jar-refused"


class JarMissing(PartFailed):
    """A jar is not in the Maven cache and could not be downloaded."""

    code = "local-jar-missing"


@dataclass(frozen=True, slots=True)
class Jar:
    """One listed jar: its Maven coordinates and the lower-case hex SHA-256 it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def place(self) -> Path:
        """Where the jar lies below a Maven repository's root."""
        name = f"{self.artifact}-{self.version}.jar"
        return Path(*self.group.split("."), self.artifact, self.version, name)


def listed_jars(source: Traversable | None = None) -> tuple[Jar, ...]:
    """The jars of `deploy/kafka/jars.tsv` (or `source`): coordinates, a tab, sha256 on each line."""
    text = (source or files("deploy") / LIST).read_text(encoding="utf-8")
    return tuple(Jar(*re.split(r"[:\t]", line)) for line in text.splitlines() if line)


def maven_cache() -> Path:
    """The user's Maven cache, as jgo finds it."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - a third of a second to import, needed for a download only

    return Path(MavenContext().repo_cache)


def class_path(
    jars: Sequence[Jar], cache: Path, progress: Progress = silent, fetch: Fetch | None = None
) -> tuple[Path, ...]:
    """The checked jars in the order of the list, downloaded into `cache` where they are missing.

    Raises JarRefused for a jar with another sha256, JarMissing when a download fails; both name the jar and say
    what to do. Whatever is downloaded reaches the cache only after its check, and whole.
    """
    missing = [jar for jar in jars if not (cache / jar.place).exists()]
    if missing:
        progress(f"Kafka: downloading {len(missing)} of {len(jars)} jars into {cache}")
        _download(missing, cache, progress, fetch or _fetch)
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(pool.map(lambda jar: _checked(jar, cache / jar.place), jars))


def _download(jars: Sequence[Jar], cache: Path, progress: Progress, fetch: Fetch) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    done: list[Jar] = []

    def one(jar: Jar) -> None:
        with tempfile.TemporaryDirectory(prefix=".fma-gateway-", dir=cache) as staging:
            path = _checked(jar, _retried(jar, Path(staging), fetch), "what was downloaded")
            place = cache / jar.place
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
        done.append(jar)
        if len(done) % 10 == 0 or len(done) == len(jars):
            progress(f"Kafka: {len(done)} of {len(jars)} jars are here")

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            list(pool.map(one, jars))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _retried(jar: Jar, staging: Path, fetch: Fetch) -> Path:
    reason = ""
    for attempt in range(ATTEMPTS):
        try:
            return fetch(jar, staging / str(attempt))
        except Exception as error:  # noqa: BLE001 - jgo raises whatever its HTTP library or the disk raises
            reason = str(error) or type(error).__name__
            time.sleep(PAUSE * attempt)
    raise JarMissing(
        f"Kafka: the jar {jar} could not be downloaded in {ATTEMPTS} attempts ({reason}). Check the connection to the "
        f"Maven repository and start again: what has arrived is kept. On a machine without one, copy the jar "
        f"to {jar.place} below the Maven cache (~/.m2/repository, or $M2_REPO)."
    )


def _fetch(jar: Jar, staging: Path) -> Path:
    from jgo.maven import MavenContext  # noqa: PLC0415 - as above

    logging.getLogger("jgo").setLevel(logging.ERROR)
    context = MavenContext(repo_cache=staging)
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())


def _checked(jar: Jar, path: Path, what: str = "") -> Path:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == jar.sha256:
        return path
    raise JarRefused(
        f"Kafka: {what or path} is not {jar}: its sha256 is {found}, listed is {jar.sha256}. It is not used. "
        f"{'Start' if what else 'Delete the file and start'} again; if it comes back the same, "
        "do not trust the repository that it comes from."
    )
