"""Exclusive C14N 1.0 without comments: the one form in which XML is digested and signed here."""

from lxml import etree

from gateway.sealing.refusals import SignatureOutsideProfile


def canonical(element: etree._Element) -> bytes:
    """The element in canonical form; SignatureOutsideProfile where it has none.

    Canonical XML is not defined where a namespace in scope is a relative URI, or no URI at all.
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError as error:
        raise SignatureOutsideProfile("relative-namespace") from error
