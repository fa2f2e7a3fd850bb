-- The whole database as the migrations leave it, to be read; a test holds the two equal.

CREATE TABLE migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- The log: heads, entries, the keys that forbid doubles, checkpoints.

CREATE TABLE ledgers (
    ledger integer PRIMARY KEY CHECK (ledger >= 0),
    seq bigint NOT NULL CHECK (seq >= 0),
    chain bytea NOT NULL CHECK (octet_length(chain) = 32)
);
COMMENT ON TABLE ledgers IS 'the head of each log; its row lock gives the order of entries';

CREATE TABLE entries (
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    receipt_id uuid NOT NULL,
    sender text NOT NULL,
    document text,
    version text,
    verdict text NOT NULL,
    family text NOT NULL,
    edition text NOT NULL,
    received_at timestamptz NOT NULL,
    sha256 bytea NOT NULL,
    body bytea STORAGE EXTERNAL NOT NULL,
    receipt text STORAGE EXTERNAL NOT NULL,
    records bytea STORAGE EXTERNAL NOT NULL,
    leaf bytea NOT NULL,
    chain bytea NOT NULL,
    series text,
    number bigint,
    PRIMARY KEY (ledger, seq)
) PARTITION BY RANGE (seq);
COMMENT ON TABLE entries IS 'the log itself; body and records are compressed by the gateway (zstd), never by PostgreSQL';

CREATE TABLE filings (
    sha256 bytea NOT NULL,
    sender text NOT NULL,
    receipt_id uuid NOT NULL UNIQUE,
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    document text,
    version text,
    accepted boolean NOT NULL,
    series text,
    number bigint,
    PRIMARY KEY (sha256, sender),
    UNIQUE (ledger, seq)
);
COMMENT ON TABLE filings IS 'the keys that forbid doubles; unique keys of a partitioned table cannot do it';
-- Keys of 16 bytes instead of 84: the index is a quarter as long, and as many fewer pages are written after a checkpoint.
-- A sender that makes two documents of one key (MD5 lets it) has the second refused; nobody can meet another's key.
CREATE FUNCTION document_key(sender text, document text, version text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN md5(sender || '/' || document || '/' || version)::uuid;
CREATE UNIQUE INDEX filings_accepted_document ON filings (document_key(sender, document, version)) WHERE accepted;
CREATE UNIQUE INDEX filings_accepted_number ON filings (sender, series, number) WHERE accepted AND series IS NOT NULL;
CREATE INDEX filings_of_sender ON filings (sender, seq);

CREATE TABLE checkpoints (
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    chain bytea NOT NULL,
    made_at timestamptz NOT NULL,
    jws text NOT NULL,
    cosignatures text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (ledger, seq)
);
COMMENT ON COLUMN checkpoints.cosignatures IS 'the newest co-signature of each witness when the checkpoint was made, published with it';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% takes new rows only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.ledger = OLD.ledger AND NEW.seq > OLD.seq THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the head of a ledger only moves forward: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON filings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON filings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_forward BEFORE UPDATE OR DELETE ON ledgers FOR EACH ROW EXECUTE FUNCTION refuse_going_back();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledgers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Built apart and attached: ATTACH lets appends and reads go on, CREATE ... PARTITION OF would stop them.
-- No default partition: rows in it would have to be searched under an exclusive lock for ever after.
CREATE FUNCTION prepare_partition(number integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    size CONSTANT bigint := 1000000;
    name CONSTANT text := format('entries_%s', lpad(number::text, 6, '0'));
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('gateway.journal.partitions'));
    -- not to_regclass again: it may answer from what this session remembers from before the lock
    PERFORM FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace;
    IF FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING ALL)', name);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, number * size, (number + 1) * size);
    RETURN true;
END
$$;
SELECT prepare_partition(0);
SELECT prepare_partition(1);

-- The directory: who may file, under which certificates, below which trust anchors.

