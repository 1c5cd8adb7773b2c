-- The journal: see src/port/journal.rs for what each table is for.
-- Times are microseconds of UTC. `request` and `body` are sealed payloads.
-- A case is open while its revision is 0.

CREATE TABLE cases (
    id UUID NOT NULL PRIMARY KEY,
    request_type TEXT NOT NULL,
    request_id UUID,
    forwarded_as UUID NOT NULL,
    asker TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    bank TEXT,
    reference TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    outcome_kind TEXT,
    answer_type TEXT,
    statuskode TEXT,
    aarsak TEXT,
    outcome_by TEXT,
    outcome_at BIGINT,
    version BIGINT NOT NULL,
    head BYTEA NOT NULL,
    request BYTEA NOT NULL
);

CREATE UNIQUE INDEX cases_by_forwarded_as ON cases (forwarded_as);
CREATE INDEX cases_by_time ON cases (opened_at DESC);
CREATE INDEX cases_open ON cases (opened_at DESC) WHERE revision = 0;
-- A hash index, since a B-tree refuses long texts, and a refused request's reference may be long.
CREATE INDEX cases_by_reference ON cases USING hash (reference);
CREATE INDEX cases_by_asker ON cases (asker, opened_at DESC);
CREATE INDEX cases_by_reply_to ON cases (reply_to, opened_at DESC);
CREATE INDEX cases_by_bank ON cases (bank, opened_at DESC);

CREATE TABLE events (
    case_id UUID NOT NULL REFERENCES cases (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    json TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (case_id, number)
);

-- What happened is never changed.
CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed';
END;
$$;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_events();

CREATE TRIGGER events_are_not_emptied BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events();

CREATE TABLE inbox (
    sender TEXT NOT NULL,
    message_id UUID NOT NULL,
    digest BYTEA NOT NULL,
    case_id UUID REFERENCES cases (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (sender, message_id)
);

CREATE TABLE deliveries (
    id UUID NOT NULL PRIMARY KEY,
    case_id UUID REFERENCES cases (id),
    purpose TEXT NOT NULL,
    revision BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    message_type TEXT NOT NULL,
    body BYTEA NOT NULL,
    correlation_id UUID,
    traceparent TEXT,
    attempts BIGINT NOT NULL,
    owed_since BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    lease_owner UUID,
    lease_until BIGINT,
    delivered_at BIGINT,
    given_up_at BIGINT,
    last_error TEXT
);

CREATE INDEX deliveries_owed ON deliveries (next_attempt_at, id)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX deliveries_by_case ON deliveries (case_id);

CREATE TABLE dead_letters (
    id UUID NOT NULL PRIMARY KEY,
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
    case_id UUID,
    delivery_id UUID,
    deaths TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'parked',
    body BYTEA NOT NULL
);

CREATE INDEX dead_letters_by_time ON dead_letters (last_at DESC);
CREATE INDEX dead_letters_by_reason ON dead_letters (reason, last_at DESC);
