"""A casino feed made up from a seed: houses with their play, faults that are injected, and what must come of them."""
