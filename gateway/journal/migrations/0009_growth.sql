-- deploy: pre
-- Growth. Archives: partitions of the log that were moved to files; their receipts stay, so that every duplicate gets its own.

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

-- Keys of 16 bytes instead of 84: the index is a quarter as long, and as many fewer pages are written after a checkpoint.
-- A sender that makes two documents of one key (MD5 lets it) has the second refused; nobody can meet another's key.
CREATE FUNCTION document_key(sender text, document text, version text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN md5(sender || '/' || document || '/' || version)::uuid;
DROP INDEX filings_accepted_document;
CREATE UNIQUE INDEX filings_accepted_document ON filings (document_key(sender, document, version)) WHERE accepted;
