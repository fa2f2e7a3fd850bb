"""What the gateway's processes hold in memory at rest and under full load."""

from bench.model import LESS, Figure, Outcome
from bench.observing import peak_of
from bench.workshop import Workshop


def measure(workshop: Workshop) -> Outcome:
    """Resident MB: the largest process of each part at rest, and the most that any held while FM-1s were filed."""
    _, stage = workshop.fm1()
    pids = stage.stack.status().pids
    workshop.tell("memory: under full load")
    with peak_of(pids["intake"]) as intake, peak_of(pids["relay"]) as relay:
        workshop.file(workshop.plan.messages)
    return Outcome(
        (
            Figure("memory.rest", "MB a process", (stage.at_rest["intake"],), better=LESS),
            Figure("memory.load", "MB a process", (intake.mb,), better=LESS),
            Figure("memory.relay", "MB a process", (relay.mb,), better=LESS),
        ),
        {"at_rest_by_part": dict(stage.at_rest), "intake_processes": len(pids["intake"])},
    )
