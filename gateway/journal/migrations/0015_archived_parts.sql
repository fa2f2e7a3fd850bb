-- deploy: pre
-- Archives hold large entries too: their parts leave PostgreSQL once the entries have left the log.

CREATE TABLE archived_parts (
    receipt_id uuid PRIMARY KEY
);
COMMENT ON TABLE archived_parts IS 'large entries that went into an archive, until their parts here are deleted';

-- Parts of an entry stay as long as the entry; those of a message that has none yet may be deleted, never changed.
CREATE OR REPLACE FUNCTION refuse_change_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The oldest partition, once nobody needs it: every ledger has grown past it, was checkpointed and overseen past it.
CREATE OR REPLACE FUNCTION detach_partition(wanted integer, archive bytea, by_person text) RETURNS void
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
CREATE OR REPLACE FUNCTION begin_restore(wanted integer, archive bytea) RETURNS text
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
