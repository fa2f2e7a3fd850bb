-- How everything that is stored is read again, from the first byte.

-- name: every_entry
SELECT seq, receipt_id, sender, document, version, verdict, family, edition, received_at, sha256, body, receipt, records,
    series, number, leaf, chain
FROM entries WHERE ledger = $1 AND seq > $2 ORDER BY seq;

-- name: every_part
SELECT number, bytes FROM entry_parts WHERE receipt_id = $1 AND kind = $2 ORDER BY number;

-- name: every_archived
SELECT seq, receipt_id, sender, received_at, receipt, leaf, chain
FROM archived_entries WHERE ledger = $1 AND seq > $2 ORDER BY seq;

-- name: checkpoint_at
SELECT ledger, seq, chain, made_at, jws, cosignatures FROM checkpoints
WHERE ledger = $1 AND seq <= $2 ORDER BY seq DESC LIMIT 1;

-- name: every_filing
SELECT seq, sha256, sender, receipt_id, document, version, accepted, series, number FROM filings
WHERE ledger = $1 AND seq > $2 ORDER BY seq;

-- name: every_checkpoint
SELECT ledger, seq, chain, made_at, jws, cosignatures FROM checkpoints WHERE ledger = $1 AND seq > $2 ORDER BY seq;

-- name: strays
SELECT 'entry' AS what, ledger, seq, receipt_id FROM receipts WHERE ledger <> ALL ($1::integer[])
UNION ALL
SELECT 'filing', ledger, seq, receipt_id FROM filings WHERE ledger <> ALL ($1::integer[])
UNION ALL
SELECT 'checkpoint', ledger, seq, NULL FROM checkpoints WHERE ledger <> ALL ($1::integer[])
UNION ALL
SELECT 'cosignature', ledger, seq, NULL FROM cosignatures WHERE ledger <> ALL ($1::integer[]) AND ledger <> -1
UNION ALL
SELECT 'timestamp', ledger, seq, NULL FROM timestamps WHERE ledger <> ALL ($1::integer[]) AND ledger <> -1
ORDER BY ledger, seq, what;
