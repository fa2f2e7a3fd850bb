-- The FMA's people, tokens that were used up, and the audit log.

-- name: page_of_entities
SELECT identifier, identifier_kind, kind, name, state,
    ARRAY(SELECT fingerprint FROM certificates WHERE certificates.identifier = entities.identifier AND revoked_at IS NULL)
        AS certificates
FROM entities WHERE identifier > $1 ORDER BY identifier LIMIT $2;

-- name: people
SELECT id, name, role, state,
    ARRAY(SELECT fingerprint FROM person_certificates WHERE person = people.id AND revoked_at IS NULL ORDER BY 1)
        AS certificates
FROM people ORDER BY id;

-- name: person
SELECT id, name, role, state,
    ARRAY(SELECT fingerprint FROM person_certificates WHERE person = people.id AND revoked_at IS NULL ORDER BY 1)
        AS certificates
FROM people WHERE id = $1;

-- name: put_person
INSERT INTO people (id, name, role, state, enrolled_at, version) VALUES ($1, $2, $3, 'active', $4, $5)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, role = EXCLUDED.role, version = EXCLUDED.version;

-- name: set_person_state
UPDATE people SET state = $2, version = $3 WHERE id = $1;

-- name: add_person_certificate
INSERT INTO person_certificates (fingerprint, person, pem, enrolled_at, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (fingerprint) DO NOTHING;

-- name: revoke_person_certificate
UPDATE person_certificates SET revoked_at = $3, version = $4
WHERE fingerprint = $2 AND person = $1 AND revoked_at IS NULL RETURNING fingerprint;

-- name: holders_of_certificates
SELECT fingerprint, identifier AS holder, revoked_at, 'entity' AS what FROM certificates
WHERE fingerprint = ANY ($1::text[])
UNION ALL
SELECT fingerprint, person, revoked_at, 'person' FROM person_certificates WHERE fingerprint = ANY ($1::text[]);

-- name: person_certificates
SELECT certificates.fingerprint, certificates.person, certificates.pem
FROM person_certificates AS certificates
JOIN people ON people.id = certificates.person
WHERE certificates.revoked_at IS NULL AND people.state = 'active';

-- name: spend_token
INSERT INTO spent_tokens (fingerprint, token_id, spent_until) VALUES ($1, $2, $3)
ON CONFLICT (fingerprint, token_id) DO NOTHING RETURNING true;

-- name: forget_spent_tokens
DELETE FROM spent_tokens USING (
    SELECT fingerprint, token_id FROM spent_tokens WHERE spent_until < $1
    ORDER BY spent_until LIMIT 1000 FOR UPDATE SKIP LOCKED
) AS old
WHERE spent_tokens.fingerprint = old.fingerprint AND spent_tokens.token_id = old.token_id;

-- name: lock_audit_head
SELECT seq, chain FROM audit_head FOR UPDATE;

-- name: audit_head
SELECT seq, chain FROM audit_head;

-- name: add_audit_entry
INSERT INTO audit_entries (seq, at, actor, role, channel, action, subject, purpose, detail, leaf, chain)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: move_audit_head
UPDATE audit_head SET seq = $1, chain = $2;

-- name: audit_page
SELECT seq, at, actor, role, channel, action, subject, purpose, detail, leaf, chain FROM audit_entries
WHERE seq > $1 AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR subject = $4)
ORDER BY seq LIMIT $2;

-- name: every_audit_entry
SELECT seq, at, actor, role, channel, action, subject, purpose, detail, leaf, chain FROM audit_entries ORDER BY seq;

-- name: every_audit_checkpoint
SELECT seq, chain, made_at, jws FROM audit_checkpoints ORDER BY seq;

-- name: store_audit_checkpoint
INSERT INTO audit_checkpoints (seq, chain, made_at, jws) VALUES ($1, $2, $3, $4)
ON CONFLICT (seq) DO NOTHING;

-- name: latest_audit_checkpoint
SELECT seq, chain, made_at, jws FROM audit_checkpoints ORDER BY seq DESC LIMIT 1;

-- name: find_message
SELECT filings.receipt_id, filings.ledger, filings.seq, receipts.receipt
FROM filings
JOIN receipts ON receipts.ledger = filings.ledger AND receipts.seq = filings.seq
WHERE filings.receipt_id = $1;
