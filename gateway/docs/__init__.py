"""The reference pages that come from code and data, so that they can't tell another story than the program."""
