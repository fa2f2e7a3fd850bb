"""The accepted items of a long message, on disk from when they are judged until they are told."""

from collections.abc import Iterator, Sequence
from typing import IO

import zstandard

from gateway.judging.examination import item_contents
from gateway.judging.frames import Kind, packed, segment_parts
from gateway.judging.settings import LargeSettings
from gateway.model import Item

LEVEL = 1
"""As quick as zstd goes: the file is gone in minutes."""


class Kept:
    """A `validators.long_judging.Keeper`: items in a file of their own, as the frames in which they will be told.

    Contents come in segments, as the settings say. Every method raises OSError where the disk is full or gone.
    """

    def __init__(self, file: IO[bytes], settings: LargeSettings) -> None:
        self._file = file
        self._settings = settings
        self._frames: zstandard.ZstdCompressionWriter | None = None
        self._forget()

    def begin(self) -> None:
        """Forgets what came: items come from the first one on."""
        self._file.seek(0)
        self._file.truncate()
        self._frames = zstandard.ZstdCompressor(level=LEVEL).stream_writer(self._file, closefd=False)
        self._forget()

    def take(self, items: Sequence[Item]) -> None:
        """The next accepted items."""
        for item, content in zip(items, item_contents(items), strict=True):
            self._items.append(item)
            self._contents.append(content)
            self._weight += len(content)
            if len(self._items) == self._settings.segment_items or self._weight >= self._settings.segment_bytes:
                self._write()

    def frames(self) -> Iterator[bytes]:
        """The bytes of all frames, an empty one at the end."""
        if self._items:
            self._write()
        self._write().flush(zstandard.FLUSH_FRAME)
        self._file.seek(0)
        yield from zstandard.ZstdDecompressor().read_to_iter(self._file)

    def _write(self) -> zstandard.ZstdCompressionWriter:
        if self._frames is None:
            raise AssertionError("nothing was judged yet")
        parts = segment_parts([one.number for one in self._items], [one.key for one in self._items], self._contents)
        for piece in packed(Kind.SEGMENT, 0, parts):
            self._frames.write(piece)
        self._forget()
        return self._frames

    def _forget(self) -> None:
        self._items: list[Item] = []
        self._contents: list[bytes] = []
        self._weight = 0
