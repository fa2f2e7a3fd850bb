"""How fast the consumer SDK reads and verifies a topic; against aiokafka and one ECDSA verification a record."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from bench.ceiling.sealing import check_seal
from bench.model import Figure, Outcome
from bench.workshop import Workshop
from gateway.consumer import KeySet, verify_topic
from gateway.settings import read_settings


def measure(workshop: Workshop) -> Outcome:
    """The topic of FM-1s as the measures before have filled it, at least with `messages` records."""
    _, stage = workshop.fm1()
    if stage.expected[stage.topic] < workshop.plan.messages:
        workshop.file(workshop.plan.messages)
    certificate = read_settings({}, stage.stack.directory).certificate_file.read_bytes()
    keys, records = KeySet.from_certificates([certificate]), stage.expected[stage.topic]
    mine, theirs, faults = [], [], []
    for number in range(1, workshop.plan.repeats + 1):
        workshop.tell(f"consumer: reading {records} records, run {number}")
        started = time.perf_counter()
        report = asyncio.run(verify_topic(stage.topic, bootstrap=stage.kafka, keys=keys))
        mine.append(report.records / (time.perf_counter() - started))
        if not report.intact or report.records != records:
            faults.append(f"consumer: {report.records} records of {records}, the first break: {report.first}")
        started = time.perf_counter()
        asyncio.run(_bare(stage.kafka, stage.topic, records, certificate))
        theirs.append(records / (time.perf_counter() - started))
    figure = Figure("consumer", "records/s", tuple(mine), tuple(theirs))
    return Outcome((figure,), {"records": records}, tuple(faults))


async def _bare(bootstrap: str, topic: str, records: int, certificate: bytes) -> None:
    """Reads the same records and verifies each record's seal, nothing else."""
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("the gateway's key is not an elliptic one")
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=10 << 20,
    )
    await consumer.start()
    try:
        left = records
        while left > 0:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    check_seal(dict(record.headers)["seal"], record.value, key)
                    left -= 1
    finally:
        await consumer.stop()
