"""The topics' page and their contract (AsyncAPI 3), from the declaration and the consumer's models."""

from typing import Any

from gateway.bus.declaration import Topic, load_topics
from gateway.consumer.decoding import KINDS, TOPICS

HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "id of the event: the receipt's id, for one of many items `<receipt's id>/<item's number>`, for a ticket "
    "or an obligation `<its id>/<revision>`",
    "ce_type": "type of the event",
    "ce_source": "who made it",
    "ce_time": "when the gateway received the message (RFC 3339, UTC)",
    "ce_subject": "the document's GUID, where it has one",
    "content-type": "application/json",
    "traceparent": "W3C Trace Context, where the sender gave one or the gateway began one",
    "seal": "detached JWS over the value; its protected header names topic, ce_id and ce_type. Where there is a "
    "seal_path: compact JWS over the root of the batch",
    "seal_path": "`<index>/<base64url of the RFC 9162 audit path>` of the record below the root that `seal` signs; its "
    "leaf is over topic, ce_id, ce_type and value, each behind its length in 4 bytes big-endian",
}
INTRODUCTION = """# Topics

Declared in `deploy/kafka/topics.toml`, made by `gateway topics apply`. The key keeps the order of an entity's messages.
Records are read with `isolation.level=read_committed`. The contract for programs is [asyncapi.json](asyncapi.json).
"""


def render_topics() -> str:
    """The Markdown of `docs/reference/topics.md`."""
    rows = [_row(topic) for topic in load_topics().topics.values()]
    headers = [f"| `{name}` | {meaning} |" for name, meaning in HEADERS.items()]
    return "\n".join(
        [
            INTRODUCTION,
            "| topic | what | key | partitions | kept | readers |",
            "|---|---|---|---|---|---|",
            *rows,
            "\n## Headers\n\nCloudEvents 1.0, binary mode.\n",
            "| header | meaning |",
            "|---|---|",
            *headers,
            "",
        ]
    )


def asyncapi(version: str) -> dict[str, Any]:
    """The AsyncAPI 3 document of the topics that carry messages today."""
    topics = [topic for topic in load_topics().topics.values() if topic.name in TOPICS]
    schemas: dict[str, Any] = {}
    for model in KINDS.values():
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "FMA gateway: topics", "version": version},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {
            f"read {topic.name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.description,
            }
            for topic in topics
        },
        "components": {"schemas": schemas},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {
            model.__name__: {
                "headers": {
                    "type": "object",
                    "properties": {name: {"type": "string", "description": told} for name, told in HEADERS.items()},
                    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "seal"],
                },
                "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
            }
            for model in TOPICS[topic.name]
        },
    }


def _row(topic: Topic) -> str:
    kept = f"{topic.retention_days} days" if topic.cleanup == "delete" else "the newest of each key"
    readers = ", ".join(topic.readers)
    return f"| `{topic.name}` | {topic.description} | {topic.key} | {topic.partitions} | {kept} | {readers} |"
