"""Luxury goods: unique codes, and the identifiers by which a thing is found again. All of it is proposed."""
