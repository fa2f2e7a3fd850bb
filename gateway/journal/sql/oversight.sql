-- What oversight says to PostgreSQL: its position, what it loads for a run, what it keeps of it.

-- name: take_oversight
INSERT INTO oversight_positions (ledger, epoch, seq) VALUES ($1, 1, 0)
ON CONFLICT (ledger) DO UPDATE SET epoch = oversight_positions.epoch + 1
RETURNING epoch, seq, part;

-- name: move_oversight
UPDATE oversight_positions SET seq = $4::bigint, part = $6
WHERE ledger = $1::integer AND epoch = $2 AND seq = $3 AND part = $5
RETURNING pg_notify('oversight_news', $1::integer || ' ' || $4::bigint);

-- name: oversight_position
SELECT seq FROM oversight_positions WHERE ledger = $1;

-- name: oversight_positions
SELECT ledger, seq FROM oversight_positions ORDER BY ledger;

-- name: read_lines
SELECT ledger, seq, receipt_id, sender, family, verdict, received_at, receipt, records, found
FROM (
    SELECT *, sum(octet_length(records)) OVER (ORDER BY seq) AS weight, count(*) OVER () AS found
    FROM (
        SELECT ledger, seq, receipt_id, sender, family, verdict, received_at, receipt, records
        FROM entries WHERE ledger = $1 AND seq > $2 ORDER BY seq LIMIT $3
    ) AS following
) AS weighed
WHERE weight <= $4 OR seq = $2 + 1
ORDER BY seq;

-- name: complexes_by_id
SELECT complexes.*, top_batch, top_event, received_batches, heard_at, clock_ms
FROM unnest($1::text[]) AS wanted (complex)
JOIN complexes ON complexes.id = wanted.complex
JOIN complex_progress ON complex_progress.complex = complexes.id;

-- name: silent_complexes
SELECT complexes.*, top_batch, top_event, received_batches, heard_at, clock_ms
FROM complex_progress
JOIN complexes ON complexes.id = complex_progress.complex
WHERE ledger = $1 AND state = 'active' AND heard_at IS NOT NULL
    AND greatest(heard_at, $2::timestamptz) + heartbeat_seconds * $3::float8 * interval '1 second' < $4::timestamptz
    AND NOT EXISTS (
        SELECT FROM tickets
        WHERE tickets.complex = complexes.id AND tickets.kind = 'silence' AND subject = '' AND tickets.state = 'open'
    )
LIMIT $5;

-- name: batches_by_number
SELECT batches.complex, batches.number, seq, sha256, previous, first, last
FROM unnest($1::text[], $2::bigint[]) AS wanted (complex, number)
JOIN complex_batches AS batches ON batches.complex = wanted.complex AND batches.number = wanted.number;

-- name: batches_with_events
SELECT wanted.complex, wanted.sequence, found.number, coalesce(slice.first, found.first) AS first
FROM unnest($1::text[], $2::bigint[]) AS wanted (complex, sequence)
CROSS JOIN LATERAL (
    SELECT number, first FROM (
        SELECT number, first, last FROM complex_batches AS batches
        WHERE batches.complex = wanted.complex AND batches.first <= wanted.sequence
        ORDER BY batches.first DESC LIMIT 64
    ) AS near
    WHERE last >= wanted.sequence ORDER BY first DESC LIMIT 1
) AS found
LEFT JOIN LATERAL (
    SELECT slices.first FROM batch_slices AS slices
    WHERE slices.complex = wanted.complex AND slices.number = found.number AND slices.first <= wanted.sequence
    ORDER BY slices.first DESC LIMIT 1
) AS slice ON true;

-- name: runs_of_slices
SELECT slices.complex, slices.number, slices.first, slices.runs
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (complex, number, first)
JOIN batch_identities AS slices
    ON slices.complex = wanted.complex AND slices.number = wanted.number AND slices.first = wanted.first;

-- name: identities_at
SELECT wanted.complex, wanted.sequence, substring(slices.ids FROM (wanted.place * 16 + 1)::integer FOR 16) AS id
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS wanted (complex, number, first, sequence, place)
JOIN batch_identities AS slices
    ON slices.complex = wanted.complex AND slices.number = wanted.number AND slices.first = wanted.first;

