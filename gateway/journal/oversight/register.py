"""The registered complexes at hand: looked at without waiting, no older than a moment."""

from gateway.journal.copies import FollowingCopy
from gateway.journal.oversight.reading import OversightReader
from validators.gaming.model import Complex


class ComplexRegister(FollowingCopy):
    """A copy of the register of complexes."""

    name = "register"

    def __init__(self, reader: OversightReader, seconds: float = 0.25) -> None:
        super().__init__(seconds)
        self._reader = reader
        self._version = 0
        self._complexes: dict[str, Complex] = {}

    def complex_of(self, complex_id: str) -> Complex | None:
        """The complex as the copy has it, whoever owns it."""
        return self._complexes.get(complex_id)

    async def complex_anew(self, sender: str, complex_id: str) -> Complex | None:
        """The same once everything that the sender filed before this call was overseen.

        Raises Unavailable where oversight does not keep up.
        """
        await self._reader.caught_up(sender)
        await self.refresh()
        return self.complex_of(complex_id)

    async def refresh(self) -> None:
        """Takes up what changed. Raises Unavailable."""
        version = await self._reader.version()
        if version != self._version:
            for one in await self._reader.complexes_since(self._version):
                self._complexes[one.id] = one
            self._version = version
