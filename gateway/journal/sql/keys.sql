-- The gateway's keys and the witnesses' word on checkpoints.

-- name: lock_gateway_keys
SELECT pg_advisory_xact_lock(hashtext('gateway_keys'));

-- name: gateway_keys
SELECT kid, state, since, at, by, reason, certificate FROM gateway_keys ORDER BY number;

-- name: add_gateway_key_event
INSERT INTO gateway_keys (number, kid, state, since, at, by, reason, certificate)
SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM gateway_keys;

-- name: leaves
-- archived entries among them: their leaves stay for ever
SELECT seq, leaf FROM receipts WHERE ledger = $1 AND seq > $2 ORDER BY seq LIMIT $3;

-- name: checkpoint_chain
SELECT chain FROM checkpoints WHERE ledger = $1 AND seq = $2;

-- name: audit_leaves
SELECT leaf FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: audit_checkpoint_chain
SELECT chain FROM audit_checkpoints WHERE seq = $1;

-- name: store_cosignature
INSERT INTO cosignatures (ledger, seq, witness, chain, seen_at, jws) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (ledger, seq, witness) DO NOTHING;

-- name: newest_cosignatures
SELECT DISTINCT ON (witness) ledger, seq, witness, chain, seen_at, jws
FROM cosignatures WHERE ledger = $1 ORDER BY witness, seq DESC;

-- name: every_cosignature
SELECT ledger, seq, witness, chain, seen_at, jws FROM cosignatures
WHERE ledger = $1 AND seq > $2 ORDER BY seq, witness;
