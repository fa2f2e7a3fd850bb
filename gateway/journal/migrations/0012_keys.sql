-- deploy: pre
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

ALTER TABLE checkpoints ADD COLUMN cosignatures text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN checkpoints.cosignatures IS 'the newest co-signature of each witness when the checkpoint was made, published with it';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON gateway_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON gateway_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON cosignatures FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON cosignatures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
