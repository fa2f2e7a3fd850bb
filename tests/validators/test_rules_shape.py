"""What the rules read and what the annex names are the same elements."""

from collections.abc import Iterator

from codes.editions import load_codebook
from tests.support.fm1 import fm1_rules
from validators.fm1.reading import Shape

SIGNED = "/ExportData/SignedData"


def _paths(shape: Shape, path: str) -> Iterator[str]:
    if shape.attribute is not None:
        yield f"{path}/@{shape.attribute}"
    for tag, below in shape.children.items():
        yield f"{path}/{tag}"
        yield from _paths(below, f"{path}/{tag}")


def _annex() -> set[str]:
    rows = list(load_codebook().edition("2025-07-10").table("xml_tags"))
    paths = {row.key[1] for row in rows if row.key[0] in ("all", "doc")}
    address = {row.key[1] for row in rows if row.key[0] == "type:Address"}
    addressed = {path for path in paths if path.endswith(("/URAddress", "/ACAddress"))}
    whole = paths | {f"{path}/{inner}" for path in addressed for inner in address}
    steps = {path.rpartition("/")[0] for path in whole if "/@" in path}
    return {path for path in whole | steps if path != f"{SIGNED}/Signature"}


def test_the_rules_read_every_element_and_attribute_of_the_annex_and_no_other() -> None:
    read = set(_paths(fm1_rules().shape, "/ExportData"))
    annex = _annex()
    wrappers = {SIGNED, f"{SIGNED}/Data", f"{SIGNED}/Data/Root"}
    assert read - annex == wrappers
    assert annex - read == set()
