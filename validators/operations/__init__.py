"""Reports of operations: what the families share in which a dealer reports his operations in a period (`proposed`)."""
