"""Messages that are numbered 1, 2, 3 ... by their source: what is found when a number comes twice."""

from typing import Final

from validators.catalogue import found
from validators.model import Finding, Judgement

FORK: Final = "SER-001"
"""The finding of a message whose number was taken by another one."""


def fork_finding(judgement: Judgement) -> Finding:
    """That an accepted message has this number in this series, and other bytes."""
    series = judgement.series
    parameters = {"series": series.name, "number": str(series.number)} if series is not None else {}
    return found(FORK, "/ExportData/SignedData/Data/Root", parameters=parameters)
