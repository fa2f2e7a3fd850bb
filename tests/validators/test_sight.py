"""The first look at a message that all families share."""

import pytest

from validators.parsing import parse
from validators.schemas import message_type_of
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


WHOLE = "<Root><Version/><PersonalData/><MessageInformation/><Participants/></Root>"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (f"<Data>{WHOLE}</Data>", True),
        (f"<Sender/><Data>{WHOLE.replace('Root', 'Rot')}</Data>", True),
        (f"<Data>{WHOLE}{WHOLE}</Data>", False),
        (f"<Data>{WHOLE}{OTHER}</Data>", False),
        (f"<Data>{WHOLE}</Data><Data><Code/></Data>", False),
        (f"<Data>{FM1}</Data>", False),
        (WHOLE, False),
    ],
)
def test_a_message_that_is_one_whole_fm1_and_nothing_else_is_told_at_once(data: str, whole: bool) -> None:  # noqa: FBT001
    root = parse(f"<ExportData><SignedData>{data}</SignedData></ExportData>".encode()).root
    sight = sight_of(root)
    assert sight.is_whole is whole
    if whole:
        assert (sight.is_fm1, sight.last, message_type_of(root)) == (True, None, "doc")
