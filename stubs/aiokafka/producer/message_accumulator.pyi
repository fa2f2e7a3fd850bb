from collections.abc import Sequence

class Appended:
    @property
    def size(self) -> int: ...

class BatchBuilder:
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = ...,
    ) -> Appended | None: ...
