-- Who of the enrolled reports for a period: the entities of some kinds, each with the receipts of its reports.

-- name: dealers_with_reports
SELECT entities.identifier, entities.identifier_kind, entities.kind, entities.name, entities.state, receipts.receipt
FROM entities
LEFT JOIN (filings JOIN receipts ON receipts.ledger = filings.ledger AND receipts.seq = filings.seq)
    ON filings.sender = entities.identifier AND filings.series = $2 || '/' || entities.identifier
    AND filings.accepted AND receipts.received_at >= $3
WHERE entities.kind = ANY ($1::text[]) AND entities.state = 'active' AND entities.enrolled_at < $4
ORDER BY entities.identifier, filings.number;
