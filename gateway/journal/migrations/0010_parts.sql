-- deploy: pre
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

-- Parts of an entry stay for ever; those of a message that has none yet may be deleted, never changed.
CREATE FUNCTION refuse_change_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM filings WHERE filings.receipt_id = OLD.receipt_id) THEN
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

-- A large entry is overseen in several steps.
ALTER TABLE oversight_positions ADD COLUMN part integer NOT NULL DEFAULT 0 CHECK (part >= 0);
COMMENT ON COLUMN oversight_positions.part IS 'how many parts of the records of the entry behind seq were overseen';
