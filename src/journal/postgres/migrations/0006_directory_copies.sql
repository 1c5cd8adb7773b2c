-- The last good copy of each directory that others keep: see src/port/directory_copy.rs. It holds no
-- personal data, and is replaced by each newer one.

CREATE TABLE directory_copies (
    source TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    body BYTEA NOT NULL
);
