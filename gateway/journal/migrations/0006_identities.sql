-- deploy: pre
-- The ids of accepted events by batch, so that an event which a correction names is found without reading its batch.

ALTER TABLE complex_batches ADD COLUMN runs bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE complex_batches ADD COLUMN ids bytea NOT NULL DEFAULT '';
ALTER TABLE complex_batches ALTER COLUMN ids SET STORAGE EXTERNAL;
COMMENT ON COLUMN complex_batches.ids IS '16 bytes for each accepted event in the order of their sequences, which are the runs';
