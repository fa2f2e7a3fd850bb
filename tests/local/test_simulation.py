"""Simulated houses: the same for the same seed, true to themselves, and with exactly the faults that they tell."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.client.amounts import in_tiyn
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.simulation.houses import KINDS, make_houses, make_owners
from gateway.local.simulation.model import Account, Course, Fault, House, Owner, Post, SimulatedEvent, Step
from gateway.local.simulation.plan import plan_faults
from gateway.local.simulation.play import Play, cut
from gateway.local.simulation.simulation import Simulation, Wish, told
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_signature
from validators.gaming.model import NO_BATCH
from validators.identifiers import check_digit
from validators.parsing import parse

START = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
seeds = st.integers(0, 2**32)
kinds = st.sampled_from(sorted(KINDS))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("owners")


@pytest.fixture(scope="module")
def owners(place: Path) -> list[Owner]:
    return make_owners(place, Random(1), START)


@pytest.fixture(scope="module")
def trust(owners: list[Owner], place: Path) -> TrustStore:
    assert owners
    return TrustStore([ThrowAwayAuthority(place).own.read().certificate])


def house_of(owners: list[Owner], kind: str, seed: int) -> House:
    return next(make_houses([owner for owner in owners if owner.kind == kind], 1, Random(seed)))


def played(house: House, seed: int, minutes: float = 2, rate: float = 10) -> list[SimulatedEvent]:
    turns = Play(house, Random(seed), START, rate).turns(START + timedelta(minutes=minutes))
    return [event for turn in turns for event in turn]


def simulated(owners: list[Owner], seed: int = 7, faults: frozenset[Fault] = frozenset(Fault)) -> Simulation:
    course = Course(START, START + timedelta(seconds=60), 20, 30)
    return Simulation(owners, Wish(10, seed, course, faults))


@settings(max_examples=20, deadline=None)
@given(seeds, kinds)
def test_the_same_seed_plays_the_same(owners: list[Owner], seed: int, kind: str) -> None:
    house = house_of(owners, kind, seed)
    assert played(house, seed, 0.5) == played(house, seed, 0.5)


@settings(max_examples=20, deadline=None)
@given(seeds, kinds)
def test_times_grow_and_units_are_those_of_the_house(owners: list[Owner], seed: int, kind: str) -> None:
    house = house_of(owners, kind, seed)
    events = played(house, seed)
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    assert {event["unit"] for event in events} <= {unit.id for unit in house.state.units}
    assert len({event["id"] for event in events}) == len(events)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["093", "094"]))
def test_meters_add_up_with_the_events_between_two_snapshots(owners: list[Owner], seed: int, kind: str) -> None:
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    before: dict[str, Counter[str]] = {}
    compared = 0
    for event in played(house_of(owners, kind, seed), seed):
        unit = event["unit"]
        match event["kind"]:
            case "MACHINE-GAMES":
                moved[unit] += Counter(
                    coin_in=int(event["stakes"]), coin_out=int(event["winnings"]), games=event["games"]
                )
            case "JACKPOT":
                moved[unit]["jackpots"] += int(event["amount"])
            case "HAND-PAY":
                moved[unit]["hand_pays"] += int(event["amount"])
            case "DESK-DROP" if unit.startswith("MACHINE"):
                moved[unit]["drop"] += int(event["amount"])
            case "METERS":
                now = Counter({name: event[name] for name in METERS})
                if unit in before:
                    assert now == before[unit] + moved[unit]
                    compared += 1
                before[unit], moved[unit] = now, Counter()
    assert compared > 10


METERS = ("coin_in", "coin_out", "jackpots", "hand_pays", "drop", "games")


@settings(max_examples=10, deadline=None)
@given(seeds, kinds)
def test_players_are_known_old_enough_and_win_too_little_for_an_fm1(owners: list[Owner], seed: int, kind: str) -> None:
    won: Counter[str] = Counter()
    for event in played(house_of(owners, kind, seed), seed):
        match event.get("player_kind"):
            case "IIN":
                assert check_digit(event["player"][:11]) == int(event["player"][11])
                assert event["player"].startswith(date.fromisoformat(event["birth_date"]).strftime("%y%m%d"))
            case "FOREIGN":
                assert event["document"]
                assert event["country"]
            case _:
                assert not event.keys() & {"player", "document", "birth_date", "country"}
        if "birth_date" in event:
            assert date.fromisoformat(event["birth_date"]) < date(START.year - 21, START.month, START.day)
        if event["kind"] in {"CASH-OUT", "HAND-PAY", "BET-SETTLED", "BET-CASHED-OUT", "LOTTERY-PAID"}:
            won[event.get("player") or event["document"]] += int(event["amount"])
    assert max(won.values()) < 1_000_000


def test_desks_and_tables_are_handed_over_each_shift(owners: list[Owner]) -> None:
    events = played(house_of(owners, "093", 5), 5, minutes=20 * 60, rate=0.02)
    openings = Counter(event["unit"] for event in events if event["kind"] == "DESK-OPENING")
    closings = Counter(event["unit"] for event in events if event["kind"] == "DESK-CLOSING")
    assert openings == closings
    assert set(openings.values()) == {3}


def test_a_batch_holds_whole_turns(owners: list[Owner]) -> None:
    turns = list(Play(house_of(owners, "093", 3), Random(3), START, 20).turns(START + timedelta(minutes=1)))
    batches = list(cut(turns, 25))
    assert [event for batch in batches for event in batch] == [event for turn in turns for event in turn]
    assert all(len(batch) >= 25 for batch in batches[:-1])
    assert all("original" not in batch[0] for batch in batches)


def test_every_fault_that_is_asked_for_is_injected_and_told(owners: list[Owner]) -> None:
    simulation = simulated(owners)
    taken(simulation)
    counts = Counter(injected.fault for injected in simulation.account().injected)
    assert counts == {fault: 1 if fault in {Fault.SILENCE, Fault.LYING_TOTALS} else 2 for fault in Fault}


def test_without_faults_nothing_is_expected_and_every_batch_continues_the_last(owners: list[Owner]) -> None:
    simulation = simulated(owners, faults=frozenset())
    for script in simulation.scripts:
        number, last, head = 0, 0, NO_BATCH
        for post in posts(script.steps()):
            if not post.what.startswith("batch "):
                continue
            batch = etree.fromstring(post.body).find("SignedData/Data/Root/GamingBatch")
            assert batch is not None
            assert batch.findtext("BatchSequence") == str(number + 1)
            assert batch.findtext("PreviousBatchHash") == head
            sequences = [int(event.get("Sequence", "")) for event in batch.iterfind("Events/Event")]
            assert sequences == list(range(last + 1, last + 1 + len(sequences)))
            number, last, head = number + 1, sequences[-1], hashlib.sha256(post.body).hexdigest()
    account = simulation.account()
    assert told(account) == told(Account())


def test_the_account_counts_each_event_that_was_sent_once(owners: list[Owner]) -> None:
    simulation = simulated(owners)
    sent = {
        (post.complex, int(event.get("Sequence", "")), event.get("Id"))
        for post in taken(simulation)
        if post.what.startswith("batch ") and post.expected == 201
        for event in etree.fromstring(post.body).iter("Event")
    }
    account = simulation.account()
    accepted = {(place[0], place[2], event["id"]) for place, event in account.accepted.items()}
    refused = {(row.complex, row.sequence) for row in account.refused}
    assert accepted | {row for row in sent if row[:2] in refused} == sent
    assert len(accepted) + len(refused) == len(sent)


def test_figures_of_the_day_are_those_of_the_accepted_events(owners: list[Owner]) -> None:
    simulation = simulated(owners, faults=frozenset({Fault.BAD_EVENT, Fault.DELAY, Fault.OVERLAP}))
    told_counts: Counter[tuple[str, str, str]] = Counter()
    told_sums: Counter[tuple[str, str, str]] = Counter()
    for post in taken(simulation):
        for figure in etree.fromstring(post.body).iter("Figure"):
            key = (post.complex, figure.get("Unit", ""), figure.get("Kind", ""))
            told_counts[key] += int(figure.get("Count", ""))
            told_sums[key] += in_tiyn(figure.get("Amount", ""))
    own_counts: Counter[tuple[str, str, str]] = Counter()
    own_sums: Counter[tuple[str, str, str]] = Counter()
    for (house, _batch, _sequence), event in simulation.account().accepted.items():
        key = (house, event["unit"], event["kind"])
        own_counts[key] += 1
        own_sums[key] += in_tiyn(event.get("amount", "0"))
    assert told_counts == own_counts
    assert told_sums == own_sums


def test_only_a_bad_signature_does_not_verify(owners: list[Owner], trust: TrustStore) -> None:
    simulation = simulated(owners)
    for post in taken(simulation):
        if post.expected != 401:
            verify_signature(parse(post.body).root, trust, START)
            continue
        with pytest.raises(SignatureRefused, match="digest"):
            verify_signature(parse(post.body).root, trust, START)


def test_the_same_seed_injects_the_same(owners: list[Owner]) -> None:
    first, second = simulated(owners), simulated(owners)
    taken(first)
    taken(second)
    assert without_hashes(first.account()) == without_hashes(second.account())
    assert first.account().accepted == second.account().accepted


def test_two_faults_never_meet_and_a_held_batch_is_overtaken(owners: list[Owner]) -> None:
    houses = list(make_houses(owners, 10, Random(5)))
    for plan in plan_faults(houses, list(Fault), 30, 9, Random(6)).values():
        numbers = sorted(plan.batches)
        assert all(later - earlier >= 3 for earlier, later in pairwise(numbers))
        assert all(2 <= number < 27 for number in numbers)


def posts(steps: Iterator[Step]) -> Iterator[Post]:
    return (step for step in steps if isinstance(step, Post))


def taken(simulation: Simulation) -> list[Post]:
    return [post for script in simulation.scripts for post in posts(script.steps())]


def without_hashes(account: Account) -> object:
    facts = told(account)
    for row in facts["injected"]:
        row["detail"].pop("sha256", None)
    return facts
