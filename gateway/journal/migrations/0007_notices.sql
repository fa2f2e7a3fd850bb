-- deploy: pre
-- FM-1s about winnings by document, so that a new version stands in for the one before.

CREATE TABLE notices (
    owner text NOT NULL,
    document text NOT NULL,
    operation text NOT NULL,
    day date NOT NULL,
    amount numeric NOT NULL,
    players text[] NOT NULL,
    PRIMARY KEY (owner, document)
);
COMMENT ON TABLE notices IS 'what the accepted FM-1s about winnings say, each document by its last version';
