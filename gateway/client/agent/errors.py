"""Why the agent can't go on, or can't take an event."""

from gateway.errors import GatewayError, Unavailable


class SpoolFull(Unavailable):
    """The spool has reached its limit: nothing new is taken until the gateway has received some of it."""

    code = "agent-spool-full"


class SpoolFails(GatewayError):
    """The spool can't be read or written."""

    code = "agent-spool"


class AlreadyRunning(GatewayError):
    """Another agent works on this spool."""

    code = "agent-running"
