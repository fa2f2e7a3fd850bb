-- name: begin_head
INSERT INTO head VALUES (1, ?, 0, 0, 0, ?, NULL)

-- name: head
SELECT complex, last_event, batched_event, last_batch, last_hash, halted FROM head

-- name: add_events
INSERT INTO events VALUES (?, ?, ?, ?)

-- name: events_by_id
SELECT id, sequence, content FROM events WHERE id IN (?)

-- name: move_last_event
UPDATE head SET last_event = ?

-- name: unbatched
SELECT group_concat(sequence || char(9) || content, char(10))
FROM (SELECT sequence, CAST(content AS TEXT) AS content FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?)

-- name: add_batch
INSERT INTO batches (number, first, last, hash, made_at, body) VALUES (?, ?, ?, ?, ?, ?)

-- name: move_last_batch
UPDATE head SET batched_event = ?, last_batch = ?, last_hash = ?

-- name: unanswered
SELECT number, first, last, hash, body FROM batches
WHERE number = (SELECT max(number) FROM batches) AND answered_at IS NULL

-- name: batch
SELECT number, first, last, hash, body FROM batches WHERE number = ?

-- name: hash_of
SELECT hash FROM batches WHERE number = ?

-- name: keep_receipt
UPDATE batches SET answered_at = ?, receipt = ? WHERE number = ?

-- name: last_answered
SELECT number, hash, answered_at, receipt FROM batches WHERE answered_at IS NOT NULL ORDER BY number DESC LIMIT 1

-- name: halt
UPDATE head SET halted = ?

-- name: withdraw
INSERT INTO withdrawn SELECT ?, number, first, last, hash, body, ? FROM batches WHERE answered_at IS NULL

-- name: drop_unanswered
DELETE FROM batches WHERE answered_at IS NULL

-- name: set_aside
UPDATE events SET sequence = -(sequence + ?) WHERE sequence > ?

-- name: put_back
UPDATE events SET sequence = -sequence WHERE sequence < 0

-- name: rebase
UPDATE head SET last_event = ?, batched_event = ?, last_batch = ?, last_hash = ?, halted = NULL

-- name: oldest_unsent
SELECT taken_at FROM events WHERE sequence >= ? ORDER BY sequence LIMIT 1

-- name: first_unanswered_event
SELECT first FROM batches WHERE number = (SELECT max(number) FROM batches) AND answered_at IS NULL

-- name: oldest_batches
SELECT number, first, last, answered_at FROM batches ORDER BY number LIMIT ?

-- name: drop_events
DELETE FROM events WHERE sequence BETWEEN ? AND ?

-- name: drop_batch
DELETE FROM batches WHERE number = ?

-- name: give_back
PRAGMA incremental_vacuum(2000)

-- name: export_events
SELECT sequence, content FROM events WHERE sequence BETWEEN ? AND ? ORDER BY sequence

-- name: export_batches
SELECT number, first, last, hash, made_at, receipt FROM batches WHERE last >= ? AND first <= ? ORDER BY number
