-- deploy: pre
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
    version bigint NOT NULL
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
