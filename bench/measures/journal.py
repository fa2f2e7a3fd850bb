"""How fast `verify journal` computes the log again; against reading, hashing and one ECDSA verification an entry."""

import asyncio
import hashlib
import time
from functools import partial

import asyncpg
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from bench.ceiling.sealing import check_seal
from bench.model import Figure, Outcome
from bench.workshop import Workshop
from gateway.consumer import KeySet
from gateway.journal import verify_journal
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.receipts import read_receipt
from gateway.settings import read_settings


def measure(workshop: Workshop) -> Outcome:
    """The log of FM-1s as the measures before have filled it, at least with `messages` entries."""
    _, stage = workshop.fm1()
    if stage.messages < workshop.plan.messages:
        workshop.file(workshop.plan.messages)
    certificate = read_settings({}, stage.stack.directory).certificate_file.read_bytes()
    keys = KeySet.from_certificates([certificate])
    mine, theirs, faults, entries = [], [], [], 0
    for number in range(1, workshop.plan.repeats + 1):
        workshop.tell(f"journal: verifying {stage.messages} entries, run {number}")
        started = time.perf_counter()
        report = asyncio.run(
            verify_journal(stage.dsn, partial(read_receipt, keys=keys), partial(read_checkpoint, keys=keys))
        )
        entries = report.entries
        mine.append(entries / (time.perf_counter() - started))
        if not report.intact:
            faults.append(f"journal: broken: {report.breaks[:1]}")
        started = time.perf_counter()
        read = asyncio.run(_bare(stage.dsn, certificate))
        theirs.append(read / (time.perf_counter() - started))
    return Outcome((Figure("journal", "entries/s", tuple(mine), tuple(theirs)),), {"entries": entries}, tuple(faults))


async def _bare(dsn: str, certificate: bytes) -> int:
    """Reads every entry, unpacks and hashes its body, hashes what is stored into a chain, verifies the receipt."""
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("the gateway's key is not an elliptic one")
    unpacker, chain, entries = zstandard.ZstdDecompressor(), b"", 0
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(readonly=True):
            rows = connection.cursor("SELECT sha256, body, receipt, records FROM entries ORDER BY seq", prefetch=256)
            async for sha256, body, receipt, records in rows:
                if hashlib.sha256(unpacker.decompress(body)).digest() != sha256:
                    raise AssertionError("another body was received")
                check_seal(receipt.encode(), None, key)
                leaf = hashlib.sha256(sha256 + body + receipt.encode() + records).digest()
                chain = hashlib.sha256(chain + leaf).digest()
                entries += 1
    finally:
        await connection.close()
    return entries