-- name: repairs_by_number
SELECT repairs.complex, repairs.number, repairs.previous
FROM unnest($1::text[], $2::bigint[]) AS wanted (complex, number)
JOIN chain_repairs AS repairs ON repairs.complex = wanted.complex AND repairs.number = wanted.number;

-- name: absent_between
SELECT DISTINCT found.complex, found.what, found.first, found.last, found.ticket
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS wanted (complex, what, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM absent_numbers AS inside
    WHERE inside.complex = wanted.complex AND inside.what = wanted.what
        AND inside.last BETWEEN wanted.first AND wanted.last
    UNION ALL (
        SELECT * FROM absent_numbers AS beyond
        WHERE beyond.complex = wanted.complex AND beyond.what = wanted.what AND beyond.last > wanted.last
        ORDER BY beyond.last LIMIT 1
    )
) AS found
WHERE found.first <= wanted.last;

-- name: marks_around
SELECT DISTINCT found.complex, found.unit, found.sequence, found.meters
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS wanted (complex, unit, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM meter_marks AS inside
    WHERE inside.complex = wanted.complex AND inside.unit = wanted.unit
        AND inside.sequence BETWEEN wanted.first AND wanted.last
    UNION ALL (
        SELECT * FROM meter_marks AS earlier
        WHERE earlier.complex = wanted.complex AND earlier.unit = wanted.unit AND earlier.sequence < wanted.first
        ORDER BY earlier.sequence DESC LIMIT 1
    )
    UNION ALL (
        SELECT * FROM meter_marks AS later
        WHERE later.complex = wanted.complex AND later.unit = wanted.unit AND later.sequence > wanted.last
        ORDER BY later.sequence LIMIT 1
    )
) AS found;

-- name: sums_between
SELECT sums.complex, sums.unit, sums.sequence, sums.sums
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS wanted (complex, unit, first, last)
JOIN meter_sums AS sums ON sums.complex = wanted.complex AND sums.unit = wanted.unit
    AND sums.sequence BETWEEN wanted.first AND wanted.last;

-- name: reports_by_day
SELECT reports.complex, reports.day, last_event, receipt, figures
FROM unnest($1::text[], $2::date[]) AS wanted (complex, day)
JOIN day_reports AS reports ON reports.complex = wanted.complex AND reports.day = wanted.day;

-- name: figures_by_day
SELECT figures.complex, figures.day, unit, kind, hour, count, amount::text AS amount
FROM unnest($1::text[], $2::date[]) AS wanted (complex, day)
JOIN day_figures AS figures ON figures.complex = wanted.complex AND figures.day = wanted.day
ORDER BY complex, day, unit, kind, hour;

-- name: corrections_waiting_for
SELECT DISTINCT waiting.complex, waiting.sequence, waiting.original, waiting.original_sequence
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (complex, first, last)
JOIN waiting_corrections AS waiting ON waiting.complex = wanted.complex
    AND waiting.original_sequence BETWEEN wanted.first AND wanted.last;

-- name: open_tickets_about
SELECT tickets.*
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (complex, kind, subject)
JOIN tickets ON tickets.complex = wanted.complex AND tickets.kind = wanted.kind AND tickets.subject = wanted.subject
WHERE state = 'open';

-- name: open_tickets_of_kind
SELECT * FROM tickets WHERE complex = ANY ($1::text[]) AND kind = $2 AND state = 'open';

-- name: tickets_by_id
SELECT tickets.* FROM unnest($1::uuid[]) AS wanted (id) JOIN tickets ON tickets.id = wanted.id;

-- name: tickets_expiring
SELECT * FROM tickets WHERE ledger = $1 AND deadline <= $2 AND state = 'open' AND NOT overdue ORDER BY deadline LIMIT $3;

-- name: notices_of_documents
SELECT notices.owner, notices.document, operation, day, amount::text, players
FROM unnest($1::text[], $2::text[]) AS wanted (owner, document)
JOIN notices ON notices.owner = wanted.owner AND notices.document = wanted.document;

