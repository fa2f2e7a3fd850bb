-- deploy: pre
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
