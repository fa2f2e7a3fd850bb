"""A number of a series is taken once: what comes second under it is kept as evidence, and told as a conflict."""

from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from gateway.intake.services import Services
from gateway.journal import SeriesConflict
from gateway.model import Examined, Series, Standing, Submission, Verdict
from gateway.pipeline import Judging, Pipeline
from gateway.sealing.receipts import read_receipt
from tests.intake.kit import World
from tests.pipeline.test_pipeline import submission
from validators.series import FORK


@dataclass(frozen=True)
class Numbering:
    """Judges as it is judged, and then takes every message for the first one of a series."""

    judging: Judging
    name: str

    async def examine(self, submission: Submission, standing: Standing | None) -> Examined:
        examined = await self.judging.examine(submission, standing)
        if examined.judged is None:
            return examined
        judgement = replace(examined.judged.judgement, series=Series(self.name, 1, {}))
        return replace(examined, judged=replace(examined.judged, judgement=judgement))


@pytest.fixture
def numbered(services: Services) -> Pipeline:
    pipeline = services.pipeline
    return replace(pipeline, judging=Numbering(pipeline.judging, f"KZ-{uuid4()}"))


async def test_the_second_message_under_a_number_is_a_conflict_that_names_its_evidence(
    numbered: Pipeline, world: World, services: Services
) -> None:
    await numbered.file(submission(world.message()))
    second = submission(world.message())
    with pytest.raises(SeriesConflict) as first_answer:
        await numbered.file(second)
    kept = await services.journal.find(second.sha256)
    assert kept is not None
    receipt = read_receipt(kept.jws, numbered.keyset)
    assert (receipt.verdict, [finding.code for finding in receipt.findings]) == (Verdict.REFUSED, [FORK])
    assert first_answer.value.parameters == {"receipt": str(receipt.id)}
    with pytest.raises(SeriesConflict) as again:
        await numbered.file(second)
    assert again.value.parameters == first_answer.value.parameters


async def test_the_same_bytes_under_a_number_get_the_same_receipt(numbered: Pipeline, world: World) -> None:
    given = submission(world.message())
    first = await numbered.file(given)
    again = await numbered.file(given)
    assert (again.repeated, again.receipt) == (True, first.receipt)
