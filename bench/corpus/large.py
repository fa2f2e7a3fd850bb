"""One signed gaming batch of any size, written piece by piece: it is never in memory as a whole.

It is written in its canonical form, so that what is signed are the bytes themselves, `Signature` left out.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.client.envelopes import Envelope
from gateway.client.gaming import Action, BatchHeader, batch_xml, registration_xml, rfc3339
from gateway.local.simulation.houses import enrol_owners, make_houses, make_owners
from gateway.local.simulation.model import House
from gateway.sealing.algorithms import ALGORITHMS
from gateway.sealing.certificates import load_certificates
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.sigtext import signed_info, written
from gateway.sealing.xmldsig import sign_now

KIND = "095"
GUID = "6A2E0000-0000-4000-8000-{:012X}"
SEQUENCE, IDENTITY, REFERENCE = "987654321", GUID.format(0xABCDEF), "BET-987654321"
AMOUNT = 100
MB = 1_000_000
ENVELOPE = 32_768
"""More than all of a batch that is not an event."""
OPENING, CLOSING = b"<ExportData>", b"</ExportData>"
SIGNATURE = b"<Signature></Signature>"


@dataclass(frozen=True, slots=True)
class LargeFeed:
    """One complex that files one batch."""

    directory: Path
    house: House

    @classmethod
    def make(cls, directory: Path, now: datetime) -> "LargeFeed":
        """A bookmaker's complex, its owner under a throw-away authority in `directory`."""
        random = Random(12)  # noqa: S311 - made-up data, no secret
        owners = make_owners(directory, random, now, [KIND])
        return cls(directory, next(make_houses(owners, 1, random)))

    async def enrol(self, dsn: str, now: datetime) -> None:
        """Makes a gateway know the owner."""
        await enrol_owners(dsn, self.directory, [self.house.owner], now)

    def registration(self, now: datetime) -> bytes:
        """The signed registration of the complex."""
        owner = self.house.owner
        tree = registration_xml(_envelope(self.house, now), self.house.id, Action.REGISTER, self.house.state)
        return sign_now(tree, LocalKeyHolder.from_pem(owner.credentials.key, owner.credentials.certificate))


def write_batch(path: Path, mb: int, house: House, now: datetime) -> int:
    """Writes the first batch of a house, of `mb` MB or a little less, and returns how many events it holds."""
    sample = etree.tostring(_sample(house, now)[0], method="c14n", exclusive=True)
    event = re.search(rb"<Event .*?</Event>", sample)
    if event is None or SIGNATURE not in sample:
        raise AssertionError("a batch has an event and a place for its signature")
    count = (mb * MB - ENVELOPE) // len(_template(event[0]) % {b"n": MB * mb})
    last = b"<LastEventSequence>%d</LastEventSequence>" % count
    whole = re.sub(rb"<LastEventSequence>.*?</LastEventSequence>", last, sample)
    whole = re.sub(
        rb"<FirstEventSequence>.*?</FirstEventSequence>", b"<FirstEventSequence>1</FirstEventSequence>", whole
    )
    total = b'<Total Amount="%d" Count="%d" Kind="BET-PLACED"></Total>' % (AMOUNT * count, count)
    whole = re.sub(rb"<Total .*?</Total>", total, whole)
    head, tail = whole.split(event[0])
    digest = hashlib.sha256(head.replace(SIGNATURE, b""))
    for piece in _events(event[0], count):
        digest.update(piece)
    digest.update(tail.replace(SIGNATURE, b""))
    signature = b"<Signature>%s</Signature>" % base64.b64encode(_form(house, digest.digest()))
    with path.open("wb") as file:
        file.write(OPENING + head.replace(SIGNATURE, signature))
        file.writelines(_events(event[0], count))
        file.write(tail.replace(SIGNATURE, signature) + CLOSING)
    return count


def _sample(house: House, now: datetime) -> etree._Element:
    unit = house.units("TERMINAL")[0].id
    event = {
        "sequence": SEQUENCE,
        "id": IDENTITY,
        "kind": "BET-PLACED",
        "unit": unit,
        "time": rfc3339(now - timedelta(seconds=60)),
        "amount": str(AMOUNT),
        "means": "CASH",
        "player_kind": "ANONYMOUS",
        "reference": REFERENCE,
        "odds": "1.85",
    }
    return batch_xml(_envelope(house, now), BatchHeader(house.id, 1), [event])


def _envelope(house: House, now: datetime) -> Envelope:
    return Envelope(house.owner.identifier, house.owner.kind, now)


def _events(event: bytes, count: int) -> Iterator[bytes]:
    template = _template(event)
    for number in range(1, count + 1):
        yield template % {b"n": number}


def _template(event: bytes) -> bytes:
    """The event with places for its number."""
    template = event.replace(b"%", b"%%").replace(REFERENCE.encode(), b"BET-%(n)09d")
    template = template.replace(SEQUENCE.encode(), b"%(n)d")
    return template.replace(IDENTITY.encode(), b"6A2E0000-0000-4000-8000-%(n)012X")


def _form(house: House, digest: bytes) -> bytes:
    keys = LocalKeyHolder.from_pem(house.owner.credentials.key, house.owner.credentials.certificate)
    algorithm = next(row for row in ALGORITHMS.values() if row.jose == keys.algorithm)
    text = base64.b64encode(digest).decode("ascii")
    certificates = load_certificates(keys.certificate)
    ders = [each.public_bytes(Encoding.DER) for each in certificates]
    return written(algorithm, text, keys.sign_now(signed_info(algorithm, text)), ders)
