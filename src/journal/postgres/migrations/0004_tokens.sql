-- Operators' bearer tokens: see src/port/tokens.rs. `hash` is an Argon2id hash (PHC string) of the
-- secret part, which is kept nowhere.

CREATE TABLE operator_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    note TEXT,
    expires_at BIGINT,
    revoked_at BIGINT,
    revoked_by TEXT,
    revoked_why TEXT
);

CREATE INDEX operator_tokens_by_login ON operator_tokens (login, created_at);

-- A token is taken back once, and nothing else about it ever changes.
CREATE FUNCTION refuse_change_of_operator_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tokens are only revoked, once, and never deleted';
END;
$$;

CREATE TRIGGER operator_tokens_are_only_revoked BEFORE UPDATE ON operator_tokens
    FOR EACH ROW WHEN (
        OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
        OR NEW.revoked_by IS NULL OR NEW.revoked_why IS NULL
        OR (NEW.id, NEW.login, NEW.hash, NEW.created_at, NEW.created_by, NEW.note, NEW.expires_at)
        IS DISTINCT FROM
        (OLD.id, OLD.login, OLD.hash, OLD.created_at, OLD.created_by, OLD.note, OLD.expires_at)
    ) EXECUTE FUNCTION refuse_change_of_operator_tokens();

CREATE TRIGGER operator_tokens_are_not_deleted BEFORE DELETE ON operator_tokens
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_operator_tokens();

CREATE TRIGGER operator_tokens_are_not_emptied BEFORE TRUNCATE ON operator_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_tokens();