CREATE TABLE directory (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
COMMENT ON TABLE directory IS 'one row; its version grows with every change, its row lock gives the order of changes';
INSERT INTO directory (version) VALUES (0);

CREATE TABLE anchors (
    fingerprint text PRIMARY KEY,
    pem text NOT NULL,
    added_at timestamptz NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE entities (
    identifier text PRIMARY KEY,
    identifier_kind text NOT NULL CHECK (identifier_kind IN ('bin', 'iin')),
    kind text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    enrolled_at timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX entities_version ON entities (version);

CREATE TABLE certificates (
    fingerprint text PRIMARY KEY,
    identifier text NOT NULL REFERENCES entities,
    pem text NOT NULL,
    enrolled_at timestamptz NOT NULL,
    version bigint NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX certificates_version ON certificates (version);
CREATE INDEX certificates_identifier ON certificates (identifier);

CREATE TABLE directory_changes (
    version bigint PRIMARY KEY,
    made_at timestamptz NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL
);
COMMENT ON TABLE directory_changes IS 'what was changed when; kept for ever';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON directory_changes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON directory_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON anchors FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON entities FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON certificates FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Oversight: what its reader of the log knows of the complexes. All of it follows from the log.

CREATE TABLE oversight_positions (
    ledger integer PRIMARY KEY,
    epoch bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0),
    part integer NOT NULL DEFAULT 0 CHECK (part >= 0)
);
COMMENT ON TABLE oversight_positions IS 'how far each ledger was overseen; a new overseer raises the epoch and so fences the one before';
COMMENT ON COLUMN oversight_positions.part IS 'how much of the entry behind seq was overseen: parts of its records, of a batch its events';

CREATE TABLE register (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
COMMENT ON TABLE register IS 'one row; its version grows with every change of a complex, its row lock gives the order of changes';
INSERT INTO register (version) VALUES (0);

CREATE TABLE complexes (
    id text PRIMARY KEY,
    owner text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'retired')),
    kind text NOT NULL,
    name text NOT NULL,
    premises text NOT NULL,
    heartbeat_seconds integer NOT NULL,
    certificate text,
    units jsonb NOT NULL,
    software text[] NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX complexes_version ON complexes (version);
CREATE INDEX complexes_owner ON complexes (owner, id);

CREATE TABLE complex_progress (
    complex text PRIMARY KEY REFERENCES complexes,
    ledger integer NOT NULL,
    top_batch bigint NOT NULL,
    top_event bigint NOT NULL,
    received_batches bigint NOT NULL,
    heard_at timestamptz,
    clock_ms bigint
);

CREATE TABLE complex_batches (
    complex text NOT NULL,
    number bigint NOT NULL,
    seq bigint NOT NULL,
    sha256 bytea NOT NULL,
    previous bytea NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    runs bigint[] NOT NULL DEFAULT '{}',
    ids bytea NOT NULL DEFAULT '',
    PRIMARY KEY (complex, number)
);
ALTER TABLE complex_batches ALTER COLUMN ids SET STORAGE EXTERNAL;
COMMENT ON COLUMN complex_batches.ids IS '16 bytes for each accepted event in the order of their sequences, which are the runs';
CREATE INDEX complex_batches_events ON complex_batches (complex, first);

CREATE TABLE batch_slices (
    complex text NOT NULL,
    number bigint NOT NULL,
    first bigint NOT NULL,
    runs bigint[] NOT NULL,
    ids bytea NOT NULL,
    PRIMARY KEY (complex, number, first)
);
ALTER TABLE batch_slices ALTER COLUMN ids SET STORAGE EXTERNAL;
COMMENT ON TABLE batch_slices IS 'the ids of a large batch behind those that its row in complex_batches has, each up to the next first';

CREATE VIEW batch_identities AS
SELECT complex, number, first, runs, ids FROM complex_batches
UNION ALL
SELECT complex, number, first, runs, ids FROM batch_slices;
COMMENT ON VIEW batch_identities IS 'the ids of accepted events, of large batches slice by slice';

CREATE TABLE chain_repairs (
    complex text NOT NULL,
    number bigint NOT NULL,
    previous text NOT NULL,
    PRIMARY KEY (complex, number, previous)
);

CREATE TABLE absent_numbers (
    complex text NOT NULL,
    what text NOT NULL CHECK (what IN ('batch', 'event')),
    first bigint NOT NULL,
    last bigint NOT NULL,
    ticket uuid,
    PRIMARY KEY (complex, what, last)
);
COMMENT ON TABLE absent_numbers IS 'disjoint intervals of numbers that did not come; without a ticket it is not certain yet that they are missing';

CREATE TABLE meter_marks (
    complex text NOT NULL,
    unit text NOT NULL,
    sequence bigint NOT NULL,
    meters bigint[],
    PRIMARY KEY (complex, unit, sequence)
);

CREATE TABLE meter_sums (
    complex text NOT NULL,
    unit text NOT NULL,
    sequence bigint NOT NULL,
    sums text NOT NULL,
    PRIMARY KEY (complex, unit, sequence)
);
COMMENT ON TABLE meter_sums IS 'what events moved the meters by, until all events between two marks are there and were compared';

CREATE TABLE day_figures (
    complex text NOT NULL,
    day date NOT NULL,
    unit text NOT NULL,
    kind text NOT NULL,
    hour smallint NOT NULL,
    count bigint NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (complex, day, unit, kind, hour)
);

CREATE TABLE day_reports (
    complex text NOT NULL,
    day date NOT NULL,
    last_event bigint NOT NULL,
    receipt uuid NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (complex, day)
);

CREATE TABLE waiting_corrections (
    complex text NOT NULL,
    sequence bigint NOT NULL,
    original text NOT NULL,
    original_sequence bigint NOT NULL,
    PRIMARY KEY (complex, sequence)
);
CREATE INDEX waiting_corrections_original ON waiting_corrections (complex, original_sequence);

CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    kind text NOT NULL,
    complex text NOT NULL,
    owner text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    overdue boolean NOT NULL,
    closed_at timestamptz,
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL,
    detail jsonb NOT NULL
);
CREATE UNIQUE INDEX tickets_open ON tickets (complex, kind, subject) WHERE state = 'open';
CREATE INDEX tickets_due ON tickets (ledger, deadline) WHERE state = 'open' AND NOT overdue;
CREATE INDEX tickets_of_owner ON tickets (owner, opened_at, id);

CREATE TABLE notices (
    owner text NOT NULL,
    document text NOT NULL,
    operation text NOT NULL,
    day date NOT NULL,
    amount numeric NOT NULL,
    players text[] NOT NULL,
    PRIMARY KEY (owner, document)
);
COMMENT ON TABLE notices IS 'what the accepted FM-1s about winnings say, each document by its last version';

CREATE TABLE obligations (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    owner text NOT NULL,
    player text NOT NULL,
    day date NOT NULL,
    operation text NOT NULL,
    threshold numeric NOT NULL,
    deadline timestamptz NOT NULL,
    total numeric NOT NULL,
    events bigint NOT NULL,
    reported numeric NOT NULL,
    overdue boolean NOT NULL,
    revision integer NOT NULL,
    opened_at timestamptz,
    closed_at timestamptz,
    own bigint NOT NULL DEFAULT 1,
    matter text NOT NULL DEFAULT ''
);
COMMENT ON TABLE obligations IS 'sums of winnings paid; an FM-1 is due where the threshold was reached, that is where the revision is not 0';
COMMENT ON COLUMN obligations.own IS 'how many of the events are of the day itself, not of the days before it that count with it';
COMMENT ON COLUMN obligations.matter IS 'the class of luxury goods, empty for all else';
CREATE INDEX obligations_due ON obligations (ledger, deadline) WHERE revision > 0 AND closed_at IS NULL AND NOT overdue;
CREATE INDEX obligations_of_owner ON obligations (owner, opened_at, id) WHERE revision > 0;

-- Unique codes of luxury goods: one a thing, one an operation, for ever; some reserved in blocks for use off line.

CREATE TABLE luxury_codes (
    code text PRIMARY KEY CHECK (length(code) = 14),
    state text NOT NULL CHECK (state IN ('issued', 'reserved', 'returned')),
    owner text NOT NULL,
    at timestamptz NOT NULL,
    class text CHECK (state <> 'issued' OR class IS NOT NULL),
    identity bytea CHECK (identity IS NULL OR (octet_length(identity) = 32 AND state = 'issued')),
    identifiers text,
    item text,
    operation uuid,
    block uuid,
    expires_at timestamptz CHECK (state <> 'reserved' OR expires_at IS NOT NULL)
);
COMMENT ON TABLE luxury_codes IS 'a code of a thing has its identifiers, one of an operation its GUID and the code of its thing';
COMMENT ON COLUMN luxury_codes.identity IS 'SHA-256 of what the code stands for: the key by which the same thing, or operation, is found again';
COMMENT ON COLUMN luxury_codes.owner IS 'who asked first, or reserved it';
CREATE UNIQUE INDEX luxury_codes_identity ON luxury_codes (identity) WHERE identity IS NOT NULL;
CREATE INDEX luxury_codes_item ON luxury_codes (item, owner) WHERE item IS NOT NULL;
CREATE INDEX luxury_codes_block ON luxury_codes (owner, block) WHERE block IS NOT NULL;

CREATE TABLE luxury_blocks (
    owner text NOT NULL,
    block uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('T', 'D')),
    size integer NOT NULL CHECK (size > 0),
    reserved_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > reserved_at),
    PRIMARY KEY (owner, block)
);

