-- The journal: see src/port/journal.rs for what each table is for.
-- Times are microseconds of UTC. `request` and `body` are sealed payloads.
-- A case is open while its revision is 0.

CREATE TABLE cases (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    request_type TEXT NOT NULL,
    request_id BLOB,
    forwarded_as BLOB NOT NULL,
    asker TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    bank TEXT,
    reference TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    outcome_kind TEXT,
    answer_type TEXT,
    statuskode TEXT,
    aarsak TEXT,
    outcome_by TEXT,
    outcome_at INTEGER,
    version INTEGER NOT NULL,
    head BLOB NOT NULL,
    request BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX cases_by_forwarded_as ON cases (forwarded_as);
CREATE INDEX cases_by_time ON cases (opened_at DESC);
CREATE INDEX cases_open ON cases (opened_at DESC) WHERE revision = 0;
CREATE INDEX cases_by_reference ON cases (reference);
CREATE INDEX cases_by_asker ON cases (asker, opened_at DESC);
CREATE INDEX cases_by_reply_to ON cases (reply_to, opened_at DESC);
CREATE INDEX cases_by_bank ON cases (bank, opened_at DESC);

CREATE TABLE events (
    case_id BLOB NOT NULL REFERENCES cases (id),
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    json TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (case_id, number)
) STRICT;

-- What happened is never changed.
CREATE TRIGGER events_are_not_updated BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

CREATE TABLE inbox (
    sender TEXT NOT NULL,
    message_id BLOB NOT NULL,
    digest BLOB NOT NULL,
    case_id BLOB REFERENCES cases (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (sender, message_id)
) STRICT;

CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    case_id BLOB REFERENCES cases (id),
    purpose TEXT NOT NULL,
    revision INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    message_type TEXT NOT NULL,
    body BLOB NOT NULL,
    correlation_id BLOB,
    traceparent TEXT,
    attempts INTEGER NOT NULL,
    owed_since INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    lease_owner BLOB,
    lease_until INTEGER,
    delivered_at INTEGER,
    given_up_at INTEGER,
    last_error TEXT
) STRICT;

CREATE INDEX deliveries_owed ON deliveries (next_attempt_at, id)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX deliveries_by_case ON deliveries (case_id);

CREATE TABLE dead_letters (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    reason TEXT NOT NULL,
    step TEXT NOT NULL,
    signature TEXT NOT NULL,
    detail TEXT NOT NULL,
    findings TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    login TEXT,
    sender TEXT,
    recipient TEXT,
    message_type TEXT,
    message_id TEXT,
    correlation_id TEXT,
    content_type TEXT,
    traceparent TEXT,
    reference TEXT,
    case_id BLOB,
    delivery_id BLOB,
    deaths TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'parked',
    body BLOB NOT NULL
) STRICT;

CREATE INDEX dead_letters_by_time ON dead_letters (last_at DESC);
CREATE INDEX dead_letters_by_reason ON dead_letters (reason, last_at DESC);
