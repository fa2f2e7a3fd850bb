-- name: schema
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    complex TEXT NOT NULL,
    last_event INTEGER NOT NULL,   -- the highest sequence given
    batched_event INTEGER NOT NULL, -- the highest sequence that is in a batch
    last_batch INTEGER NOT NULL,
    last_hash TEXT NOT NULL,
    halted TEXT                     -- why nothing is sent any more, as JSON; NULL while all is well
) STRICT;
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    taken_at INTEGER NOT NULL,      -- milliseconds since 1970
    content BLOB NOT NULL           -- JSON
) STRICT;
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    hash TEXT NOT NULL,             -- SHA-256 of the bytes as sent
    made_at TEXT NOT NULL,
    answered_at INTEGER,            -- milliseconds since 1970; NULL until there is a receipt that accepts
    receipt BLOB,                   -- its facts, as JSON
    body BLOB NOT NULL              -- those bytes, zstd; last, so that the others are read without it
) STRICT;
CREATE TABLE withdrawn (            -- batches that were refused or lost a fork: kept as evidence
    at TEXT NOT NULL,
    number INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    hash TEXT NOT NULL,
    body BLOB NOT NULL,
    why TEXT NOT NULL
) STRICT;
