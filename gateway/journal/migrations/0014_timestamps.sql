-- deploy: pre
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
