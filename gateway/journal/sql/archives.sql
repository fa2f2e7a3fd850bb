-- What archiving says to PostgreSQL.

-- name: entry_partitions
SELECT number, low, high FROM entry_partitions ORDER BY low;

-- name: ledger_progress
SELECT ledgers.ledger, ledgers.seq AS head, coalesce(oversight_positions.seq, 0) AS overseen,
    coalesce((SELECT max(seq) FROM checkpoints WHERE checkpoints.ledger = ledgers.ledger), 0) AS checkpointed
FROM ledgers LEFT JOIN oversight_positions ON oversight_positions.ledger = ledgers.ledger
ORDER BY ledgers.ledger;

-- name: last_received
SELECT received_at FROM entries WHERE ledger = $1 AND seq = $2;

-- name: partition_entries
SELECT ledger, seq, receipt_id, sender, document, version, verdict, family, edition, received_at, sha256, body, receipt,
    records, series, number, leaf, chain
FROM entries WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq;

-- name: partition_checkpoints
SELECT checkpoints.ledger, checkpoints.seq, chain, made_at, jws, coalesce(token, '') AS timestamp
FROM checkpoints
LEFT JOIN timestamps ON timestamps.ledger = checkpoints.ledger AND timestamps.seq = checkpoints.seq
WHERE checkpoints.ledger = $1 AND checkpoints.seq >= $2 AND checkpoints.seq < $3 ORDER BY checkpoints.seq;

-- name: partition_cosignatures
SELECT ledger, seq, witness, chain, seen_at, jws FROM cosignatures
WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq, witness;

-- name: chain_at
SELECT chain FROM receipts WHERE ledger = $1 AND seq = $2;

-- name: detach_partition
SELECT detach_partition($1, $2, $3);

-- name: drop_archived_parts
SELECT drop_archived_parts();

-- name: begin_restore
SELECT begin_restore($1, $2);

-- name: finish_restore
SELECT finish_restore($1, $2);

-- name: archive_actions
SELECT partition, low, high, action, manifest, at, role, person FROM archive_actions ORDER BY id;

-- name: record_discard
INSERT INTO archive_actions (partition, low, high, action, manifest, person)
SELECT partition, low, high, 'discarded', manifest, $3
FROM (SELECT * FROM archive_actions WHERE partition = $1 ORDER BY id DESC LIMIT 1) AS last_one
WHERE action = 'detached' AND manifest = $2
RETURNING partition;
