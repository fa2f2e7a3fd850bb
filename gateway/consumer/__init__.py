"""The SDK of those who read: verified events, once each, decoded into typed models, from where one left off."""

from gateway.bus.connecting import Endpoint
from gateway.bus.errors import KafkaRefused, KafkaUnavailable, RecordsGone, TopicMissing
from gateway.consumer.decoding import (
    ChainFinding,
    Decoded,
    FM1Event,
    GamingEvent,
    GamingTicket,
    LuxuryCodeIssued,
    LuxuryOperation,
    MetalsOperation,
    NilReport,
    NotDecodable,
    Obligation,
    RefusedItems,
    Rejection,
    decode,
)
from gateway.consumer.keys import fetch_keys, load_keys
from gateway.consumer.subscription import BrokenSeal, Subscription, subscribe
from gateway.consumer.tracing import Trace, trace
from gateway.consumer.verification import TopicBreak, TopicReport, verify_topic
from gateway.model import Event
from gateway.sealing.jws import KeySet

__all__ = [
    "BrokenSeal",
    "ChainFinding",
    "Decoded",
    "Endpoint",
    "Event",
    "FM1Event",
    "GamingEvent",
    "GamingTicket",
    "KafkaRefused",
    "KafkaUnavailable",
    "KeySet",
    "LuxuryCodeIssued",
    "LuxuryOperation",
    "MetalsOperation",
    "NilReport",
    "NotDecodable",
    "Obligation",
    "RecordsGone",
    "RefusedItems",
    "Rejection",
    "Subscription",
    "TopicBreak",
    "TopicMissing",
    "TopicReport",
    "Trace",
    "decode",
    "fetch_keys",
    "load_keys",
    "subscribe",
    "trace",
    "verify_topic",
]
