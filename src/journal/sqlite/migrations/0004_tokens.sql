-- Operators' bearer tokens: see src/port/tokens.rs. `hash` is an Argon2id hash (PHC string) of the
-- secret part, which is kept nowhere.

CREATE TABLE operator_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    note TEXT,
    expires_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT,
    revoked_why TEXT
) STRICT;

CREATE INDEX operator_tokens_by_login ON operator_tokens (login, created_at);

-- A token is taken back once, and nothing else about it ever changes.
CREATE TRIGGER operator_tokens_are_only_revoked BEFORE UPDATE ON operator_tokens
WHEN OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
    OR NEW.revoked_by IS NULL OR NEW.revoked_why IS NULL
    OR NEW.id <> OLD.id OR NEW.login <> OLD.login OR NEW.hash <> OLD.hash
    OR NEW.created_at <> OLD.created_at OR NEW.created_by <> OLD.created_by
    OR NEW.note IS NOT OLD.note OR NEW.expires_at IS NOT OLD.expires_at
BEGIN
    SELECT RAISE(ABORT, 'tokens are only revoked, once');
END;

CREATE TRIGGER operator_tokens_are_not_deleted BEFORE DELETE ON operator_tokens
BEGIN
    SELECT RAISE(ABORT, 'tokens are never deleted');
END;
