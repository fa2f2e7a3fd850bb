"""Reports one sale of a car: asks for its code, builds and signs a LuxuryReport, files it.

python sell_a_car.py URL VIN KEY CERTIFICATE
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx

from gateway.client import file_message
from gateway.client.envelopes import Envelope, new_guid
from gateway.client.luxury import LuxuryClient
from gateway.client.luxury_report import luxury_report_xml
from gateway.client.operations import Period, ReportHeader
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_tree
from validators.moments import local_day

DEALER, KIND, BUYER = "150540007897", "160", "900101300017"


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


async def sell(url: str, vin: str, key: str, certificate: str) -> None:
    """Files the report and prints the receipt's id."""
    keys, today = LocalKeyHolder.load(Path(key), Path(certificate)), local_day(now())
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        luxury = LuxuryClient(client, DEALER, url, keys, now)
        item = (await luxury.item_code("CAR", {"vin": vin}))["code"]
        deal = new_guid()
        operation = (await luxury.operation_code(deal, item))["code"]
        sale = {
            "sequence": 1,
            "id": deal,
            "kind": "SALE",
            "date": today.isoformat(),
            "class": "CAR",
            "item_code": item,
            "operation_code": operation,
            "vin": vin,
            "price": "98000000",
            "cash": "20000000",
            "means": "MIXED",
            "condition": "NEW",
            "seller_kind": "BIN",
            "seller": DEALER,
            "buyer_kind": "IIN",
            "buyer": BUYER,
        }
        header = ReportHeader(1, Period(today, today), "750000000")
        body = await sign_tree(luxury_report_xml(Envelope(DEALER, KIND, now()), header, [sale]), keys)
        answer = await file_message(client, body)
    print(answer.status, answer.facts.get("id"), answer.facts.get("verdict"))
    sys.exit(0 if answer.accepted else 1)


if __name__ == "__main__":
    asyncio.run(sell(*sys.argv[1:5]))
