"""An XLSX file as an archive that is looked at before anything in it is read: no macros, no links, no bombs."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zlib import error as ZlibError  # noqa: N812 - an exception by its role

from lxml import etree

from gateway.client.sheets.model import SheetLimits, over, refused

CHUNK: Final = 64 * 1024
CONTENT_TYPES: Final = "[Content_Types].xml"
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0"
_MACROS: Final = ("vbaproject.bin", "vbadata.xml", "vbaprojectsignature.bin")
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """The parts of an XLSX file, each in bounds; made by `open_archive`."""

    def __init__(self, packed: zipfile.ZipFile, file: str, limits: SheetLimits) -> None:
        self._packed = packed
        self._file = file
        self._limits = limits
        self._names = {name.lstrip("/").lower(): name for name in packed.namelist()}

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._names

    def chunks(self, part: str) -> Iterator[bytes]:
        """The bytes of a part in pieces; none where there is no such part."""
        name = self._names.get(part.lower())
        if name is None:
            return
        try:
            with self._packed.open(name) as stream:
                while piece := stream.read(CHUNK):
                    yield piece
        except (zipfile.BadZipFile, ZlibError, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise refused("SHT-005", self._file, {"part": part}) from error

    def tree(self, part: str) -> etree._Element | None:
        """A small part as a tree; None where there is no such part."""
        whole = b""
        for piece in self.chunks(part):
            whole += piece
            if len(whole) > self._limits.part:
                raise over("part", self._limits.part, self._file)
        if not whole:
            return None
        try:
            root = etree.fromstring(whole, _parser())
        except (etree.XMLSyntaxError, LookupError) as error:
            raise refused("SHT-005", self._file, {"part": part}) from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise refused("SHT-005", self._file, {"part": part})
        return root


def _parser() -> etree.XMLParser:
    """A parser of elements alone: comments and instructions are nowhere asked for."""
    return etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)


@contextmanager
def open_archive(path: Path, limits: SheetLimits) -> Iterator[Archive]:
    """The parts of the file; raises SheetRefused for what is no XLSX, has macros or links, or is too large."""
    if path.stat().st_size > limits.file:
        raise over("file", limits.file, path.name)
    with path.open("rb") as file:
        if file.read(len(_OLD_OFFICE)) == _OLD_OFFICE:
            raise refused("SHT-001", path.name)
        file.seek(0)
        try:
            packed = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise refused("SHT-001", path.name) from error
        with packed:
            _check(packed, path.name, limits)
            yield Archive(packed, path.name, limits)


def _check(packed: zipfile.ZipFile, file: str, limits: SheetLimits) -> None:
    infos = packed.infolist()
    if len(infos) > limits.parts:
        raise over("parts", limits.parts, file)
    if sum(info.file_size for info in infos) > limits.unpacked:
        raise over("unpacked", limits.unpacked, file)
    names = [info.filename.lstrip("/").lower() for info in infos]
    if len(set(names)) != len(names) or any(info.flag_bits & 1 or info.compress_type not in _PACKED for info in infos):
        raise refused("SHT-005", file, {"part": "zip"})
    if any(name.endswith(_MACROS) for name in names):
        raise refused("SHT-002", file)
    if any("externallinks/" in name for name in names):
        raise refused("SHT-003", file)
    if CONTENT_TYPES.lower() not in names:
        raise refused("SHT-001", file)
