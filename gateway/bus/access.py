"""Who may do what in Kafka: the access lists that follow from the declaration, held against the broker's."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest
from aiokafka.protocol.api import Request

from gateway.bus.cluster import REQUEST_MS
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.declaration import Role, TopicTable, load_topics
from gateway.bus.errors import KafkaRefused, KafkaUnavailable, kafka_errors
from gateway.bus.reaching import reaching

SECURITY_DISABLED = 54
ANY = 1
MATCH_ANY = 1
ALLOW = 3
EVERYWHERE = "*"
SETTLE_SECONDS = 15.0
SETTLE_PAUSE = 0.02


class Resource(IntEnum):
    """Kinds of things that Kafka guards."""

    TOPIC = 2
    GROUP = 3
    TRANSACTION = 5


class Pattern(IntEnum):
    """How a rule names its resource."""

    EXACT = 3
    BEGINNING = 4


class Operation(IntEnum):
    """What is allowed; each of these two allows to describe as well."""

    READ = 3
    WRITE = 4


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One line of Kafka's access list, as numbers where Kafka has numbers: what is not allowed by one is refused."""

    principal: str
    resource: int
    pattern: int
    name: str
    operation: int
    permission: int = ALLOW
    host: str = EVERYWHERE

    def __str__(self) -> str:
        permission = "may" if self.permission == ALLOW else "may not"
        star = "*" if self.pattern == Pattern.BEGINNING else ""
        return (
            f"{self.principal} {permission} {_word(Operation, self.operation)} "
            f"{_word(Resource, self.resource)} {self.name}{star}"
        )


@dataclass(frozen=True, slots=True)
class AccessChange:
    """A rule that is added (`granted`) or taken away."""

    rule: Rule
    granted: bool

    def __str__(self) -> str:
        return f"{'granted' if self.granted else 'revoked'}: {self.rule}"


class AccessUnguarded(KafkaRefused):
    """The broker keeps no access lists: everybody may do everything there."""

    code = "kafka-unguarded"


def declared_rules(table: TopicTable) -> frozenset[Rule]:
    """The rules that the declaration asks for."""
    return frozenset(rule for role in table.roles.values() for rule in _rules_of(role, table))


async def apply_access(
    bootstrap: Bootstrap, table: TopicTable | None = None, *, dry_run: bool = False
) -> tuple[AccessChange, ...]:
    """Makes the access lists those that are declared, and tells what was changed, or would be with `dry_run`.

    Rules that are not declared are taken away where they allow anything to a declared role's principal, or anybody
    anything about a declared topic, or within a declared role's groups and transactions. All others, and those that
    forbid, are left. Raises AccessUnguarded when the broker keeps no lists,
    KafkaRefused when it does not let this client change them, KafkaUnavailable.
    """
    table = table or load_topics()
    wanted = declared_rules(table)
    async with _administration(bootstrap) as administration:
        there = await administration.rules()
        excess = {rule for rule in there - wanted if _opens(rule, table)}
        added = sorted(wanted - there)
        changes = [AccessChange(rule, granted=True) for rule in added]
        changes += [AccessChange(rule, granted=False) for rule in sorted(excess)]
        if changes and not dry_run:
            await administration.add(added)
            await administration.remove(sorted(excess))
            await _settle(administration, wanted, excess)
    return tuple(changes)


def _rules_of(role: Role, table: TopicTable) -> Iterator[Rule]:
    for principal in role.principals:
        for topic in table.topics.values():
            if role.name in topic.readers:
                yield Rule(principal, Resource.TOPIC, Pattern.EXACT, topic.name, Operation.READ)
            if role.name in topic.writers:
                yield Rule(principal, Resource.TOPIC, Pattern.EXACT, topic.name, Operation.WRITE)
        if role.groups is not None:
            yield Rule(principal, Resource.GROUP, Pattern.BEGINNING, role.groups, Operation.READ)
        if role.transactions is not None:
            yield Rule(principal, Resource.TRANSACTION, Pattern.BEGINNING, role.transactions, Operation.WRITE)


def _opens(rule: Rule, table: TopicTable) -> bool:
    """Whether it allows something that the declaration decides; a rule that forbids opens nothing."""
    roles = table.roles.values()
    if rule.permission != ALLOW:
        return False
    if rule.principal in {principal for role in roles for principal in role.principals}:
        return True
    if rule.resource == Resource.TOPIC:
        return any(_reaches(rule, name) for name in table.names)
    prefixes = [role.groups if rule.resource == Resource.GROUP else role.transactions for role in roles]
    return any(_reaches(rule, prefix) or rule.name.startswith(prefix) for prefix in prefixes if prefix)


def _reaches(rule: Rule, name: str) -> bool:
    if rule.pattern == Pattern.BEGINNING:
        return name.startswith(rule.name)
    return rule.name in (EVERYWHERE, name)


class _Administration:
    """The three requests about access lists, which the library has as requests but not as calls."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def rules(self) -> frozenset[Rule]:
        """Every rule about topics, groups and transactions."""
        found: set[Rule] = set()
        for kind in Resource:
            response = await self._ask(DescribeAclsRequest(kind, None, MATCH_ANY, None, None, ANY, ANY))
            _accept(response.error_code, response.error_message)
            for resource, name, pattern, entries in response.resources:
                found |= {
                    Rule(principal, resource, pattern, name, operation, permission, host)
                    for principal, host, operation, permission in entries
                }
        return frozenset(found)

    async def add(self, rules: Collection[Rule]) -> None:
        for rule in rules:
            response = await self._ask(CreateAclsRequest(*_parts(rule)))
            for code, message in response.creation_responses:
                _accept(code, message)

    async def remove(self, rules: Collection[Rule]) -> None:
        for rule in rules:
            response = await self._ask(DeleteAclsRequest(*_parts(rule)))
            for code, message, _matching in response.filter_responses:
                _accept(code, message)

    async def _ask(self, request: Request[Any]) -> Any:
        with kafka_errors("asking for access lists"):
            return await self._client.send(self._client.get_random_node(), request)


@asynccontextmanager
async def _administration(bootstrap: Bootstrap) -> AsyncIterator[_Administration]:
    client = AIOKafkaClient(**options_of(bootstrap), request_timeout_ms=REQUEST_MS)
    try:
        async with reaching(bootstrap, f"connecting to {bootstrap}"):
            await client.bootstrap()
        yield _Administration(client)
    finally:
        await client.close()


async def _settle(administration: _Administration, wanted: frozenset[Rule], gone: set[Rule]) -> None:
    """Waits until the broker that is asked has heard from the controller of every change."""
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                there = await administration.rules()
                if wanted <= there and not gone & there:
                    return
                await asyncio.sleep(SETTLE_PAUSE)
    except TimeoutError as error:
        raise KafkaUnavailable(f"the access lists are not in force after {SETTLE_SECONDS:.0f} s") from error


def _parts(rule: Rule) -> tuple[int, str, int, str, str, int, int]:
    return rule.resource, rule.name, rule.pattern, rule.principal, rule.host, rule.operation, rule.permission


def _accept(code: int, message: str | None) -> None:
    if code == SECURITY_DISABLED:
        raise AccessUnguarded("the broker has no authorizer: it keeps no access lists, everybody may do everything")
    if code:
        raise KafkaRefused(f"access lists: {message or for_code(code).__name__}")


def _word(kind: type[IntEnum], number: int) -> str:
    return kind(number).name.lower() if number in {each.value for each in kind} else str(number)
