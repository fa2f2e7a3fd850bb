-- deploy: pre
-- Oversight of dealers: their operations, and where the chain of a thing does not hold. All of it follows from the log.

CREATE TABLE dealer_operations (
    family text NOT NULL,
    filer text NOT NULL,
    sequence bigint NOT NULL,
    guid text NOT NULL,
    filer_kind text NOT NULL,
    item text NOT NULL,
    matter text NOT NULL,
    entry bigint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    seller text,
    buyer text,
    price numeric,
    condition text,
    code text,
    corrects_sequence bigint,
    corrects_guid text,
    PRIMARY KEY (family, filer, sequence, guid)
);
COMMENT ON TABLE dealer_operations IS 'every accepted operation; one that another corrects stays, and counts no more';
CREATE INDEX dealer_operations_item ON dealer_operations (item) WHERE item <> '';
CREATE INDEX dealer_operations_corrects ON dealer_operations (family, filer, corrects_sequence, corrects_guid)
    WHERE corrects_sequence IS NOT NULL;

CREATE TABLE chain_findings (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    item text NOT NULL,
    remark text NOT NULL CHECK (remark IN ('owner', 'price', 'new')),
    family text NOT NULL,
    filer text NOT NULL,
    sequence bigint NOT NULL,
    guid text NOT NULL,
    open boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    changed_at timestamptz NOT NULL,
    revision integer NOT NULL,
    detail jsonb NOT NULL
);
CREATE INDEX chain_findings_item ON chain_findings (item);

ALTER TABLE obligations ADD COLUMN own bigint NOT NULL DEFAULT 1;
ALTER TABLE obligations ADD COLUMN matter text NOT NULL DEFAULT '';
COMMENT ON COLUMN obligations.own IS 'how many of the events are of the day itself, not of the days before it that count with it';
COMMENT ON COLUMN obligations.matter IS 'the class of luxury goods, empty for all else';