CREATE TABLE luxury_unlogged (
    batch uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    body bytea NOT NULL
);
COMMENT ON TABLE luxury_unlogged IS 'groups of codes that were issued and do not stand in the log yet; the same bytes are logged once, whoever logs them';

CREATE TRIGGER settled BEFORE UPDATE ON luxury_codes FOR EACH ROW WHEN (OLD.state <> 'reserved') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON luxury_codes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON luxury_codes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON luxury_blocks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON luxury_blocks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE dealer_operations (
    family text NOT NULL,
    filer text NOT NULL,
    sequence bigint NOT NULL,
    guid text NOT NULL,
    filer_kind text NOT NULL,
    item text NOT NULL,
    matter text NOT NULL,
    entry bigint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    seller text,
    buyer text,
    price numeric,
    condition text,
    code text,
    corrects_sequence bigint,
    corrects_guid text,
    PRIMARY KEY (family, filer, sequence, guid)
);
COMMENT ON TABLE dealer_operations IS 'every accepted operation; one that another corrects stays, and counts no more';
CREATE INDEX dealer_operations_item ON dealer_operations (item) WHERE item <> '';
CREATE INDEX dealer_operations_corrects ON dealer_operations (family, filer, corrects_sequence, corrects_guid)
    WHERE corrects_sequence IS NOT NULL;

