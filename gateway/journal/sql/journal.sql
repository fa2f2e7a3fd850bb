-- What the writer and the readers of the log say to PostgreSQL.

-- name: answer
SELECT 1;

-- name: lock_head
SELECT seq, chain FROM ledgers WHERE ledger = $1 FOR UPDATE;

-- name: known
-- not by sender too: a plan made while the table was small would look through all that the sender ever filed
SELECT filings.sha256, filings.sender, filings.receipt_id, filings.ledger, filings.seq, receipts.receipt,
    NULL::text AS document, NULL::text AS version, NULL::text AS series, NULL::bigint AS number
FROM unnest($1::bytea[]) AS wanted (sha256)
JOIN filings ON filings.sha256 = wanted.sha256
JOIN receipts ON receipts.ledger = filings.ledger AND receipts.seq = filings.seq
UNION ALL
SELECT NULL, filings.sender, NULL, NULL, NULL, NULL, filings.document, filings.version, NULL, NULL
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (sender, document, version)
JOIN filings ON document_key(filings.sender, filings.document, filings.version)
        = document_key(wanted.sender, wanted.document, wanted.version)
WHERE filings.accepted
UNION ALL
SELECT NULL, filings.sender, NULL, NULL, NULL, NULL, NULL, NULL, filings.series, filings.number
FROM unnest($5::text[], $6::text[], $7::bigint[]) AS wanted (sender, series, number)
JOIN filings ON filings.sender = wanted.sender AND filings.series = wanted.series AND filings.number = wanted.number
WHERE filings.accepted AND filings.series IS NOT NULL;

