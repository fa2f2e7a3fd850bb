"""Structured logs: one JSON object a line, with digests and codes, without bodies, identifiers or secrets."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import orjson
import structlog

_ROOT = str(Path(__file__).resolve().parents[1])
_DEEPEST = 6


def configure_logging(level: int = logging.INFO) -> None:
    """Sends every log line of this process, the libraries' too, to standard error as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dump),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
    )
    logging.root.handlers = [LogBridge()]
    logging.root.setLevel(max(level, logging.WARNING))


def failure(error: BaseException) -> dict[str, Any]:
    """What an unexpected error was and where, without its message, which might hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    where = [f"{frame.filename.removeprefix(_ROOT)}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or error.__context__
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "where": where,
        "cause": f"{type(cause).__module__}.{type(cause).__qualname__}" if cause else None,
    }


class LogBridge(logging.Handler):
    """Passes the libraries' own records on; of an exception only its kind and place."""

    def emit(self, record: logging.LogRecord) -> None:
        told = failure(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}
        log = structlog.get_logger()
        log.log(record.levelno, str(record.msg), logger=record.name, **told)


def _dump(event: dict[str, Any], **_options: object) -> bytes:
    return orjson.dumps(event, default=str)
