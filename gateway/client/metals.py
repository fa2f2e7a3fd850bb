"""The report of the precious metals family as a dealer's own software makes it.

`gateway.sealing.xmldsig.sign_tree` (or `sign_xml`) fills the empty `Signature` and gives the bytes to file.
"""

from collections.abc import Sequence

from lxml import etree

from gateway.client.envelopes import Attributes, Content, Envelope
from gateway.client.operations import ReportHeader, report_xml
from validators.precious_metals.family import REPORT

OPERATION = Attributes(
    "Operation",
    (
        "sequence",
        "id",
        "kind",
        "date",
        "time",
        "article",
        "metal",
        "fineness",
        "grams",
        "pure_grams",
        "carats",
        "stone",
        "count",
        "hallmark",
        "description",
        "price",
        "cash",
        "currency",
        "price_tenge",
        "party_kind",
        "party",
        "party_name",
        "country",
        "original",
        "original_sequence",
        "replaced_kind",
        "reason",
    ),
)
"""Every attribute that an operation may have, in the order in which it is written."""


def metals_report_xml(envelope: Envelope, header: ReportHeader, operations: Sequence[Content] = ()) -> etree._Element:
    """A MetalsReport, a nil report where there is no operation.

    An operation is plain data: `sequence`, `id`, `kind`, `date`, then its attributes in lower snake case. Raises
    UnknownAttribute when one has a member that is not an attribute.
    """
    return report_xml(envelope, REPORT, header, OPERATION, operations)
