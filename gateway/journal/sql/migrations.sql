-- What the migrations say to PostgreSQL about themselves.

-- name: create_migrations
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: lock_migrations
SELECT pg_advisory_lock(hashtext('gateway.journal.migrations'));

-- name: unlock_migrations
SELECT pg_advisory_unlock(hashtext('gateway.journal.migrations'));

-- name: applied_migrations
SELECT number, name, sha256 FROM migrations ORDER BY number;

-- name: record_migration
INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3);

-- name: add_ledgers
INSERT INTO ledgers (ledger, seq, chain)
SELECT number, 0, decode(repeat('00', 32), 'hex') FROM generate_series(0, $1::integer - 1) AS number;