-- name: obligations_by_id
SELECT id, owner, player, day, operation, threshold::text, deadline, total::text, events, reported::text, overdue,
    revision, opened_at, closed_at, own, matter
FROM obligations WHERE id = ANY ($1::uuid[]);

-- name: obligations_expiring
SELECT id, owner, player, day, operation, threshold::text, deadline, total::text, events, reported::text, overdue,
    revision, opened_at, closed_at, own, matter
FROM obligations
WHERE ledger = $1 AND deadline <= $2 AND revision > 0 AND closed_at IS NULL AND NOT overdue ORDER BY deadline LIMIT $3;

-- name: next_register_version
UPDATE register SET version = version + 1 RETURNING version;

-- name: keep_complex
INSERT INTO complexes (id, owner, state, kind, name, premises, heartbeat_seconds, certificate, units, software, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11)
ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, kind = EXCLUDED.kind, name = EXCLUDED.name,
    premises = EXCLUDED.premises, heartbeat_seconds = EXCLUDED.heartbeat_seconds, certificate = EXCLUDED.certificate,
    units = EXCLUDED.units, software = EXCLUDED.software, version = EXCLUDED.version
WHERE complexes.owner = EXCLUDED.owner;

-- name: keep_progress
INSERT INTO complex_progress (complex, ledger, top_batch, top_event, received_batches, heard_at, clock_ms)
SELECT new.complex, $1::integer, new.top_batch, new.top_event, new.received_batches, new.heard_at, new.clock_ms
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[])
    AS new (complex, top_batch, top_event, received_batches, heard_at, clock_ms)
ON CONFLICT (complex) DO UPDATE SET top_batch = EXCLUDED.top_batch, top_event = EXCLUDED.top_event,
    received_batches = EXCLUDED.received_batches, heard_at = EXCLUDED.heard_at, clock_ms = EXCLUDED.clock_ms;

-- name: keep_batches
INSERT INTO complex_batches (complex, number, seq, sha256, previous, first, last, runs, ids)
SELECT complex, number, seq, sha256, previous, first, last, runs::bigint[], ids
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[], $8::text[],
    $9::bytea[]) AS new (complex, number, seq, sha256, previous, first, last, runs, ids);

-- name: keep_slices
INSERT INTO batch_slices (complex, number, first, runs, ids)
SELECT complex, number, first, runs::bigint[], ids
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[]) AS new (complex, number, first, runs, ids);

-- name: keep_repairs
INSERT INTO chain_repairs (complex, number, previous) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
ON CONFLICT DO NOTHING;

-- name: drop_absent
DELETE FROM absent_numbers USING unnest($1::text[], $2::text[], $3::bigint[]) AS gone (complex, what, last)
WHERE absent_numbers.complex = gone.complex AND absent_numbers.what = gone.what AND absent_numbers.last = gone.last;

-- name: keep_absent
INSERT INTO absent_numbers (complex, what, first, last, ticket)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[]);

-- name: keep_mark
INSERT INTO meter_marks (complex, unit, sequence, meters)
SELECT new.complex, new.unit, new.sequence, new.meters::bigint[]
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS new (complex, unit, sequence, meters);

-- name: drop_sums
DELETE FROM meter_sums
USING unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS gone (complex, unit, first, last)
WHERE meter_sums.complex = gone.complex AND meter_sums.unit = gone.unit
    AND meter_sums.sequence BETWEEN gone.first AND gone.last;

-- name: keep_sums
INSERT INTO meter_sums (complex, unit, sequence, sums)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]);

-- name: add_figures
INSERT INTO day_figures (complex, day, unit, kind, hour, count, amount)
SELECT new.complex, new.day, new.unit, new.kind, new.hour, new.count, new.amount::numeric
FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::text[])
    AS new (complex, day, unit, kind, hour, count, amount)
ON CONFLICT (complex, day, unit, kind, hour)
DO UPDATE SET count = day_figures.count + EXCLUDED.count, amount = day_figures.amount + EXCLUDED.amount;

