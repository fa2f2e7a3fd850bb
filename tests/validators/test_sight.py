"""The first look at a message that all families share."""

import pytest

from validators.parsing import parse
from validators.sight import sight_of

FM1 = "<Root><MessageInformation/><GamingBatch/></Root>"
OTHER = "<Root><PersonalData/><GamingBatch/></Root>"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (f"<Data>{FM1}</Data>", (True, None)),
        (f"<Data>{OTHER}</Data>", (False, "GamingBatch")),
        (f"<Data>{FM1}{OTHER}</Data>", (True, "GamingBatch")),
        (f"<Date>{FM1.replace('Root', 'Rot')}</Date>", (True, None)),
        ("<Data><Root/></Data>", (False, None)),
        ('<Data><Root><GamingBatch xmlns="urn:x"/></Root></Data>', (False, "{urn:x}GamingBatch")),
        ("", (False, None)),
    ],
)
def test_a_message_shows_blocks_of_fm1_and_the_last_block_of_any_other_root(
    data: str, shown: tuple[bool, str | None]
) -> None:
    sight = sight_of(parse(f"<ExportData><SignedData>{data}</SignedData></ExportData>".encode()).root)
    assert (sight.is_fm1, sight.last) == shown
