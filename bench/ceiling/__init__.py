"""The ceiling: the same essential work by bare libraries, by the shortest way that is still honest.

Nothing here imports the gateway. Durable means durable (fsync, acks=all, transactions), verified means verified (XSD,
digest, signature) and sealed means signed; there are no limits, no codes, no rules, no findings, no conflicts, no
metrics and no restarts, and one signature a message: the receipt is the record's seal too.
"""