-- name: keep_report
INSERT INTO day_reports (complex, day, last_event, receipt, figures) VALUES ($1, $2, $3, $4, $5::jsonb)
ON CONFLICT (complex, day)
DO UPDATE SET last_event = EXCLUDED.last_event, receipt = EXCLUDED.receipt, figures = EXCLUDED.figures;

-- name: drop_waiting
DELETE FROM waiting_corrections USING unnest($1::text[], $2::bigint[]) AS gone (complex, sequence)
WHERE waiting_corrections.complex = gone.complex AND waiting_corrections.sequence = gone.sequence;

-- name: keep_waiting
INSERT INTO waiting_corrections (complex, sequence, original, original_sequence)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]);

-- name: keep_tickets
INSERT INTO tickets (id, ledger, kind, complex, owner, subject, state, opened_at, deadline, overdue, closed_at, revision,
    changed_at, detail)
SELECT new.id, $1::integer, new.kind, new.complex, new.owner, new.subject, new.state, new.opened_at, new.deadline,
    new.overdue, new.closed_at, new.revision, new.changed_at, new.detail::jsonb
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[],
    $10::boolean[], $11::timestamptz[], $12::integer[], $13::timestamptz[], $14::text[])
    AS new (id, kind, complex, owner, subject, state, opened_at, deadline, overdue, closed_at, revision, changed_at, detail)
ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, overdue = EXCLUDED.overdue, closed_at = EXCLUDED.closed_at,
    revision = EXCLUDED.revision, changed_at = EXCLUDED.changed_at, detail = EXCLUDED.detail;

-- name: drop_notices
DELETE FROM notices USING unnest($1::text[], $2::text[]) AS gone (owner, document)
WHERE notices.owner = gone.owner AND notices.document = gone.document;

-- name: keep_notices
INSERT INTO notices (owner, document, operation, day, amount, players)
SELECT new.owner, new.document, new.operation, new.day, new.amount::numeric,
    ARRAY(SELECT player FROM jsonb_array_elements_text(new.players::jsonb) WITH ORDINALITY AS each (player, place) ORDER BY place)
FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[])
    AS new (owner, document, operation, day, amount, players)
ON CONFLICT (owner, document) DO UPDATE SET operation = EXCLUDED.operation, day = EXCLUDED.day,
    amount = EXCLUDED.amount, players = EXCLUDED.players;

-- name: keep_obligations
INSERT INTO obligations (id, ledger, owner, player, day, operation, threshold, deadline, total, events, reported, overdue,
    revision, opened_at, closed_at, own, matter)
SELECT new.id, $1::integer, new.owner, new.player, new.day, new.operation, new.threshold::numeric, new.deadline,
    new.total::numeric, new.events, new.reported::numeric, new.overdue, new.revision, new.opened_at, new.closed_at,
    new.own, new.matter
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
    $10::bigint[], $11::text[], $12::boolean[], $13::integer[], $14::timestamptz[], $15::timestamptz[], $16::bigint[],
    $17::text[])
    AS new (id, owner, player, day, operation, threshold, deadline, total, events, reported, overdue, revision, opened_at,
        closed_at, own, matter)
ON CONFLICT (id) DO UPDATE SET own = EXCLUDED.own, total = EXCLUDED.total, events = EXCLUDED.events, reported = EXCLUDED.reported,
    overdue = EXCLUDED.overdue, revision = EXCLUDED.revision, opened_at = EXCLUDED.opened_at,
    closed_at = EXCLUDED.closed_at;

-- name: register_version
SELECT version FROM register;

-- name: complexes_since
SELECT * FROM complexes WHERE version > $1;

-- name: complexes_of_owner
SELECT complexes.*, top_batch, top_event, received_batches, heard_at, clock_ms
FROM complexes JOIN complex_progress ON complex_progress.complex = complexes.id
WHERE owner = $1 AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR id > $3)
ORDER BY id LIMIT $4;

-- name: place_of_complex
SELECT coalesce(number, 0) AS last_batch, coalesce(last, 0) AS last_event, sha256
FROM (
    SELECT coalesce(
        (SELECT first - 1 FROM absent_numbers WHERE complex = $1 AND what = 'batch' ORDER BY last LIMIT 1),
        (SELECT top_batch FROM complex_progress WHERE complex = $1)
    ) AS reached
) AS place
LEFT JOIN complex_batches ON complex = $1 AND number = reached;

