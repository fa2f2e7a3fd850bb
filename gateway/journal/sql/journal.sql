-- What the writer and the readers of the log say to PostgreSQL.

-- name: answer
SELECT 1;

-- name: lock_head
SELECT seq, chain FROM ledgers WHERE ledger = $1 FOR UPDATE;

-- name: filed_before
SELECT filings.sha256, filings.sender, filings.receipt_id, filings.ledger, filings.seq, entries.receipt
FROM unnest($1::bytea[], $2::text[]) AS wanted (sha256, sender)
JOIN filings ON filings.sha256 = wanted.sha256 AND filings.sender = wanted.sender
JOIN entries ON entries.ledger = filings.ledger AND entries.seq = filings.seq;

-- name: documents_taken
SELECT DISTINCT filings.sender, filings.document, filings.version
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (sender, document, version)
JOIN filings ON filings.sender = wanted.sender AND filings.document = wanted.document AND filings.version = wanted.version
WHERE filings.accepted;

-- name: numbers_taken
SELECT DISTINCT filings.sender, filings.series, filings.number
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (sender, series, number)
JOIN filings ON filings.sender = wanted.sender AND filings.series = wanted.series AND filings.number = wanted.number
WHERE filings.accepted AND filings.series IS NOT NULL;

-- name: add_filings
INSERT INTO filings (sha256, sender, receipt_id, ledger, seq, document, version, accepted, series, number)
SELECT new.sha256, new.sender, new.receipt_id, $1::integer, new.seq, new.document, new.version, new.accepted,
    new.series, new.number
FROM unnest($2::bytea[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::boolean[], $9::text[],
    $10::bigint[]) AS new (sha256, sender, receipt_id, seq, document, version, accepted, series, number);

-- name: move_head
UPDATE ledgers SET seq = $2::bigint, chain = $3
WHERE ledger = $1::integer
RETURNING pg_notify('journal_news', $1::integer || ' ' || $2::bigint);

-- name: prepare_partition
SELECT prepare_partition($1);

-- name: head
SELECT ledger, seq, chain FROM ledgers WHERE ledger = $1;

-- name: heads
SELECT ledger, seq, chain FROM ledgers ORDER BY ledger;

-- name: read_entries
SELECT ledger, seq, receipt_id, sender, received_at, receipt, body, records, leaf, chain
FROM (
    SELECT *, sum(octet_length(body) + octet_length(records)) OVER (ORDER BY seq) AS weight
    FROM entries WHERE ledger = $1 AND seq > $2 ORDER BY seq LIMIT $3
) AS weighed
WHERE weight <= $4 OR seq = $2 + 1
ORDER BY seq;

-- name: find_by_digest
SELECT filings.receipt_id, filings.ledger, filings.seq, entries.receipt
FROM filings
JOIN entries ON entries.ledger = filings.ledger AND entries.seq = filings.seq
WHERE filings.sha256 = $1 AND ($2::text IS NULL OR filings.sender = $2)
ORDER BY filings.ledger, filings.seq LIMIT 1;

-- name: find_by_receipt
SELECT entries.ledger, entries.seq, entries.receipt_id, entries.sender, entries.received_at, entries.receipt,
    entries.body, entries.records, entries.leaf, entries.chain
FROM filings
JOIN entries ON entries.ledger = filings.ledger AND entries.seq = filings.seq
WHERE filings.receipt_id = $1 AND filings.sender = $2;

-- name: page_of_sender
SELECT entries.ledger, entries.seq, entries.receipt_id, entries.sender, entries.received_at, entries.receipt,
    entries.body, entries.records, entries.leaf, entries.chain
FROM filings
JOIN entries ON entries.ledger = filings.ledger AND entries.seq = filings.seq
WHERE filings.sender = $1 AND filings.seq > $2
ORDER BY filings.seq LIMIT $3;

-- name: store_checkpoint
INSERT INTO checkpoints (ledger, seq, chain, made_at, jws, cosignatures)
VALUES ($1, $2, $3, $4, $5, ARRAY(
    SELECT DISTINCT ON (witness) jws FROM cosignatures WHERE ledger = $1 AND seq < $2 ORDER BY witness, seq DESC
))
ON CONFLICT (ledger, seq) DO NOTHING;

-- name: latest_checkpoint
SELECT ledger, seq, chain, made_at, jws, cosignatures FROM checkpoints WHERE ledger = $1 ORDER BY seq DESC LIMIT 1;

-- name: checkpoints_after
SELECT ledger, seq, chain, made_at, jws, cosignatures FROM checkpoints WHERE ledger = $1 AND seq > $2 ORDER BY seq LIMIT $3;
