"""A witness computes the chain over archived entries too: their leaves stay in the log for ever."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.archive.creating import Sealing
from gateway.archive.keeping import discard_archive, retention
from gateway.archive.verification import ArchiveReport, verify_archives
from gateway.journal import ArchiveStore, Witnesses
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.jws import KeySet
from gateway.witness import Alarm, GatewayOverHttp, Memory, Witness
from tests.intake.kit import NOW, URL
from tests.journal.archives import SIZE, small_partitions, take_out_oldest
from tests.keys.conftest import Scene, witnessed

OLD = SIZE - 1


async def archive(scene: Scene, place: Path) -> Path:
    sealing = Sealing(scene.services.keys, scene.services.keyset, NOW)
    return await take_out_oldest(scene.world.settings.database_url, place, sealing)


@pytest.fixture
async def partitioned(scene: Scene) -> Scene:
    """Every three or four entries a partition."""
    await small_partitions(scene.world.settings.database_url)
    return scene


async def test_a_witness_that_starts_when_the_log_begins_in_an_archive_computes_all_of_it_page_by_page(
    partitioned: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await partitioned.file(OLD + 3)
    await partitioned.checkpoint()
    path, tomorrow = await archive(partitioned, tmp_path), partitioned.at + timedelta(days=1)
    async with ArchiveStore(partitioned.world.settings.database_url) as store:
        await discard_archive(store, path, partitioned.services.keyset, retention().until(tomorrow), "an officer")
    monkeypatch.setattr("gateway.witness.watching.PAGE", 2)
    asked: list[tuple[int, int]] = []

    class Counting(GatewayOverHttp):
        async def leaves(self, ledger: int, after: int, limit: int) -> Sequence[bytes]:
            found = await super().leaves(ledger, after, limit)
            asked.append((after, len(found)))
            return found

    gateway = Counting(URL, partitioned.client)
    made = await Witness(gateway, partitioned.memory, partitioned.keys, lambda: partitioned.at).look(0)
    assert made is not None
    assert made.seq == OLD + 3
    assert asked == [(0, 2), (2, 2), (4, 2)]
    assert (await partitioned.verify(memory=True)).intact


async def test_a_witness_checks_what_extends_an_archived_entry_that_it_saw(partitioned: Scene, tmp_path: Path) -> None:
    await witnessed(partitioned, 2)
    await partitioned.file(OLD)
    await partitioned.checkpoint()
    await archive(partitioned, tmp_path)
    await witnessed(partitioned, 2)
    report = await partitioned.verify(memory=True)
    assert (report.intact, report.witnessed) == (True, {0: OLD + 4})


async def archived_after(scene: Scene, place: Path) -> Path:
    """The archive of the oldest partition, once the log has grown past it."""
    await scene.file(OLD)
    await scene.checkpoint()
    return await archive(scene, place)


def verified(scene: Scene, path: Path) -> ArchiveReport:
    believed = KeySet.of(scene.keys)
    witnesses = Witnesses(believed.kids, partial(read_cosignature, keys=believed))
    return verify_archives([path], scene.services.keyset, witnesses=witnesses)


async def test_an_archive_holds_the_word_of_the_witness_and_is_verified_against_it(
    partitioned: Scene, tmp_path: Path
) -> None:
    await witnessed(partitioned, OLD)
    path = await archived_after(partitioned, tmp_path)
    report = verified(partitioned, path)
    assert (report.intact, report.cosignatures, report.witnessed) == (True, 1, {0: OLD})


@pytest.mark.parametrize(
    ("further", "told"),
    [
        (None, "the witness saw another history up to here"),
        ("UPDATE cosignatures SET seen_at = seen_at - interval '1 day'", "the columns contradict"),
        ("DELETE FROM cosignatures", "not one checkpoint of this ledger in these archives"),
    ],
)
async def test_history_that_was_rewritten_before_it_was_archived_is_found_by_the_word_of_the_witness(
    partitioned: Scene, tmp_path: Path, further: str | None, told: str
) -> None:
    await witnessed(partitioned, OLD)
    await partitioned.rewrite()
    if further is not None:
        await partitioned.sql(further)
    path = await archived_after(partitioned, tmp_path)
    assert verify_archives([path], partitioned.services.keyset).intact
    (found,) = verified(partitioned, path).breaks
    assert (found.what, found.ledger, found.seq) == ("cosignature", 0, OLD)
    assert told in found.detail


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE archived_entries SET leaf = sha256(leaf) WHERE seq = 3", "fork"),
        ("DELETE FROM archived_entries WHERE seq = 3", "leaves"),
    ],
)
async def test_what_stays_of_an_archived_entry_is_not_changed_behind_a_witness(
    partitioned: Scene, tmp_path: Path, change: str, kind: str
) -> None:
    await witnessed(partitioned, 2)
    await partitioned.file(OLD)
    await partitioned.checkpoint()
    await archive(partitioned, tmp_path)
    await partitioned.sql(change)
    for memory in (partitioned.memory, Memory(tmp_path / "begun later.json")):
        with pytest.raises(Alarm) as raised:
            await replace(partitioned, memory=memory).witness.look(0)
        assert raised.value.kind == kind
