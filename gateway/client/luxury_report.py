"""The report of the luxury family as the software of those who deal in such goods makes it.

`gateway.sealing.xmldsig.sign_tree` (or `sign_xml`) fills the empty `Signature` and gives the bytes to file.
"""

from collections.abc import Sequence

from lxml import etree

from gateway.client.envelopes import Attributes, Content, Envelope
from gateway.client.operations import ReportHeader, report_xml
from validators.luxury.family import REPORT

OPERATION = Attributes(
    "Operation",
    (
        *("sequence", "id", "kind", "date", "class", "item_code", "operation_code"),
        *("vin", "registration", "hull", "tail", "cadastral", "certificate", "maker", "serial"),
        *("price", "cash", "currency", "price_tenge", "means", "source_of_money"),
        *("seller_kind", "seller", "seller_name", "buyer_kind", "buyer", "buyer_name", "condition"),
        *("original", "original_sequence", "replaced_kind", "reason"),
    ),
)
"""Every attribute that an operation may have, in the order in which it is written."""


def luxury_report_xml(envelope: Envelope, header: ReportHeader, operations: Sequence[Content] = ()) -> etree._Element:
    """A LuxuryReport, a nil report where there is no operation; as `metals_report_xml`."""
    return report_xml(envelope, REPORT, header, OPERATION, operations)
