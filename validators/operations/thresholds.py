"""From which sum an operation of Order No. 13 is to be reported, by the edition of the day."""

from dataclasses import dataclass, field
from datetime import date

from codes.editions import CodeBook
from validators.totals import hundredths


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """The thresholds of the kinds of operations, in hundredths of a tenge."""

    book: CodeBook
    _known: dict[tuple[str, date], int | None] = field(default_factory=dict)

    def of(self, operation: str, day: date) -> int | None:
        """The threshold of a code of `operation_kinds` on that day; None where it has none."""
        key = (operation, day)
        if key not in self._known:
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            entry = self.book.on(day).table("operation_kinds").get(operation)
            written = entry.attributes["threshold_tenge"] if entry is not None else ""
            self._known[key] = hundredths(written) if written else None
        return self._known[key]


_MOST_REMEMBERED = 4_096
