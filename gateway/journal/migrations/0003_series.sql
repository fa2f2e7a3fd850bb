-- deploy: pre
-- Messages that their source numbers 1, 2, 3 ...: of each number one is accepted, for ever.

ALTER TABLE entries ADD COLUMN series text, ADD COLUMN number bigint;

ALTER TABLE filings ADD COLUMN series text, ADD COLUMN number bigint;
CREATE UNIQUE INDEX filings_accepted_number ON filings (sender, series, number) WHERE accepted AND series IS NOT NULL;
