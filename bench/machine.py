"""On what it was measured: the machine, the versions, and what else the machine was doing."""

import os
import platform
import ssl
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from lxml import etree

from gateway.local.jars import listed_jars
from gateway.local.kafka import java
from gateway.local.postgres import programs

LIBRARIES = ("lxml", "cryptography", "asyncpg", "aiokafka", "uvicorn", "uvloop", "orjson", "xmlschema")
LOOK_SECONDS = 1.0


def machine() -> Mapping[str, Any]:
    """The processor's model, cores, memory in GiB and the system."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "system": platform.platform(),
    }


def versions() -> Mapping[str, str]:
    """Of everything that does the work."""
    return {
        "Python": platform.python_version(),
        "PostgreSQL": _said(str(programs() / "postgres"), "--version").rpartition(" ")[2],
        "Kafka": next((each.version for each in listed_jars() if each.artifact.startswith("kafka_")), "unknown"),
        "Java": _said(str(java()), "-version").splitlines()[0],
        "libxml2": ".".join(map(str, etree.LIBXML_VERSION)),
        "OpenSSL": ssl.OPENSSL_VERSION,
        **{name: version(name) for name in LIBRARIES},
    }


def load_before() -> Mapping[str, float]:
    """What the machine does before anything is measured: load averages, and the share of its cores in use."""
    busy = psutil.cpu_percent(LOOK_SECONDS)
    one, five, fifteen = psutil.getloadavg()
    return {"load_1m": one, "load_5m": five, "load_15m": fifteen, "busy_percent": busy}


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).strip()