CREATE TABLE chain_findings (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    item text NOT NULL,
    remark text NOT NULL CHECK (remark IN ('owner', 'price', 'new')),
    family text NOT NULL,
    filer text NOT NULL,
    sequence bigint NOT NULL,
    guid text NOT NULL,
    open boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    changed_at timestamptz NOT NULL,
    revision integer NOT NULL,
    detail jsonb NOT NULL
);
CREATE INDEX chain_findings_item ON chain_findings (item);

-- Archives: partitions of the log that were moved to files. Their receipts stay, so that every duplicate still gets its own.

CREATE TABLE archived_entries (
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    receipt_id uuid NOT NULL,
    sender text NOT NULL,
    received_at timestamptz NOT NULL,
    receipt text STORAGE EXTERNAL NOT NULL,
    leaf bytea NOT NULL,
    chain bytea NOT NULL,
    PRIMARY KEY (ledger, seq)
) PARTITION BY RANGE (seq);
COMMENT ON TABLE archived_entries IS 'what stays of an entry whose body and records are in an archive';

CREATE VIEW receipts AS
SELECT ledger, seq, receipt_id, sender, received_at, receipt, leaf, chain FROM entries
UNION ALL
SELECT ledger, seq, receipt_id, sender, received_at, receipt, leaf, chain FROM archived_entries;
COMMENT ON VIEW receipts IS 'every entry that was ever appended, whether its bytes are here or in an archive';

CREATE VIEW entry_partitions AS
SELECT substring(relname FROM '[0-9]+$')::integer AS number, bounds[1]::bigint AS low, bounds[2]::bigint AS high
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
CROSS JOIN LATERAL regexp_match(pg_get_expr(relpartbound, pg_class.oid), 'FROM \(''([0-9]+)''\) TO \(''([0-9]+)''\)') AS bounds
WHERE inhparent = 'entries'::regclass;
COMMENT ON VIEW entry_partitions IS 'the partitions of the log: low <= seq < high';

