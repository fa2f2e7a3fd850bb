-- deploy: pre
-- The FMA's people, tokens that were used up, certificates that were revoked, and the audit log of who did what.

ALTER TABLE certificates ADD COLUMN revoked_at timestamptz;

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
