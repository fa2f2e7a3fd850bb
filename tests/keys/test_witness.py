"""Two keys for one history: the gateway alone can't rewrite what a witness saw. Real PostgreSQL, real seals."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.errors import ConfigurationError, Unavailable
from gateway.intake.app import create_app
from gateway.journal import (
    Witnesses,
    verify_journal,
)
from gateway.journal.coverage import Readers, coverage_of
from gateway.journal.witness_lag import WitnessLag
from gateway.model import Receipt
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.receipts import read_receipt
from gateway.witness import Alarm, GatewayOverHttp, Memory, Witness
from tests.intake.kit import NOW, URL
from tests.keys.conftest import Scene, witnessed

OTHER = "overlay({0} placing CASE substr({0}, 200, 1) WHEN 'A' THEN 'B' ELSE 'A' END from 200 for 1)"


async def test_a_witness_co_signs_what_extends_what_it_saw_and_everybody_can_read_that(scene: Scene) -> None:
    await witnessed(scene, 2, 3)
    assert await scene.witness.look(0) is None
    latest = (await scene.client.get("/v1/checkpoints/latest")).json()
    said = read_cosignature(latest["cosignatures"][0], KeySet.of(scene.keys))
    assert (said.ledger, said.seq, said.chain.hex()) == (0, latest["seq"], latest["chain"])
    report = await scene.verify(memory=True)
    assert (report.intact, report.cosignatures, report.witnessed) == (True, 2, {0: 5})


async def test_a_checkpoint_carries_the_newest_co_signature_to_the_topic(scene: Scene) -> None:
    await witnessed(scene, 1, 1)
    first, second = await scene.services.journal.checkpoints_after(0, 0, 10)
    assert first.cosignatures == ()
    assert [read_cosignature(jws, KeySet.of(scene.keys)).seq for jws in second.cosignatures] == [1]


async def test_history_rewritten_with_the_gateways_own_key_is_found_by_the_witness_and_not_co_signed(
    scene: Scene,
) -> None:
    await witnessed(scene, 4)
    await scene.rewrite()
    await scene.file(3)
    await scene.checkpoint()
    with pytest.raises(Alarm, match="fork") as raised:
        await scene.witness.look(0)
    assert raised.value.kind == "fork"
    assert scene.memory.read()[0].seq == 4


async def test_history_set_back_is_found_by_the_witness(scene: Scene) -> None:
    await witnessed(scene, 4)
    await scene.rewrite()
    with pytest.raises(Alarm, match="step-back"):
        await scene.witness.look(0)


async def test_another_chain_value_at_the_same_length_is_found_by_the_witness(scene: Scene) -> None:
    await witnessed(scene, 4)
    await scene.rewrite()
    await scene.file()
    await scene.checkpoint()
    with pytest.raises(Alarm, match="fork: entry 4 has another chain value"):
        await scene.witness.look(0)


async def test_history_rewritten_with_the_gateways_own_key_is_found_and_named_by_verification(scene: Scene) -> None:
    await witnessed(scene, 3, 2)
    await scene.rewrite()
    assert (await scene.verify()).first is not None
    blind = await verify_journal(
        scene.world.settings.database_url,
        lambda jws: read_receipt(jws, KeySet.of(scene.services.keys)),
        lambda jws: read_checkpoint(jws, KeySet.of(scene.services.keys)),
    )
    assert blind.intact, "by itself the rewritten log is in order: that is what the witness is for"
    found = (await scene.verify()).breaks
    assert [(each.seq, each.what) for each in found] == [(3, "cosignature"), (5, "cosignature")]
    assert "the witness saw another history" in found[0].detail


async def test_co_signatures_that_were_removed_with_the_history_are_missed(scene: Scene) -> None:
    await witnessed(scene, 3)
    await scene.rewrite()
    await scene.sql("DELETE FROM cosignatures")
    assert [each.what for each in (await scene.verify()).breaks] == ["cosignature"]


async def test_a_rewritten_end_whose_co_signatures_were_removed_is_found_by_the_witnesss_memory(scene: Scene) -> None:
    await witnessed(scene, 1, 4)
    await scene.rewrite()
    await scene.sql("DELETE FROM cosignatures WHERE seq > 1")
    assert (await scene.verify()).intact
    assert [each.what for each in (await scene.verify(memory=True)).breaks] == ["witness"]
    await scene.file(1)
    found = (await scene.verify(memory=True)).breaks
    assert [(each.seq, each.what) for each in found] == [(5, "witness")]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (f"UPDATE cosignatures SET jws = {OTHER.format('jws')}", "cosignature"),
        ("UPDATE cosignatures SET chain = set_byte(chain, 5, (get_byte(chain, 5) + 1) % 256)", "cosignature"),
        ("UPDATE cosignatures SET seen_at = seen_at - interval '1 day'", "cosignature"),
        ("UPDATE cosignatures SET seq = seq + 1 WHERE seq = 3", "cosignature"),
        (f"UPDATE checkpoints SET jws = {OTHER.format('jws')}", "checkpoint"),
        (
            f"UPDATE checkpoints SET cosignatures = ARRAY[{OTHER.format('cosignatures[1]')}] WHERE seq = 5",
            "cosignature",
        ),
        (f"UPDATE entries SET receipt = {OTHER.format('receipt')} WHERE seq = 2", "receipt"),
    ],
)
async def test_one_changed_byte_of_receipt_checkpoint_or_co_signature_is_found_and_named(
    scene: Scene, change: str, what: str
) -> None:
    await witnessed(scene, 3, 2)
    await scene.sql(change)
    report = await scene.verify()
    assert report.first is not None
    assert report.first.what == what


async def test_a_witness_that_was_away_catches_up_and_the_gateway_goes_on_meanwhile(scene: Scene) -> None:
    await witnessed(scene, 1)
    for _ in range(3):
        await scene.file(2)
        await scene.checkpoint()
    made = await scene.witness.look(0)
    assert made is not None
    assert made.seq == 7
    assert (await scene.verify()).witnessed == {0: 7}


async def test_a_co_signature_that_the_gateway_did_not_take_is_brought_again_after_a_restart(scene: Scene) -> None:
    await scene.file()
    await scene.checkpoint()

    class Deaf(GatewayOverHttp):
        async def tell(self, jws: str) -> None:
            raise Unavailable(f"nobody takes {len(jws)} characters")

    with pytest.raises(Unavailable):
        await Witness(Deaf(URL, scene.client), scene.memory, scene.keys, lambda: scene.at).look(0)
    assert not scene.memory.read()[0].told
    assert await scene.witness.look(0) is None
    assert (await scene.verify()).witnessed == {0: 1}


async def test_seals_of_a_compromised_key_stand_where_a_witness_saw_them_before_and_are_undetermined_elsewhere(
    scene: Scene,
) -> None:
    await witnessed(scene, 3)
    scene.at += timedelta(hours=2)
    await witnessed(scene, 2)
    report = await scene.verify(compromised=scene.at - timedelta(hours=1))
    assert (report.broken, report.undetermined, report.first_undetermined) == (0, 3, (0, 4))
    assert (await scene.verify(compromised=scene.at + timedelta(hours=1))).intact
    assert (await scene.verify(compromised=scene.at - timedelta(hours=3))).undetermined == 7


async def test_a_receipt_of_a_compromised_key_stands_where_the_witness_saw_its_entry_before(scene: Scene) -> None:
    await witnessed(scene, 3, 1)
    keys, believed = KeySet.of(scene.services.keys), KeySet.of(scene.keys)
    rows = await scene.sql("SELECT receipt FROM entries WHERE seq > 1 ORDER BY seq")
    second, third, _ = (read_receipt(row["receipt"], keys) for row in rows)
    readers = Readers(
        Witnesses(believed.kids, lambda jws: read_cosignature(jws, believed)), lambda jws: read_checkpoint(jws, keys)
    )

    async def covered(receipt: Receipt, before: timedelta) -> tuple[str, int] | None:
        found = await coverage_of(scene.world.settings.database_url, receipt, scene.at + before, readers)
        return None if found is None else (found.by, found.seq)

    hour = timedelta(hours=1)
    assert await covered(second, hour) == ("witness", 3)
    assert await covered(second, -hour) is None
    await scene.rewrite()
    assert await covered(second, hour) is None, "it is no longer in the log"
    assert await covered(third, hour) is None, "the log over it is not the one that was seen"


async def test_nobody_but_a_known_witness_is_heard(scene: Scene) -> None:
    await scene.file()
    await scene.checkpoint()
    issued = make_gateway_key("Stranger", NOW)
    stranger = LocalKeyHolder.from_pem(issued.key, issued.certificate)
    with pytest.raises(Unavailable, match="400"):
        await Witness(GatewayOverHttp(URL, scene.client), scene.memory, stranger, lambda: scene.at).look(0)
    for body in (b"", b"[]", b'{"cosignature": 1}', b"{", b'{"cosignature": "a.b.c"}'):
        answer = await scene.client.post("/v1/checkpoints/cosignatures", content=body)
        assert answer.status_code in (400, 422), answer.text
    assert (await scene.client.post("/v1/checkpoints/cosignatures", content=b"x" * 5000)).status_code == 413


@pytest.mark.parametrize("content", ["", "[]", '{"ledgers": {"0": {}}}', '{"ledgers": {"0": {"seq": "1"}}}'])
def test_a_damaged_memory_is_not_taken_for_an_empty_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "memory.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="never begin with an empty one"):
        Memory(path).read()


async def test_the_memory_is_on_disk_whole_and_for_its_owner_alone(scene: Scene, tmp_path: Path) -> None:
    await witnessed(scene, 1)
    path = tmp_path / "memory.json"
    assert path.stat().st_mode & 0o77 == 0
    assert json.loads(path.read_text())["ledgers"]["0"]["told"] is True


async def test_a_gateway_without_a_witness_gives_out_no_leaves_and_takes_no_co_signatures(scene: Scene) -> None:
    await scene.file()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(replace(scene.services, witnesses=KeySet({})))), base_url=URL
    ) as alone:
        assert (await alone.get("/v1/checkpoints/leaves")).status_code == 404
        assert (await alone.post("/v1/checkpoints/cosignatures", json={"cosignature": "x"})).status_code == 404
    assert len((await scene.client.get("/v1/checkpoints/leaves")).json()["leaves"]) == 1


async def test_the_metrics_tell_how_far_the_witness_is_behind(scene: Scene) -> None:
    await witnessed(scene, 2)
    await scene.file(3)
    await scene.checkpoint()
    lag = WitnessLag((scene.services.journal,), frozenset({scene.keys.kid}))
    await lag.refresh()
    assert lag.entries == 3
    assert await scene.witness.look(0) is not None
    await lag.refresh()
    assert lag.entries == 0