CREATE TABLE archive_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition integer NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    action text NOT NULL CHECK (action IN ('detached', 'restored', 'discarded')),
    manifest bytea NOT NULL CHECK (octet_length(manifest) = 32),
    at timestamptz NOT NULL DEFAULT now(),
    role text NOT NULL DEFAULT session_user,
    person text NOT NULL
);
COMMENT ON TABLE archive_actions IS 'who moved which partition out of the log or back, under which archive; kept for ever';
COMMENT ON COLUMN archive_actions.manifest IS 'SHA-256 of the archive''s manifest';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON archived_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON archived_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON archive_actions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON archive_actions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The oldest partition, once nobody needs it: every ledger has grown past it, was checkpointed and overseen past it.
CREATE FUNCTION detach_partition(wanted integer, archive bytea, by_person text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    span entry_partitions;
    name CONSTANT text := format('entries_%s', lpad(wanted::text, 6, '0'));
    kept CONSTANT text := format('archived_entries_%s', lpad(wanted::text, 6, '0'));
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gateway.journal.partitions'));
    SELECT * INTO span FROM entry_partitions ORDER BY low LIMIT 1;
    IF span.number IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'the oldest partition of the log is %, not %', span.number, wanted USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM ledgers
    LEFT JOIN oversight_positions ON oversight_positions.ledger = ledgers.ledger
    WHERE ledgers.seq < span.high OR coalesce(oversight_positions.seq, 0) < span.high - 1
        OR NOT EXISTS (SELECT FROM checkpoints WHERE checkpoints.ledger = ledgers.ledger AND checkpoints.seq >= span.high - 1);
    IF FOUND THEN
        RAISE EXCEPTION 'partition % is still needed', wanted USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE archived_entries INCLUDING ALL)', kept);
    EXECUTE format('INSERT INTO %I SELECT ledger, seq, receipt_id, sender, received_at, receipt, leaf, chain FROM %I ORDER BY ledger, seq', kept, name);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', kept);
    EXECUTE format('ALTER TABLE archived_entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', kept, span.low, span.high);
    INSERT INTO archive_actions (partition, low, high, action, manifest, person)
    VALUES (wanted, span.low, span.high, 'detached', archive, by_person);
    -- a list of parts begins with 0x03 and has 40 bytes a part, see parts.py; the length is told without reading a body
    EXECUTE format('INSERT INTO archived_parts (receipt_id) SELECT receipt_id FROM %I WHERE octet_length(body) %% 40 = 1 AND substr(body, 1, 1) = ''\x03''', name);
    -- last, for it stops appends and reads until the commit
    EXECUTE format('ALTER TABLE entries DETACH PARTITION %I', name);
    EXECUTE format('DROP TABLE %I', name);
END
$$;

-- An empty table for the entries of an archive, not yet part of the log: for the partition that was detached last.
CREATE FUNCTION begin_restore(wanted integer, archive bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_one archive_actions;
    name CONSTANT text := format('entries_%s', lpad(wanted::text, 6, '0'));
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gateway.journal.partitions'));
    SELECT * INTO last_one FROM archive_actions WHERE partition = wanted ORDER BY id DESC LIMIT 1;
    IF NOT FOUND OR last_one.action = 'restored' THEN
        RAISE EXCEPTION 'partition % is not archived', wanted USING ERRCODE = 'restrict_violation';
    END IF;
    IF last_one.manifest <> archive THEN
        RAISE EXCEPTION 'partition % went into another archive', wanted USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM entry_partitions WHERE low < last_one.high;
    IF FOUND OR NOT EXISTS (SELECT FROM entry_partitions WHERE low = last_one.high) THEN
        RAISE EXCEPTION 'a later partition is archived: restore that one first' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM archived_parts) THEN
        RAISE EXCEPTION 'parts of archived entries are still being deleted: try again' USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING ALL)', name);
    RETURN name;
END
$$;