-- name: missing_of_complex
SELECT what, first, last, ticket FROM absent_numbers
WHERE complex = $1 AND ticket IS NOT NULL ORDER BY what, last LIMIT $2;

-- name: open_tickets_of_complex
SELECT * FROM tickets WHERE complex = $1 AND state = 'open' ORDER BY opened_at, id LIMIT $2;

-- name: report_of_day
SELECT complex, day, last_event, receipt, figures FROM day_reports WHERE complex = $1 AND day = $2;

-- name: tickets_of_owner
SELECT * FROM tickets
WHERE owner = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR complex = $3)
    AND ($4::uuid IS NULL OR (opened_at, id) > (SELECT opened_at, id FROM tickets WHERE id = $4 AND owner = $1))
ORDER BY opened_at, id LIMIT $5;

-- name: obligations_of_owner
SELECT id, owner, player, day, operation, threshold::text, deadline, total::text, events, reported::text, overdue,
    revision, opened_at, closed_at, own, matter
FROM obligations
WHERE owner = $1 AND revision > 0 AND ($2::boolean IS NULL OR (closed_at IS NULL) = $2)
    AND ($3::uuid IS NULL OR (opened_at, id) > (SELECT opened_at, id FROM obligations WHERE id = $3 AND owner = $1))
ORDER BY opened_at, id LIMIT $4;

-- name: ticket_of_owner
SELECT true FROM tickets WHERE id = $1 AND owner = $2;

-- name: obligation_of_owner
SELECT true FROM obligations WHERE id = $1 AND owner = $2 AND revision > 0;

-- name: deals_by_name
SELECT deals.*
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS wanted (family, filer, sequence, guid)
JOIN dealer_operations AS deals ON deals.family = wanted.family AND deals.filer = wanted.filer
    AND deals.sequence = wanted.sequence AND deals.guid = wanted.guid;

-- name: deals_of_items
SELECT * FROM dealer_operations WHERE item = ANY ($1::text[]) AND item <> '';

-- name: deals_corrected
SELECT wanted.family, wanted.filer, wanted.sequence, wanted.guid
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS wanted (family, filer, sequence, guid)
WHERE EXISTS (
    SELECT FROM dealer_operations AS corrections
    WHERE corrections.family = wanted.family AND corrections.filer = wanted.filer
        AND corrections.corrects_sequence = wanted.sequence AND corrections.corrects_guid = wanted.guid
);

-- name: findings_of_items
SELECT * FROM chain_findings WHERE item = ANY ($1::text[]);

-- name: keep_deals
INSERT INTO dealer_operations (family, filer, sequence, guid, filer_kind, item, matter, entry, kind, day, seller, buyer,
    price, condition, code, corrects_sequence, corrects_guid)
SELECT new.family, new.filer, new.sequence, new.guid, new.filer_kind, new.item, new.matter, new.entry, new.kind, new.day,
    new.seller, new.buyer, new.price::numeric, new.condition, new.code, new.corrects_sequence, new.corrects_guid
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::text[], $10::date[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[])
    AS new (family, filer, sequence, guid, filer_kind, item, matter, entry, kind, day, seller, buyer, price, condition,
        code, corrects_sequence, corrects_guid);

-- name: keep_findings
INSERT INTO chain_findings (id, ledger, item, remark, family, filer, sequence, guid, open, opened_at, closed_at,
    changed_at, revision, detail)
SELECT new.id, $1::integer, new.item, new.remark, new.family, new.filer, new.sequence, new.guid, new.open, new.opened_at,
    new.closed_at, new.changed_at, new.revision, new.detail::jsonb
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::boolean[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::integer[], $14::text[])
    AS new (id, item, remark, family, filer, sequence, guid, open, opened_at, closed_at, changed_at, revision, detail)
ON CONFLICT (id) DO UPDATE SET open = EXCLUDED.open, closed_at = EXCLUDED.closed_at, changed_at = EXCLUDED.changed_at,
    revision = EXCLUDED.revision, detail = EXCLUDED.detail;
