-- Who may file: what the directory says to PostgreSQL.

-- name: next_directory_version
UPDATE directory SET version = version + 1 RETURNING version;

-- name: directory_version
SELECT version FROM directory;

-- name: record_directory_change
INSERT INTO directory_changes (version, made_at, action, subject, detail)
VALUES ($1, $2, $3, $4, $5::jsonb);

-- name: add_anchor
INSERT INTO anchors (fingerprint, pem, added_at, version) VALUES ($1, $2, $3, $4);

-- name: anchor_known
SELECT true FROM anchors WHERE fingerprint = $1;

-- name: anchors_since
SELECT fingerprint, pem, added_at FROM anchors WHERE version > $1 ORDER BY version;

-- name: entity
SELECT identifier, identifier_kind, kind, name, state,
    ARRAY(SELECT fingerprint FROM certificates WHERE certificates.identifier = entities.identifier AND revoked_at IS NULL)
        AS certificates
FROM entities WHERE identifier = $1;

-- name: entities_since
SELECT identifier, identifier_kind, kind, name, state,
    ARRAY(SELECT fingerprint FROM certificates WHERE certificates.identifier = entities.identifier AND revoked_at IS NULL)
        AS certificates
FROM entities WHERE version > $1 ORDER BY version;

-- name: put_entity
INSERT INTO entities (identifier, identifier_kind, kind, name, state, enrolled_at, version)
VALUES ($1, $2, $3, $4, 'active', $5, $6)
ON CONFLICT (identifier) DO UPDATE SET kind = EXCLUDED.kind, name = EXCLUDED.name, version = EXCLUDED.version;

-- name: set_entity_state
UPDATE entities SET state = $2, version = $3 WHERE identifier = $1;

-- name: add_certificate
INSERT INTO certificates (fingerprint, identifier, pem, enrolled_at, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (fingerprint) DO NOTHING;

-- name: revoke_certificate
UPDATE certificates SET revoked_at = $3, version = $4
WHERE fingerprint = $2 AND identifier = $1 AND revoked_at IS NULL RETURNING fingerprint;

-- name: touch_entity
UPDATE entities SET version = $2 WHERE identifier = $1;

-- name: certificates_of
SELECT fingerprint, pem, enrolled_at, revoked_at FROM certificates WHERE identifier = $1 ORDER BY enrolled_at, fingerprint;

-- name: certificates_since
SELECT fingerprint, pem FROM certificates WHERE version > $1;
