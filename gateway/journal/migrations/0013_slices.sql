-- deploy: pre
-- A large batch is overseen slice by slice: some thousand events a transaction.

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

COMMENT ON COLUMN oversight_positions.part IS 'how much of the entry behind seq was overseen: parts of its records, of a batch its events';
