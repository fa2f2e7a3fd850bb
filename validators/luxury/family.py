"""The luxury family among the families of messages."""

from pathlib import Path
from typing import Final

from codes.editions import CodeBook, Edition
from validators.luxury.rules import luxury_grammar
from validators.operations.family import Reports
from validators.operations.judging import Judging
from validators.operations.parameters import Parameters, read_sections

REPORT: Final = "LuxuryReport"


class Luxury(Reports):
    """What those who deal in luxury goods send."""

    def rules(self, codes: Edition, parameters: Path, _book: CodeBook) -> Judging:
        """The rules with those tables and parameters."""
        return Judging(Parameters.of(read_sections(parameters)), luxury_grammar(codes), REPORT)


FAMILY = Luxury(REPORT)
