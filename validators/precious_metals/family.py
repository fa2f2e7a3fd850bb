"""The precious metals family among the families of messages."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from codes.editions import CodeBook, Edition
from validators.operations.family import Reports
from validators.operations.judging import Judging
from validators.operations.parameters import Parameters, read_sections
from validators.precious_metals.articles import Tolerance
from validators.precious_metals.rules import metals_grammar

REPORT: Final = "MetalsReport"


class PreciousMetals(Reports):
    """What dealers in precious metals, stones and jewellery send."""

    def rules(self, codes: Edition, parameters: Path, book: CodeBook) -> Judging:
        """The rules with those tables and parameters, and the thresholds of Order No. 13 in that book."""
        sections = read_sections(parameters)
        metals = sections["metals"]
        tolerance = Tolerance(Decimal(metals["pure_grams_tolerance"]), Decimal(metals["pure_thousandths_tolerance"]))
        return Judging(Parameters.of(sections), metals_grammar(codes, book, tolerance), REPORT)


FAMILY = PreciousMetals(REPORT)
