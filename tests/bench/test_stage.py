import pytest

from bench.stage import Stage
from gateway.local.stack import Stack, StackFacts

pytestmark = pytest.mark.long

TOPIC = "fma.fm1.threshold.v1"


def test_what_was_accepted_and_is_neither_in_the_log_nor_in_kafka_is_a_fault(stack: StackFacts) -> None:
    stage = Stage(Stack(stack.directory), stack, TOPIC)
    stage.accepted(1_000_000, 2_000_000)
    in_the_log, in_kafka = stage.faults()
    assert in_the_log.startswith("1000000 messages were accepted, ")
    assert in_kafka.startswith(f"2000000 records were accepted for {TOPIC}, ")
