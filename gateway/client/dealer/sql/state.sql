-- What a dealer's program remembers of what it has filed: one file beside the key.

-- name: schema
CREATE TABLE dealer (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    series TEXT NOT NULL,
    reports INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    asked INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    body BLOB,
    receipt TEXT
) STRICT;
CREATE TABLE operations (
    id BLOB PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_of_message ON operations (number);

-- name: begin
INSERT INTO dealer (only_row, series, reports, operations, asked) VALUES (1, ?, 0, 0, 0);

-- name: position
SELECT series, reports, operations, asked FROM dealer;

-- name: move
UPDATE dealer SET reports = ?, operations = ?, asked = 1;

-- name: ask_anew
UPDATE dealer SET asked = 0;

-- name: remembered
SELECT DISTINCT number FROM operations;

-- name: add_document
INSERT OR IGNORE INTO documents (id) VALUES (?);

-- name: known_document
SELECT 1 FROM documents WHERE id = ?;

-- name: known
SELECT 1 FROM operations WHERE id = ?;

-- name: add_operation
INSERT OR IGNORE INTO operations (id, number) VALUES (?, ?);

-- name: add_message
INSERT INTO messages (number, first, last, sha256, body, receipt) VALUES (?, ?, ?, ?, ?, NULL);

-- name: waiting
SELECT number, first, last, sha256, body FROM messages WHERE receipt IS NULL ORDER BY number;

-- name: filed
UPDATE messages SET receipt = ?, body = NULL WHERE number = ?;

-- name: forget_operation
DELETE FROM operations WHERE id = ?;

-- name: forget_operations_from
DELETE FROM operations WHERE number >= ?;

-- name: forget_messages_from
DELETE FROM messages WHERE number >= ?;
