"""The witness: another process, another key, that co-signs only what extends all it saw before."""

from gateway.witness.asking import GatewayOverHttp
from gateway.witness.memory import Memory, Seen
from gateway.witness.watching import Alarm, Witness

__all__ = ["Alarm", "GatewayOverHttp", "Memory", "Seen", "Witness"]
