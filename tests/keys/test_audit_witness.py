"""Two keys for the audit log as for the journal: what a witness saw of it can't be rewritten by the gateway alone."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.__main__ import main
from gateway.errors import Unavailable
from gateway.journal.audit import AUDIT_LEDGER
from gateway.journal.witness_lag import WitnessLag
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from gateway.witness import Alarm, Witness
from tests.intake.kit import NOW, URL
from tests.keys.conftest import Scene, audited


async def test_the_audit_logs_checkpoints_are_co_signed_as_the_journals_are(scene: Scene) -> None:
    await audited(scene, 2, 3)
    assert await scene.witness.look(AUDIT_LEDGER) is None
    length = (await scene.audit.head()).seq
    report = await scene.verify_audit()
    assert (report.broken, report.cosignatures, report.witnessed) == (0, 2, length)
    assert (await scene.verify()).breaks == (), "what is of the audit log is no stray of the journal"
    lag = WitnessLag((scene.services.journal, scene.audit), frozenset({scene.keys.kid}))
    await scene.act(4)
    await lag.refresh()
    assert lag.entries == 4


async def test_an_audit_log_rewritten_with_the_gateways_own_key_is_found_by_the_witness_and_by_verification(
    scene: Scene,
) -> None:
    await audited(scene, 2, 3)
    [first, second] = [row["seq"] for row in await scene.sql("SELECT seq FROM cosignatures ORDER BY seq")]
    await scene.rewrite_audit()
    assert (await scene.verify_audit(witnessed=False)).intact, "by itself the rewritten log is in order"
    found = (await scene.verify_audit()).breaks
    assert [(each.seq, each.what) for each in found] == [
        (first, "cosignature"),
        (second - 1, "witness"),
        (second, "cosignature"),
    ]
    assert "the witness saw another history" in found[0].detail
    with pytest.raises(Alarm, match="step-back"):
        await scene.witness.look(AUDIT_LEDGER)
    await scene.act(3)
    with pytest.raises(Alarm, match="fork"):
        await scene.witness.look(AUDIT_LEDGER)


async def test_an_audit_log_whose_co_signatures_were_removed_is_found_by_the_witnesss_memory(scene: Scene) -> None:
    await audited(scene, 2)
    await scene.rewrite_audit()
    await scene.sql("DELETE FROM cosignatures")
    assert {each.what for each in (await scene.verify_audit()).breaks} == {"cosignature", "witness"}


async def test_audit_checkpoints_of_a_compromised_key_are_undetermined_where_no_witness_saw_them_before(
    scene: Scene,
) -> None:
    await audited(scene, 2)
    await scene.act(1)
    report = await scene.verify_audit(compromised=scene.at + timedelta(hours=1))
    assert (report.broken, report.undetermined, report.first_undetermined) == (0, 1, (await scene.audit.head()).seq)
    assert (await scene.verify_audit(compromised=scene.at - timedelta(hours=1))).undetermined > 1


async def test_nobody_but_a_witness_is_told_anything_of_the_audit_log(scene: Scene) -> None:
    await audited(scene, 2)
    issued = make_gateway_key("Stranger", NOW)
    stranger = LocalKeyHolder.from_pem(issued.key, issued.certificate)
    as_if_witness = await make_bearer(scene.keys.kid, URL, datetime.now(UTC), stranger)
    elsewhere = await make_bearer(scene.keys.kid, "https://other", datetime.now(UTC), scene.keys)
    headers = [
        {},
        {"Authorization": f"Bearer {as_if_witness}"},
        await scene.world["bank"].bearer(),
        {"Authorization": f"Bearer {elsewhere}"},
    ]
    for path in ("/v1/audit/checkpoints/latest", "/v1/audit/checkpoints/leaves"):
        for header in headers:
            assert (await scene.client.get(path, headers=header)).status_code == 401
    for path in ("/v1/checkpoints/latest", "/v1/checkpoints/leaves"):
        assert (await scene.client.get(path, params={"ledger": AUDIT_LEDGER})).status_code == 400
    with pytest.raises(Unavailable, match="does not know this witness"):
        await Witness(scene.asking(stranger), scene.memory, stranger, lambda: scene.at).look(AUDIT_LEDGER)


async def test_the_command_holds_the_audit_log_against_its_witness(scene: Scene, tmp_path: Path) -> None:
    await audited(scene, 2)
    settings = scene.world.settings
    environment = {
        "GATEWAY_DATABASE_URL": settings.database_url,
        "GATEWAY_CERTIFICATE_FILE": str(settings.certificate_file),
    }
    options = [
        "--witness",
        str(tmp_path / "witness.certificate.pem"),
        "--witness-memory",
        str(tmp_path / "memory.json"),
    ]

    async def told(*command: str) -> tuple[int, str]:
        answer = await asyncio.to_thread(CliRunner().invoke, main, [*command, *options], env=environment)
        return answer.exit_code, answer.output

    assert "1 co-signatures; witnessed up to entry" in (await told("audit", "verify"))[1]
    await scene.rewrite_audit()
    code, output = await told("verify", "audit", "--json")
    assert (code, {each["what"] for each in json.loads(output)["breaks"]}) == (4, {"cosignature", "witness"})
