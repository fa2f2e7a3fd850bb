"""Keys and trust: senders' signatures, seals of records, receipts, signed notices.

The one room that imports `cryptography` and JOSE libraries. Nothing here reads a clock.
"""