-- The filled table becomes part of the log, if it says of every entry what stayed of it.
CREATE FUNCTION finish_restore(wanted integer, by_person text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_one archive_actions;
    other boolean;
    name CONSTANT text := format('entries_%s', lpad(wanted::text, 6, '0'));
    kept CONSTANT text := format('archived_entries_%s', lpad(wanted::text, 6, '0'));
BEGIN
    SELECT * INTO last_one FROM archive_actions WHERE partition = wanted ORDER BY id DESC LIMIT 1;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %I AS come FULL JOIN %I AS stayed USING (ledger, seq)
            WHERE (come.receipt_id, come.sender, come.received_at, come.receipt, come.leaf, come.chain)
                IS DISTINCT FROM (stayed.receipt_id, stayed.sender, stayed.received_at, stayed.receipt, stayed.leaf, stayed.chain))',
        name, kept
    ) INTO other;
    IF other THEN
        RAISE EXCEPTION 'the archive does not hold what was detached' USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, last_one.low, last_one.high);
    INSERT INTO archive_actions (partition, low, high, action, manifest, person)
    VALUES (wanted, last_one.low, last_one.high, 'restored', last_one.manifest, by_person);
    EXECUTE format('ALTER TABLE archived_entries DETACH PARTITION %I', kept);
    EXECUTE format('DROP TABLE %I', kept);
END
$$;

