-- What issuing and checking unique codes says to PostgreSQL.

-- name: luxury_by_code
SELECT code, state, owner, at, class, identity, identifiers, item, operation, block, expires_at
FROM luxury_codes WHERE code = ANY($1::text[]);

-- name: luxury_by_identity
SELECT code, state, owner, at, class, identity, identifiers, item, operation, block, expires_at
FROM luxury_codes WHERE identity = ANY($1::bytea[]);

-- name: luxury_issue
INSERT INTO luxury_codes (code, state, owner, at, class, identity, identifiers, item, operation)
SELECT new.code, 'issued', new.owner, $1, new.class, new.identity, new.identifiers, new.item, new.operation
FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::uuid[])
    AS new (code, owner, class, identity, identifiers, item, operation)
ORDER BY new.identity
ON CONFLICT (identity) WHERE identity IS NOT NULL DO NOTHING
RETURNING code, state, owner, at, class, identity, identifiers, item, operation, block, expires_at;

-- name: luxury_use
UPDATE luxury_codes SET state = 'issued', at = $1, class = new.class, identity = new.identity,
    identifiers = new.identifiers, item = new.item, operation = new.operation
FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::uuid[])
    AS new (code, owner, class, identity, identifiers, item, operation)
WHERE luxury_codes.code = new.code AND luxury_codes.owner = new.owner
    AND luxury_codes.state = 'reserved' AND luxury_codes.expires_at > $1
RETURNING luxury_codes.code, luxury_codes.state, luxury_codes.owner, luxury_codes.at, luxury_codes.class,
    luxury_codes.identity, luxury_codes.identifiers, luxury_codes.item, luxury_codes.operation, luxury_codes.block,
    luxury_codes.expires_at;

-- name: luxury_keep_unlogged
INSERT INTO luxury_unlogged (batch, at, body) VALUES ($1, $2, $3);

-- name: luxury_unlogged
SELECT batch, at, body FROM luxury_unlogged WHERE at < $1 ORDER BY at LIMIT 16;

-- name: luxury_unhurried
SELECT set_config('synchronous_commit', 'off', true);

-- name: luxury_logged
DELETE FROM luxury_unlogged WHERE batch = $1;

-- name: luxury_operations_of
SELECT code, state, owner, at, class, identity, identifiers, item, operation, block, expires_at
FROM luxury_codes WHERE item = $1 AND owner = $2 ORDER BY at DESC LIMIT 100;

-- name: luxury_lock_owner
SELECT pg_advisory_xact_lock(hashtext('gateway.luxury.blocks'), hashtext($1));

-- name: luxury_open_reservations
SELECT coalesce(sum(size), 0) FROM luxury_blocks WHERE owner = $1 AND expires_at > $2;

-- name: luxury_add_block
INSERT INTO luxury_blocks (owner, block, kind, size, reserved_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: luxury_reserve
INSERT INTO luxury_codes (code, state, owner, at, block, expires_at)
SELECT code, 'reserved', $2, $3, $4, $5 FROM unnest($1::text[]) AS new (code);

-- name: luxury_blocks
SELECT block, kind, size, reserved_at, expires_at FROM luxury_blocks
WHERE owner = $1 AND ($2::uuid IS NULL OR block = $2) ORDER BY reserved_at DESC, block LIMIT 100;

-- name: luxury_codes_of_block
SELECT code, state, owner, at, class, identity, identifiers, item, operation, block, expires_at
FROM luxury_codes WHERE owner = $1 AND block = $2 ORDER BY code;

-- name: luxury_give_back
UPDATE luxury_codes SET state = 'returned', at = $3
WHERE owner = $1 AND block = $2 AND state = 'reserved' AND ($4::text[] IS NULL OR code = ANY($4::text[]))
RETURNING code;
