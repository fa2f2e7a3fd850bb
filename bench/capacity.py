"""`python -m bench.capacity`: how many of what for how much, from measured figures: the tables of the page on scale.

Every part scales by cores except a ledger: it commits one batch after the other and has one relay and one overseer.
"""

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from bench.pages import RECORDED, read_results

FIGURES = Path(__file__).with_name("capacity.toml")
SCALE = Path(__file__).parents[1] / "docs" / "explanation" / "scale.md"
BEGIN, END = "<!-- capacity -->", "<!-- /capacity -->"
MIB, TIB = 1 << 20, 1 << 40
DAY, YEAR = 86_400, 365
PARTS = ("intake", "relay", "postgres", "kafka", "oversight")


@dataclass(frozen=True)
class Family:
    """What one item costs; `us` are microseconds of CPU, `bytes` are stored or sent; `kept_bytes` are of an entry."""

    title: str
    intake_us: float
    relay_us: float
    postgres_us: float
    kafka_us: float
    oversight_us: float
    wire_bytes: float
    journal_bytes: float
    oversight_bytes: float
    wal_bytes: float
    topic_bytes: float
    items_an_entry: int
    commit_entries: int
    kept_bytes: float

    @property
    def total_us(self) -> float:
        """CPU of one item over all parts."""
        return self.intake_us + self.relay_us + self.postgres_us + self.kafka_us + self.oversight_us


@dataclass(frozen=True)
class Assumed:
    """What is planned with and was not measured."""

    utilisation: float
    peak_to_mean: float
    replicas_kafka: int
    replicas_postgres: int
    partition_mib_s: float
    broker_mib_s: float
    broker_cores: int
    primary_cores: int
    primary_wal_mib_s: float
    ledger_commit_ms: float
    topic_days: int


@dataclass(frozen=True)
class Load:
    """So many items a second at the peak."""

    family: str
    name: str
    rate: float


@dataclass(frozen=True)
class Plan:
    """What a load needs; disk in TiB, network in MiB a second at the peak."""

    intake_cores: int
    ledgers: int
    ledger_wall: str
    primaries: int
    brokers: int
    partitions: int
    entries_a_second: float
    wire_mib_s: float
    wal_mib_s: float
    kafka_mib_s: float
    journal_tib_day: float
    journal_tib_year: float
    topics_tib: float
    kept_tib_year: float


def plan(load: Load, family: Family, assumed: Assumed) -> Plan:
    """The plan for a load: the least that stays within what is assumed of cores, disks and commits."""

    def cores(micros: float) -> float:
        return load.rate * micros / 1e6 / assumed.utilisation

    walls = {
        "the relay's core": cores(family.relay_us),
        "the overseer's core": cores(family.oversight_us),
        "commits, one at a time": load.rate
        / family.items_an_entry
        / (family.commit_entries * 1000 / assumed.ledger_commit_ms),
    }
    wall = max(walls, key=walls.__getitem__)
    wal = load.rate * family.wal_bytes / MIB
    kafka = load.rate * family.topic_bytes / MIB
    mean = load.rate / assumed.peak_to_mean
    stored = mean * (family.journal_bytes + family.oversight_bytes) * assumed.replicas_postgres * DAY / TIB
    by_core = cores(family.postgres_us) / assumed.primary_cores
    return Plan(
        intake_cores=ceil(cores(family.intake_us)),
        ledgers=max(1, ceil(walls[wall])),
        ledger_wall=wall,
        primaries=max(1, ceil(max(by_core, wal / assumed.primary_wal_mib_s))),
        brokers=max(
            3,
            ceil(
                max(
                    cores(family.kafka_us) * assumed.replicas_kafka / assumed.broker_cores,
                    kafka * assumed.replicas_kafka / assumed.broker_mib_s,
                )
            ),
        ),
        partitions=ceil(kafka / assumed.partition_mib_s),
        entries_a_second=load.rate / family.items_an_entry,
        wire_mib_s=load.rate * family.wire_bytes / MIB,
        wal_mib_s=wal,
        kafka_mib_s=kafka * assumed.replicas_kafka,
        journal_tib_day=stored,
        journal_tib_year=stored * YEAR,
        topics_tib=mean * family.topic_bytes * assumed.replicas_kafka * DAY * assumed.topic_days / TIB,
        kept_tib_year=mean / family.items_an_entry * family.kept_bytes * assumed.replicas_postgres * DAY * YEAR / TIB,
    )


def read_figures(path: Path = FIGURES) -> tuple[Mapping[str, Family], Assumed, list[Load]]:
    """The families, what is assumed, and the loads of a file of figures; CPU it does not tell is the recorded run's."""
    data, measures = tomllib.loads(path.read_text(encoding="utf-8")), read_results(RECORDED)["measures"]
    families = {}
    for name in ("fm1", "gaming"):
        spent = measures[name]["facts"]["cpu_us_by_part"]
        families[name] = Family(**{f"{part}_us": spent[part] for part in PARTS} | data[name])
    return families, Assumed(**data["assumed"]), [Load(**load) for load in data["loads"]]


def tables(path: Path = FIGURES) -> str:
    """The tables as Markdown."""
    families, assumed, loads = read_figures(path)
    plans = [plan(load, families[load.family], assumed) for load in loads]
    heads = [f"{load.name}: {_number(load.rate)}/s" for load in loads]
    rows = {
        "item": [families[load.family].title for load in loads],
        "CPU an item, all parts": [f"{_number(families[load.family].total_us)} µs" for load in loads],
        "entries of the log a second": [_number(each.entries_a_second) for each in plans],
        "intake with its judges, cores": [_number(each.intake_cores) for each in plans],
        "ledgers, each with a relay and an overseer": [f"{each.ledgers} ({each.ledger_wall})" for each in plans],
        f"PostgreSQL primaries of {assumed.primary_cores} cores": [_number(each.primaries) for each in plans],
        f"Kafka brokers of {assumed.broker_cores} cores": [_number(each.brokers) for each in plans],
        "Kafka partitions at least": [_number(each.partitions) for each in plans],
        "network in, MiB/s": [_number(each.wire_mib_s) for each in plans],
        "WAL to the standbys, MiB/s": [_number(each.wal_mib_s) for each in plans],
        f"Kafka with {assumed.replicas_kafka} copies, MiB/s": [_number(each.kafka_mib_s) for each in plans],
        f"PostgreSQL with {assumed.replicas_postgres} copies, a day": [
            f"{each.journal_tib_day:.2f} TiB" for each in plans
        ],
        "the same a year, if nothing were archived": [f"{_number(each.journal_tib_year)} TiB" for each in plans],
        "receipts and keys, which stay after archiving, a year": [
            f"{_number(each.kept_tib_year)} TiB" for each in plans
        ],
        f"topics over {assumed.topic_days} days": [f"{_number(each.topics_tib)} TiB" for each in plans],
    }
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in rows.items()]
    return "\n".join(lines) + "\n"


def with_tables(page: str) -> str:
    """A page with the tables between its marks as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


def write_scale() -> None:
    """Puts the tables into the page on scale."""
    SCALE.write_text(with_tables(SCALE.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.capacity", description=__doc__)
    parser.add_argument("--figures", type=Path, default=FIGURES, help="another file of figures")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/explanation/scale.md")
    chosen = parser.parse_args()
    if chosen.write:
        write_scale()
    else:
        print(tables(chosen.figures), end="")


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


if __name__ == "__main__":
    main()
