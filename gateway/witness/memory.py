"""What a witness saw last of each ledger, in one small file of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.sealing.generation import write_private


@dataclass(frozen=True, slots=True)
class Seen:
    """The furthest checkpoint of a ledger that was co-signed, its chain value, and the co-signature.

    `told` is False until the gateway has taken the co-signature.
    """

    seq: int
    chain: bytes
    jws: str
    told: bool = False


class Memory:
    """The file: read at once, written whole, on disk before anybody hears of it.

    It is the one thing that a witness must not lose: with an empty one it would believe any history.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Mapping[int, Seen]:
        """What was seen of each ledger; nothing where there is no file. Raises ConfigurationError for garbage."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {int(ledger): _seen(facts) for ledger, facts in content["ledgers"].items()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(f"{self._path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{self._path} is no memory of a witness; bring it back from a copy, and never begin with an empty one"
            ) from error

    def write(self, ledger: int, seen: Seen) -> None:
        """Remembers what was seen of a ledger."""
        ledgers = {**self.read(), ledger: seen}
        content = {"ledgers": {str(number): _facts(facts) for number, facts in sorted(ledgers.items())}}
        write_private(self._path, json.dumps(content, indent=1).encode())


def _seen(facts: Mapping[str, object]) -> Seen:
    seq, chain, jws, told = facts["seq"], facts["chain"], facts["jws"], facts["told"]
    if not isinstance(seq, int) or not isinstance(chain, str) or not isinstance(jws, str) or not isinstance(told, bool):
        raise TypeError("seen")
    return Seen(seq, bytes.fromhex(chain), jws, told)


def _facts(seen: Seen) -> dict[str, object]:
    return {"seq": seen.seq, "chain": seen.chain.hex(), "jws": seen.jws, "told": seen.told}
