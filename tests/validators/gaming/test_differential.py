"""libxml2 and xmlschema agree on mutated messages of the gaming family, and each refusal is explained."""

from collections.abc import Iterator
from random import Random

import pytest
from lxml import etree

from tests.support.gaming import GamingCase, example
from tests.validators.test_differential import differences, mutated
from validators.gaming.messages import MESSAGES
from validators.model import Judgement, Verdict
from validators.schemas import schema_for


@pytest.mark.parametrize("message_type", MESSAGES)
def test_both_validators_agree_on_mutations_of_the_examples(message_type: str) -> None:
    schema = schema_for("gaming", "2026-01-01", message_type)
    seen, wrong = differences(schema, example(message_type), 300, 5)
    assert wrong == []
    assert min(seen["accepted"], seen["refused"]) > 10


def mutations(message_type: str, count: int) -> Iterator[etree._Element]:
    chance = Random(17)
    return (mutated(chance, example(message_type)) for _ in range(count))


@pytest.mark.parametrize("message_type", MESSAGES)
def test_any_mutation_gets_a_verdict_and_no_event_of_a_refused_message(message_type: str) -> None:
    judged: list[Judgement] = [GamingCase(root).judge() for root in mutations(message_type, 300)]
    assert {judgement.verdict for judgement in judged} >= {Verdict.ACCEPTED, Verdict.REFUSED}
    for judgement in judged:
        if not judgement.verdict.stands:
            assert judgement.items == ()
            assert judgement.findings
