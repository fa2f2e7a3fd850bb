"""How an agent stands: from its spool alone, and from the gateway where that answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.client.agent.agent import is_running
from gateway.client.agent.disk import LOUD, Disk
from gateway.client.agent.position import fetch_position
from gateway.client.agent.settings import AgentSettings
from gateway.client.agent.spool import Spool, read_spool
from gateway.client.filing import NotDelivered
from gateway.client.reading import NotAnswered, NotThere, Reader

MOST_PAGES = 100
OLD_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Standing:
    """What `gateway agent status` says; `offline` is why the gateway did not tell, or empty."""

    complex: str
    running: bool
    last_event: int
    last_batch: int
    queued: int
    oldest_unsent_seconds: int | None
    last_receipt: Mapping[str, Any] | None
    disk_percent: int
    disk_used: int
    disk_limit: int
    halted: Mapping[str, Any] | None
    offline: str = ""
    registered: bool = True
    open_tickets: tuple[Mapping[str, Any], ...] = ()
    obligations: tuple[Mapping[str, Any], ...] = ()

    @property
    def needs_somebody(self) -> bool:
        """True when a person should look: stopped, nearly full, behind by an hour, unknown, or an FM-1 is overdue."""
        return bool(
            self.halted
            or not self.registered
            or self.disk_percent >= LOUD * 100
            or (self.oldest_unsent_seconds or 0) > OLD_SECONDS
            or any(obligation.get("overdue") for obligation in self.obligations)
        )

    def facts(self) -> dict[str, Any]:
        """The same for machines."""
        return asdict(self)


def standing_of(settings: AgentSettings, now: datetime) -> Standing:
    """What the spool tells."""

    def look(spool: Spool) -> Standing:
        head, (queued, oldest), answered = spool.head(), spool.unsent(), spool.last_answered()
        used = spool.used()
        return Standing(
            complex=head.complex,
            running=is_running(settings.spool),
            last_event=head.last_event,
            last_batch=head.last_batch,
            queued=queued,
            oldest_unsent_seconds=None if oldest is None else int(now.timestamp() - oldest / 1000),
            last_receipt=None if answered is None else _receipt(*answered),
            disk_percent=int(Disk(settings.spool, settings.limit_bytes).share(used) * 100),
            disk_used=used,
            disk_limit=settings.limit_bytes,
            halted=None if head.halt is None else asdict(head.halt),
        )

    return read_spool(settings.spool, settings.complex, look)


async def gateways_view(reader: Reader, complex_id: str) -> dict[str, Any]:
    """The members of a Standing that only the gateway knows."""
    try:
        position = await fetch_position(reader, complex_id)
        return {"open_tickets": position.open_tickets, "obligations": await _obligations(reader)}
    except NotThere:
        return {"registered": False}
    except (NotDelivered, NotAnswered) as error:
        return {"offline": str(error)}


async def _obligations(reader: Reader) -> tuple[Mapping[str, Any], ...]:
    rows: list[Mapping[str, Any]] = []
    following = "/v1/obligations?state=open"
    for _page in range(MOST_PAGES):
        page = await reader.get(following)
        rows += page.get("obligations", ())
        if not page.get("next"):
            break
        following = str(page["next"])
    return tuple(rows)


def _receipt(number: int, digest: str, at: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "batch": number,
        "sha256": digest,
        "id": facts.get("id"),
        "verdict": facts.get("verdict"),
        "received_at": facts.get("received_at"),
        "kept_at": datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"),
    }
