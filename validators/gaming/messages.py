"""The messages of the gaming family by their names; no XML is read here, so that whoever reads none can know them."""

from typing import Final

BATCH: Final = "GamingBatch"
END_OF_DAY: Final = "EndOfDay"
REGISTRATION: Final = "ComplexRegistration"
REPAIR: Final = "ChainRepair"
MESSAGES: Final = (BATCH, END_OF_DAY, REGISTRATION, REPAIR)
REGISTER: Final = "REGISTER"
BY_REGISTER: Final = frozenset({"GAM-001", "GAM-002", "GAM-003", "GAM-010", "GAM-011", "GAM-023", "GAM-024", "GAM-035"})
"""The findings that the register of complexes leads to: a newer state of it may not."""
