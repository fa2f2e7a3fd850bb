"""Who files, and what: made up from a seed, so that the same seed sends the same stories again."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random

from lxml import etree

from chaos.oracle import Item, Sent
from gateway.client.gaming import Action
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.local.people import make_bin
from gateway.local.simulation.agents import plain_events
from gateway.local.simulation.houses import make_houses
from gateway.local.simulation.model import Course, House, Owner, SimulatedEvent
from gateway.local.simulation.scribe import Scribe
from gateway.sealing.generation import Issued, Subject
from gateway.sealing.xmldsig import sign_xml

LONG_BEFORE = timedelta(days=30)
PLAY = timedelta(hours=20)
RATE = 20.0
BATCH_EVENTS = 10
FILERS: Mapping[str, Sequence[Scenario]] = {
    "093": (Scenario.CASINO_WINNINGS,),
    "150": (Scenario.JEWELLERY_PURCHASE,),
    "011": (Scenario.SUSPICIOUS_DEAL, Scenario.LIST_MATCH),
}
MAIN_TEXTS = ("OperationNumber", "AmountCurrencyTenge", "IndividualIssue")


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An entity that may file: BIN, code of `reporting_entity_kinds`, where its certificate lies, and its keys."""

    identifier: str
    kind: str
    certificate: Path
    issued: Issued


@dataclass(frozen=True, slots=True)
class Source:
    """One lane's messages: the same entity (or complex) always, each in its turn."""

    name: str
    make: Callable[[], Sent]


class Cast:
    """All who file in one run, drawn from one seed; `anchor` is the certificate that all others come from."""

    def __init__(self, directory: Path, seed: int, fm1: int, complexes: int) -> None:
        self._random = Random(seed)
        self._authority = ThrowAwayAuthority(directory)
        directory.mkdir(parents=True, exist_ok=True)
        since = datetime.now(UTC) - LONG_BEFORE
        self.anchor = self._authority.make(since).certificate
        kinds = [list(FILERS)[number % len(FILERS)] for number in range(fm1)]
        self.filers = [self._enrol(kind, since) for kind in kinds]
        organiser = self._enrol("093", since)
        self.entities = [*self.filers, organiser]
        owner = Owner(organiser.identifier, organiser.kind, "Casino", organiser.issued)
        houses = list(make_houses([owner], complexes + 1, self._random))
        start = datetime.now(UTC) - PLAY
        course = Course(start, start + PLAY, RATE, BATCH_EVENTS)
        self._scribes = [Scribe(house, course, seed) for house in houses[1:]]
        self.agent_house = houses[0]
        self._agent_scribe = Scribe(self.agent_house, course, seed)
        self.agent_events = (event for event in plain_events(self.agent_house, course, seed))

    def registrations(self) -> list[Sent]:
        """What registers the complexes; it is logged, and told by no record that the oracle reads."""
        scribes = [*self._scribes, self._agent_scribe]
        bodies = [scribe.series.registration(Action.REGISTER, scribe.house.state) for scribe in scribes]
        return [Sent(hashlib.sha256(body).hexdigest(), "", (), body) for body in bodies]

    def sources(self) -> list[Source]:
        """A lane for each filer and each complex."""
        filers = [Source(f"fm1-{number}", self._fm1(filer)) for number, filer in enumerate(self.filers)]
        return [*filers, *(Source(scribe.house.id, _batches(scribe)) for scribe in self._scribes)]

    def _enrol(self, kind: str, since: datetime) -> Enrolled:
        identifier = make_bin(self._random, since.date())
        subject = Subject(common_name=f"Entity {identifier}", bin=identifier, organisation=f"Entity {identifier}")
        own = self._authority.enrol(identifier, subject, since)
        return Enrolled(identifier, kind, own.certificate, own.read())

    def _fm1(self, filer: Enrolled) -> Callable[[], Sent]:
        random = Random(f"{self._random.random()}/{filer.identifier}")
        reporter = Reporter(filer.identifier, filer.kind, f"Entity {filer.identifier}")

        def make() -> Sent:
            scenario = random.choice(FILERS[filer.kind])
            message = build_fm1(scenario, reporter, now=datetime.now(UTC), random=random)
            body = sign_xml(message, filer.issued.key, [filer.issued.certificate])
            digest = hashlib.sha256(body).hexdigest()
            return Sent(digest, filer.identifier, (Item(digest, _texts(message)),), body)

        return make


def item_of(event: SimulatedEvent) -> Item:
    """What must become of an event: its identity, and its main values as JSON texts."""
    marks = tuple(f'"{event[name]}"' for name in ("kind", "unit", "amount") if name in event)
    return Item(str(event["id"]).upper(), marks)


def write_agent_configuration(house: House, directory: Path, spool: Path, url: str) -> Path:
    """The files of an agent of this house, with a Unix socket as its way in; returns the configuration's path."""
    directory.mkdir(parents=True, exist_ok=True)
    owner = house.owner
    for name, pem in (("key", owner.credentials.key), ("certificate", owner.credentials.certificate)):
        path = directory / f"agent.{name}.pem"
        path.write_bytes(pem)
        path.chmod(0o600)
    text = files("gateway.client.agent").joinpath("agent.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[inputs]")
    values = {
        "complex": house.id,
        "owner": owner.identifier,
        "kind": owner.kind,
        "unit": house.units("SERVER")[0].id,
        "url": url,
        "language": "en",
    }
    inputs = '[inputs]\nsocket = "agent.sock"\n\n[log]' + rest.partition("[log]")[2]
    configuration = (head + inputs).format(**values)
    configuration = configuration.replace('directory = "spool"', f'directory = "{spool}"', 1)
    config = directory / "agent.toml"
    config.write_text(configuration, encoding="utf-8")
    return config


def _texts(message: etree._Element) -> tuple[str, ...]:
    found = (message.find(f".//{name}") for name in MAIN_TEXTS)
    return tuple(f'"{element.text}"' for element in found if element is not None and element.text)


def _batches(scribe: Scribe) -> Callable[[], Sent]:
    events: Iterator[SimulatedEvent] = (
        event for turn in scribe.play.turns(scribe.course.end) for event in turn if "original" not in event
    )

    def make() -> Sent:
        taken = list(islice(events, BATCH_EVENTS))
        scribe.series.number(taken)
        batch = scribe.write(taken)
        return Sent(batch.digest, scribe.house.id, tuple(map(item_of, taken)), batch.body)

    return make