REVOKE ALL ON FUNCTION detach_partition(integer, bytea, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION begin_restore(integer, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION finish_restore(integer, text) FROM PUBLIC;

-- Large messages. Their bodies and records are kept in parts, put in before the entry that names them.

CREATE TABLE stagings (
    receipt_id uuid PRIMARY KEY,
    touched_at timestamptz NOT NULL DEFAULT now(),
    given_up boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE stagings IS 'large messages that are being put in; a row goes in the transaction that appends the entry, or when the message is given up';

CREATE TABLE entry_parts (
    receipt_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('body', 'records')),
    number integer NOT NULL CHECK (number >= 0),
    bytes bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (receipt_id, kind, number)
);
COMMENT ON TABLE entry_parts IS 'bodies and records of entries that hold the digests of these parts in their place; compressed by the gateway (zstd)';

CREATE TABLE archived_parts (
    receipt_id uuid PRIMARY KEY
);
COMMENT ON TABLE archived_parts IS 'large entries that went into an archive, until their parts here are deleted';

-- Parts of an entry stay as long as the entry; those of a message that has none yet may be deleted, never changed.
CREATE FUNCTION refuse_change_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND (
        NOT EXISTS (SELECT FROM filings WHERE filings.receipt_id = OLD.receipt_id)
        OR EXISTS (SELECT FROM archived_parts WHERE archived_parts.receipt_id = OLD.receipt_id)
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% takes new rows only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entry_parts FOR EACH ROW EXECUTE FUNCTION refuse_change_of_part();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON entry_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Whoever gives up must have the row of the staging, as whoever appends must: only one of them ever has it.
-- Some parts at a time, so that no statement takes long; true while there are more.
CREATE FUNCTION give_up_staging(given uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE stagings SET given_up = true WHERE receipt_id = given;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM entry_parts WHERE receipt_id = given
        AND (kind, number) IN (SELECT kind, number FROM entry_parts WHERE receipt_id = given LIMIT 64);
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM stagings WHERE receipt_id = given;
    RETURN false;
END
$$;

-- What a process left that ended in the middle: nothing came for an hour. True while there is more to be swept.
CREATE FUNCTION sweep_stagings() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old uuid;
BEGIN
    SELECT receipt_id INTO old FROM stagings WHERE touched_at < now() - interval '1 hour'
    ORDER BY touched_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM give_up_staging(old);
    RETURN true;
END
$$;

-- The parts of entries that went into archives: some at a time, so that no statement takes long; true while there is more.
CREATE FUNCTION drop_archived_parts() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    going uuid;
BEGIN
    SELECT receipt_id INTO going FROM archived_parts ORDER BY receipt_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM entry_parts WHERE receipt_id = going
        AND (kind, number) IN (SELECT kind, number FROM entry_parts WHERE receipt_id = going LIMIT 64);
    IF NOT FOUND THEN
        DELETE FROM archived_parts WHERE receipt_id = going;
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION drop_archived_parts() FROM PUBLIC;

-- The FMA's people, tokens that were used up, and the audit log of who did what.

CREATE TABLE people (
    id text PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('officer', 'analyst', 'administrator', 'auditor')),
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    enrolled_at timestamptz NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE person_certificates (
    fingerprint text PRIMARY KEY,
    person text NOT NULL REFERENCES people,
    pem text NOT NULL,
    enrolled_at timestamptz NOT NULL,
    revoked_at timestamptz,
    version bigint NOT NULL
);
CREATE INDEX person_certificates_person ON person_certificates (person);

CREATE TABLE spent_tokens (
    fingerprint text NOT NULL,
    token_id text NOT NULL,
    spent_until timestamptz NOT NULL,
    PRIMARY KEY (fingerprint, token_id)
);
COMMENT ON TABLE spent_tokens IS 'tokens that changed something, until they would be refused as expired anyway; no longer';
CREATE INDEX spent_tokens_until ON spent_tokens (spent_until);

CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq bigint NOT NULL CHECK (seq >= 0),
    chain bytea NOT NULL CHECK (octet_length(chain) = 32)
);
COMMENT ON TABLE audit_head IS 'the head of the audit log; its row lock gives the order of entries';
INSERT INTO audit_head (seq, chain) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE TABLE audit_entries (
    seq bigint PRIMARY KEY CHECK (seq >= 1),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('http', 'command')),
    action text NOT NULL,
    subject text NOT NULL,
    purpose text NOT NULL,
    detail text NOT NULL,
    leaf bytea NOT NULL,
    chain bytea NOT NULL
);
COMMENT ON TABLE audit_entries IS 'who read or changed what, when and why; kept for ever';
COMMENT ON COLUMN audit_entries.detail IS 'the exact bytes of a JSON object, since the leaf is over them';

CREATE TABLE audit_checkpoints (
    seq bigint PRIMARY KEY,
    chain bytea NOT NULL,
    made_at timestamptz NOT NULL,
    jws text NOT NULL
);

CREATE FUNCTION refuse_audit_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.only_row AND NEW.seq > OLD.seq THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the head of the audit log only moves forward: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_forward BEFORE UPDATE OR DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION refuse_audit_going_back();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON person_certificates FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The gateway's keys, event by event, and what witnesses say of checkpoints.

CREATE TABLE gateway_keys (
    number bigint PRIMARY KEY CHECK (number > 0),
    kid text NOT NULL,
    state text NOT NULL CHECK (state IN ('next', 'current', 'retired', 'compromised')),
    since timestamptz NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL,
    reason text NOT NULL,
    certificate text NOT NULL
);
COMMENT ON TABLE gateway_keys IS 'what was decided of each key of the gateway, by whom and when; never changed, so that old seals can be judged for ever';
COMMENT ON COLUMN gateway_keys.since IS 'next: when it may seal at the earliest; current, retired: from when; compromised: the moment it got out';

CREATE TABLE cosignatures (
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    witness text NOT NULL,
    chain bytea NOT NULL CHECK (octet_length(chain) = 32),
    seen_at timestamptz NOT NULL,
    jws text NOT NULL,
    PRIMARY KEY (ledger, seq, witness)
);
COMMENT ON TABLE cosignatures IS 'the word of a witness that a checkpoint extends what it saw before';
CREATE INDEX cosignatures_newest ON cosignatures (ledger, witness, seq);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON gateway_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON gateway_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON cosignatures FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON cosignatures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a time-stamping service (RFC 3161) said of checkpoints.

CREATE TABLE timestamps (
    ledger integer NOT NULL,
    seq bigint NOT NULL,
    stamped_at timestamptz NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    token bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (ledger, seq)
);
COMMENT ON TABLE timestamps IS 'the word of a time-stamping service that the JWS of a checkpoint was there at a moment; ledger -1 is the audit log';
COMMENT ON COLUMN timestamps.token IS 'the answer of the service as it came: a TimeStampResp in DER';
COMMENT ON COLUMN timestamps.sha256 IS 'SHA-256 of the token, some bytes of which are under no signature';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON timestamps FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON timestamps FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
