-- What a time-stamping service said of checkpoints; ledger -1 is the audit log.

-- name: store_timestamp
INSERT INTO timestamps (ledger, seq, stamped_at, sha256, token) VALUES ($1, $2, $3, sha256($4::bytea), $4)
ON CONFLICT (ledger, seq) DO NOTHING;

-- name: newest_timestamp
SELECT timestamps.ledger, timestamps.seq, timestamps.stamped_at, timestamps.token,
    coalesce(checkpoints.jws, audit_checkpoints.jws) AS jws
FROM timestamps
LEFT JOIN checkpoints ON checkpoints.ledger = timestamps.ledger AND checkpoints.seq = timestamps.seq
LEFT JOIN audit_checkpoints ON timestamps.ledger = -1 AND audit_checkpoints.seq = timestamps.seq
WHERE timestamps.ledger = $1 ORDER BY timestamps.seq DESC LIMIT 1;

-- name: every_timestamp
SELECT timestamps.seq, timestamps.stamped_at, timestamps.sha256, timestamps.token,
    coalesce(checkpoints.jws, audit_checkpoints.jws) AS jws,
    coalesce(checkpoints.chain, audit_checkpoints.chain) AS chain,
    coalesce(checkpoints.made_at, audit_checkpoints.made_at) AS made_at
FROM timestamps
LEFT JOIN checkpoints ON checkpoints.ledger = timestamps.ledger AND checkpoints.seq = timestamps.seq
LEFT JOIN audit_checkpoints ON timestamps.ledger = -1 AND audit_checkpoints.seq = timestamps.seq
WHERE timestamps.ledger = $1 AND timestamps.seq > $2 ORDER BY timestamps.seq;
