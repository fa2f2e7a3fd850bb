"""Work in a thread of its own: whatever libxml2 remembers of it for as long as the thread lives is then forgotten."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What the work gives, or raises, done in a thread that is thrown away afterwards.

    libxml2 never forgets a name that it has met: lxml keeps one table of names a thread, for as long as the thread
    lives. XML with names of a stranger's choice is parsed here.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - handed to the thread that asked
            errors.append(error)

    thread = threading.Thread(target=run, name="parse-apart")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