-- name: add_filings
WITH added AS (
    INSERT INTO filings (sha256, sender, receipt_id, ledger, seq, document, version, accepted, series, number)
    SELECT new.sha256, new.sender, new.receipt_id, $1::integer, new.seq, new.document, new.version, new.accepted,
        new.series, new.number
    FROM unnest($2::bytea[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::boolean[], $9::text[],
        $10::bigint[]) AS new (sha256, sender, receipt_id, seq, document, version, accepted, series, number)
)
UPDATE ledgers SET seq = $11::bigint, chain = $12
WHERE ledger = $1::integer
RETURNING pg_notify('journal_news', $1::integer || ' ' || $11::bigint);

-- name: append_at_once
-- all of it or nothing: nothing where the head is elsewhere than the writer left it, or where a key is taken
-- (for the bytes whoever sent them, see `known`)
WITH new AS MATERIALIZED (
    SELECT * FROM unnest($6::bigint[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
        $13::text[], $14::timestamptz[], $15::bytea[], $16::bytea[], $17::text[], $18::bytea[], $19::text[],
        $20::bigint[], $21::bytea[], $22::bytea[], $23::boolean[])
    AS new (seq, receipt_id, sender, document, version, verdict, family, edition, received_at, sha256, body, receipt,
        records, series, number, leaf, chain, accepted)
), taken AS (
    SELECT FROM new
    JOIN filings ON filings.sha256 = new.sha256
    UNION ALL
    SELECT FROM new
    JOIN filings ON document_key(filings.sender, filings.document, filings.version)
            = document_key(new.sender, new.document, new.version)
        AND filings.accepted
    UNION ALL
    SELECT FROM new
    JOIN filings ON filings.sender = new.sender AND filings.series = new.series AND filings.number = new.number
        AND filings.accepted AND filings.series IS NOT NULL
), head AS (
    UPDATE ledgers SET seq = $4::bigint, chain = $5
    WHERE ledger = $1::integer AND seq = $2 AND chain = $3 AND NOT EXISTS (SELECT FROM taken)
    RETURNING ledger
), added AS (
    INSERT INTO filings (sha256, sender, receipt_id, ledger, seq, document, version, accepted, series, number)
    SELECT new.sha256, new.sender, new.receipt_id, head.ledger, new.seq, new.document, new.version, new.accepted,
        new.series, new.number
    FROM head CROSS JOIN new
), appended AS (
    INSERT INTO entries (ledger, seq, receipt_id, sender, document, version, verdict, family, edition, received_at,
        sha256, body, receipt, records, series, number, leaf, chain)
    SELECT head.ledger, new.seq, new.receipt_id, new.sender, new.document, new.version, new.verdict, new.family,
        new.edition, new.received_at, new.sha256, new.body, new.receipt, new.records, new.series, new.number, new.leaf,
        new.chain
    FROM head CROSS JOIN new
)
SELECT pg_notify('journal_news', $1::integer || ' ' || $4::bigint) FROM head;

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
SELECT filings.receipt_id, filings.ledger, filings.seq, receipts.receipt
FROM filings
JOIN receipts ON receipts.ledger = filings.ledger AND receipts.seq = filings.seq
WHERE filings.sha256 = $1 AND ($2::text IS NULL OR filings.sender = $2)
ORDER BY filings.ledger, filings.seq LIMIT 1;

-- name: find_by_receipt
SELECT filings.receipt_id, filings.ledger, filings.seq, receipts.receipt
FROM filings
JOIN receipts ON receipts.ledger = filings.ledger AND receipts.seq = filings.seq
WHERE filings.receipt_id = $1 AND filings.sender = $2;

-- name: find_entry
SELECT entries.ledger, entries.seq, entries.receipt_id, entries.sender, entries.received_at, entries.receipt,
    entries.body, entries.records, entries.leaf, entries.chain
FROM filings
JOIN entries ON entries.ledger = filings.ledger AND entries.seq = filings.seq
WHERE filings.receipt_id = $1 AND filings.sender = $2;

-- name: page_of_sender
-- the page is cut before its receipts are looked for: else all of the sender's are joined and sorted
SELECT page.receipt_id, page.ledger, page.seq, receipts.receipt
FROM (
    SELECT receipt_id, ledger, seq FROM filings WHERE sender = $1 AND seq > $2 ORDER BY seq LIMIT $3
) AS page
JOIN receipts ON receipts.ledger = page.ledger AND receipts.seq = page.seq
ORDER BY page.seq;

-- name: is_archived
SELECT EXISTS (SELECT FROM archived_entries WHERE ledger = $1 AND seq = $2);

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

-- name: begin_staging
INSERT INTO stagings (receipt_id) VALUES ($1);

-- name: stage_part
-- no row is answered where the staging was given up meanwhile
WITH alive AS (
    UPDATE stagings SET touched_at = now() WHERE receipt_id = $1 AND NOT given_up RETURNING receipt_id
)
INSERT INTO entry_parts (receipt_id, kind, number, bytes) SELECT receipt_id, $2, $3, $4 FROM alive RETURNING number;

-- name: hold_stagings
-- those that somebody gives up at this moment are left out: the head of the ledger is locked, nobody waits here
SELECT receipt_id FROM stagings WHERE receipt_id = ANY ($1::uuid[]) AND NOT given_up FOR UPDATE SKIP LOCKED;

-- name: end_stagings
DELETE FROM stagings WHERE receipt_id = ANY ($1::uuid[]);

-- name: give_up_staging
SELECT give_up_staging($1) AS more;

-- name: sweep_stagings
SELECT sweep_stagings() AS more;

-- name: read_part
SELECT bytes FROM entry_parts WHERE receipt_id = $1 AND kind = $2 AND number = $3;

-- name: part_digests
SELECT number, sha256(bytes) AS sha256 FROM entry_parts WHERE receipt_id = $1 AND kind = $2 AND number >= $3 AND number < $4;

-- name: stored_entry
SELECT seq, receipt_id, sender, document, version, verdict, family, edition, received_at, sha256, body, receipt, records,
    series, number, leaf, chain
FROM entries WHERE ledger = $1 AND seq = $2;
