-- Who may do what in the database, stated whole at every `gateway migrate`: what is not granted here is taken away.
-- The roles can't log in. An operator's login roles become members of them: GRANT gateway_intake TO somebody.
-- Only the owner, who migrates, may change tables, triggers and these rights. A new table needs its lines here.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['gateway_intake', 'gateway_relay', 'gateway_overseer', 'gateway_registrar', 'gateway_auditor'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- a migration of another database of this server was faster
        END;
    END LOOP;
    IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()) THEN
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO gateway_intake, gateway_relay, gateway_overseer, gateway_registrar, gateway_auditor', current_database());
    END IF;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, gateway_intake, gateway_relay, gateway_overseer, gateway_registrar, gateway_auditor;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, gateway_intake, gateway_relay, gateway_overseer, gateway_registrar, gateway_auditor;
REVOKE ALL ON SCHEMA public FROM PUBLIC, gateway_intake, gateway_relay, gateway_overseer, gateway_registrar, gateway_auditor;
GRANT USAGE ON SCHEMA public TO gateway_intake, gateway_relay, gateway_overseer, gateway_registrar, gateway_auditor;
GRANT SELECT ON migrations TO gateway_intake, gateway_relay, gateway_overseer, gateway_registrar;

-- The log. Its head moves, forward only (a trigger): that needs an update of two columns, of nothing else.
GRANT SELECT, INSERT ON entries, filings TO gateway_intake, gateway_overseer;
GRANT SELECT ON ledgers TO gateway_intake, gateway_overseer;
GRANT UPDATE (seq, chain) ON ledgers TO gateway_intake, gateway_overseer;
GRANT EXECUTE ON FUNCTION prepare_partition(integer) TO gateway_intake, gateway_overseer;
GRANT SELECT, INSERT, DELETE ON stagings TO gateway_intake;
GRANT UPDATE (touched_at) ON stagings TO gateway_intake;
GRANT SELECT, INSERT ON entry_parts TO gateway_intake;
GRANT SELECT ON entry_parts TO gateway_relay, gateway_overseer;
GRANT EXECUTE ON FUNCTION give_up_staging(uuid), sweep_stagings() TO gateway_intake;
GRANT SELECT, INSERT ON checkpoints TO gateway_intake;
GRANT SELECT ON checkpoints TO gateway_overseer;
GRANT SELECT ON ledgers, entries, archived_entries, receipts, checkpoints, cosignatures TO gateway_relay;
GRANT SELECT ON archived_entries, receipts TO gateway_intake, gateway_overseer;
GRANT EXECUTE ON FUNCTION document_key(text, text, text) TO gateway_intake, gateway_overseer;

-- Archiving is the owner's alone, its tables archive_actions and archived_parts too.

-- The gateway's keys: the first one is noted by whoever starts first, the rest is said by commands of the owner; what
-- witnesses and a time-stamping service say of checkpoints comes by way of the intake.
GRANT SELECT, INSERT ON gateway_keys TO gateway_intake, gateway_overseer;
GRANT SELECT, INSERT ON cosignatures, timestamps TO gateway_intake;

-- The directory: the intake reads who may file, registrars say it.
GRANT SELECT ON directory, anchors, entities, certificates, people, person_certificates TO gateway_intake;
GRANT UPDATE (version) ON directory TO gateway_intake;
GRANT UPDATE (state, version) ON entities TO gateway_intake;
GRANT INSERT ON directory_changes TO gateway_intake;
GRANT SELECT ON directory, anchors, entities, certificates, directory_changes TO gateway_registrar;
GRANT UPDATE (version) ON directory TO gateway_registrar;
GRANT INSERT ON anchors, entities, certificates, directory_changes TO gateway_registrar;
GRANT UPDATE (state, version) ON entities TO gateway_registrar;

-- The FMA's people act through the intake: what they did is written down, and the tokens that they used up are kept.
GRANT SELECT, INSERT ON audit_entries, audit_checkpoints TO gateway_intake;
GRANT SELECT, UPDATE (seq, chain) ON audit_head TO gateway_intake;
GRANT SELECT, INSERT, UPDATE, DELETE ON spent_tokens TO gateway_intake;
GRANT SELECT, INSERT ON audit_entries TO gateway_registrar;
GRANT SELECT, UPDATE (seq, chain) ON audit_head TO gateway_registrar;
GRANT SELECT, INSERT ON people, person_certificates TO gateway_registrar;
GRANT UPDATE (name, role, state, version) ON people TO gateway_registrar;
GRANT UPDATE (revoked_at, version) ON person_certificates, certificates TO gateway_registrar;

-- Oversight: what it knows follows from the log, so its own role may replace it; the intake reads what it answers with.
GRANT SELECT ON oversight_positions, register, complexes, complex_progress, complex_batches, absent_numbers,
    day_figures, day_reports, tickets, obligations TO gateway_intake;
GRANT SELECT, INSERT ON oversight_positions, complexes, complex_progress, complex_batches, chain_repairs, absent_numbers,
    meter_marks, meter_sums, day_figures, day_reports, waiting_corrections, tickets, notices, obligations,
    dealer_operations, chain_findings, batch_slices TO gateway_overseer;
GRANT SELECT ON batch_identities TO gateway_overseer;
GRANT UPDATE ON oversight_positions, complexes, complex_progress, day_figures, day_reports, tickets, notices, obligations,
    chain_findings TO gateway_overseer;
GRANT SELECT ON register TO gateway_overseer;
GRANT UPDATE (version) ON register TO gateway_overseer;
GRANT DELETE ON absent_numbers, meter_sums, waiting_corrections, notices TO gateway_overseer;

-- Unique codes: a trigger lets only reserved ones be settled; what waits for the log is taken out once it is there.
GRANT SELECT, INSERT ON luxury_codes, luxury_blocks TO gateway_intake;
GRANT UPDATE (state, at, class, identity, identifiers, item, operation) ON luxury_codes TO gateway_intake;
GRANT SELECT, INSERT, DELETE ON luxury_unlogged TO gateway_intake;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO gateway_auditor;
