"""The garbage collector of a process that serves for months."""

import gc

_LOOKS_AT = 20_000


def calm_collector() -> None:
    """Lets the garbage collector look at what work leaves behind alone, and less often; called once all is loaded.

    What was loaded so far stays: no later collection need walk over the schemas and code tables. A message makes
    thousands of containers that all die with it, by reference counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOKS_AT, 20, 20)
