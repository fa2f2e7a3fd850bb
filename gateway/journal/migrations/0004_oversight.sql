-- deploy: pre
-- Oversight: what its reader of the log knows of the complexes. All of it follows from the log.

CREATE TABLE oversight_positions (
    ledger integer PRIMARY KEY,
    epoch bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0)
);
COMMENT ON TABLE oversight_positions IS 'how far each ledger was overseen; a new overseer raises the epoch and so fences the one before';

CREATE TABLE register (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
COMMENT ON TABLE register IS 'one row; its version grows with every change of a complex, its row lock gives the order of changes';
INSERT INTO register (version) VALUES (0);

CREATE TABLE complexes (
    id text PRIMARY KEY,
    owner text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'retired')),
    kind text NOT NULL,
    name text NOT NULL,
    premises text NOT NULL,
    heartbeat_seconds integer NOT NULL,
    certificate text,
    units jsonb NOT NULL,
    software text[] NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX complexes_version ON complexes (version);
CREATE INDEX complexes_owner ON complexes (owner, id);

CREATE TABLE complex_progress (
    complex text PRIMARY KEY REFERENCES complexes,
    ledger integer NOT NULL,
    top_batch bigint NOT NULL,
    top_event bigint NOT NULL,
    received_batches bigint NOT NULL,
    heard_at timestamptz,
    clock_ms bigint
);

CREATE TABLE complex_batches (
    complex text NOT NULL,
    number bigint NOT NULL,
    seq bigint NOT NULL,
    sha256 bytea NOT NULL,
    previous bytea NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (complex, number)
);
CREATE INDEX complex_batches_events ON complex_batches (complex, first);

CREATE TABLE chain_repairs (
    complex text NOT NULL,
    number bigint NOT NULL,
    previous text NOT NULL,
    PRIMARY KEY (complex, number, previous)
);

CREATE TABLE absent_numbers (
    complex text NOT NULL,
    what text NOT NULL CHECK (what IN ('batch', 'event')),
    first bigint NOT NULL,
    last bigint NOT NULL,
    ticket uuid,
    PRIMARY KEY (complex, what, last)
);
COMMENT ON TABLE absent_numbers IS 'disjoint intervals of numbers that did not come; without a ticket it is not certain yet that they are missing';

CREATE TABLE meter_marks (
    complex text NOT NULL,
    unit text NOT NULL,
    sequence bigint NOT NULL,
    meters bigint[],
    PRIMARY KEY (complex, unit, sequence)
);

CREATE TABLE meter_sums (
    complex text NOT NULL,
    unit text NOT NULL,
    sequence bigint NOT NULL,
    sums text NOT NULL,
    PRIMARY KEY (complex, unit, sequence)
);
COMMENT ON TABLE meter_sums IS 'what events moved the meters by, until all events between two marks are there and were compared';

CREATE TABLE day_figures (
    complex text NOT NULL,
    day date NOT NULL,
    unit text NOT NULL,
    kind text NOT NULL,
    hour smallint NOT NULL,
    count bigint NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (complex, day, unit, kind, hour)
);

CREATE TABLE day_reports (
    complex text NOT NULL,
    day date NOT NULL,
    last_event bigint NOT NULL,
    receipt uuid NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (complex, day)
);

CREATE TABLE waiting_corrections (
    complex text NOT NULL,
    sequence bigint NOT NULL,
    original text NOT NULL,
    original_sequence bigint NOT NULL,
    PRIMARY KEY (complex, sequence)
);
CREATE INDEX waiting_corrections_original ON waiting_corrections (complex, original_sequence);

CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    kind text NOT NULL,
    complex text NOT NULL,
    owner text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    overdue boolean NOT NULL,
    closed_at timestamptz,
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL,
    detail jsonb NOT NULL
);
CREATE UNIQUE INDEX tickets_open ON tickets (complex, kind, subject) WHERE state = 'open';
CREATE INDEX tickets_due ON tickets (ledger, deadline) WHERE state = 'open' AND NOT overdue;
CREATE INDEX tickets_of_owner ON tickets (owner, opened_at, id);

CREATE TABLE obligations (
    id uuid PRIMARY KEY,
    ledger integer NOT NULL,
    owner text NOT NULL,
    player text NOT NULL,
    day date NOT NULL,
    operation text NOT NULL,
    threshold numeric NOT NULL,
    deadline timestamptz NOT NULL,
    total numeric NOT NULL,
    events bigint NOT NULL,
    reported numeric NOT NULL,
    overdue boolean NOT NULL,
    revision integer NOT NULL,
    opened_at timestamptz,
    closed_at timestamptz
);
COMMENT ON TABLE obligations IS 'sums of winnings paid; an FM-1 is due where the threshold was reached, that is where the revision is not 0';
CREATE INDEX obligations_due ON obligations (ledger, deadline) WHERE revision > 0 AND closed_at IS NULL AND NOT overdue;
CREATE INDEX obligations_of_owner ON obligations (owner, opened_at, id) WHERE revision > 0;
