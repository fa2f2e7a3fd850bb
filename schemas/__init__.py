"""The XML schemas of the message families, as data."""
