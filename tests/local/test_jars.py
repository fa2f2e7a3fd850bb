import hashlib
from pathlib import Path

import pytest

from gateway.local import jars
from gateway.local.jars import Jar, JarMissing, JarRefused, class_path, listed_jars

GOOD = b"a jar"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "PAUSE", 0.0)


def jar(name: str, content: bytes = GOOD) -> Jar:
    return Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest())


def delivered(staging: Path, content: bytes) -> Path:
    staging.mkdir()
    path = staging / "downloaded.jar"
    path.write_bytes(content)
    return path


def placed(cache: Path, wanted: Jar, content: bytes) -> Path:
    path = cache / wanted.place
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def never(wanted: Jar, staging: Path) -> Path:
    raise AssertionError(wanted, staging)


def test_kafka_4_3_1_is_46_listed_jars_in_a_fixed_order() -> None:
    listed = listed_jars()
    assert len(listed) == 46
    assert [str(each) for each in listed] == sorted((str(each) for each in listed), key=str)
    assert "org.apache.kafka:kafka_2.13:4.3.1" in map(str, listed)
    assert all(len(each.sha256) == 64 for each in listed)


def test_what_is_missing_is_downloaded_once_and_kept(tmp_path: Path) -> None:
    wanted = [jar("a"), jar("b")]
    told: list[str] = []
    paths = class_path(wanted, tmp_path, told.append, lambda _jar, staging: delivered(staging, GOOD))
    assert paths == tuple(tmp_path / each.place for each in wanted)
    assert told[0].startswith("Kafka: downloading 2 of 2 jars")
    assert class_path(wanted, tmp_path, fetch=never) == paths
    assert not list(tmp_path.glob(".fma-gateway-*"))


def test_a_corrupted_jar_in_the_cache_is_refused_by_name_and_left_for_its_owner(tmp_path: Path) -> None:
    wanted = jar("a")
    path = placed(tmp_path, wanted, b"something else")
    with pytest.raises(JarRefused, match=r"org\.example:a:1\.0.*Delete the file") as caught:
        class_path([wanted], tmp_path, fetch=never)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"something else"


def test_a_wrong_download_never_reaches_the_cache(tmp_path: Path) -> None:
    wanted = jar("a")
    with pytest.raises(JarRefused, match=r"org\.example:a:1\.0"):
        class_path([wanted], tmp_path, fetch=lambda _jar, staging: delivered(staging, b"forged"))
    assert not (tmp_path / wanted.place).exists()
    assert not list(tmp_path.glob(".fma-gateway-*"))


def test_a_download_that_fails_at_first_is_tried_again(tmp_path: Path) -> None:
    tried: list[Path] = []

    def fetch(_jar: Jar, staging: Path) -> Path:
        tried.append(staging)
        if len(tried) < 3:
            raise ConnectionError
        return delivered(staging, GOOD)

    class_path([jar("a")], tmp_path, fetch=fetch)
    assert len(tried) == 3


def test_a_download_that_keeps_failing_names_the_jar_and_what_to_do_and_keeps_the_others(tmp_path: Path) -> None:
    broken, whole = jar("broken"), jar("whole")

    def fetch(wanted: Jar, staging: Path) -> Path:
        if wanted == broken:
            raise ConnectionError("no route")
        return delivered(staging, GOOD)

    with pytest.raises(JarMissing, match=r"org\.example:broken:1\.0.*3 attempts \(no route\).*start again"):
        class_path([whole, broken], tmp_path, fetch=fetch)
    assert (tmp_path / whole.place).read_bytes() == GOOD
