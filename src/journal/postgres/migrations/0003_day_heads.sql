-- Sealed days: see src/case/day.rs. A day is named by the microsecond of UTC in which it begins.

CREATE TABLE day_heads (
    begins_at BIGINT NOT NULL PRIMARY KEY CHECK (begins_at % 86400000000 = 0),
    events BIGINT NOT NULL,
    head BYTEA NOT NULL
);

CREATE INDEX events_by_time ON events (at, case_id, number);

CREATE FUNCTION refuse_change_of_day_heads() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'sealed days are never changed';
END;
$$;

CREATE TRIGGER day_heads_are_not_changed BEFORE UPDATE OR DELETE ON day_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_day_heads();

CREATE TRIGGER day_heads_are_not_emptied BEFORE TRUNCATE ON day_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_day_heads();

-- Nothing more happens on a sealed day: a process that is that late decides anew. Once for each
-- statement, since many events share one.
CREATE FUNCTION refuse_events_of_sealed_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT min(at) FROM fresh) < (SELECT max(begins_at) + 86400000000 FROM day_heads) THEN
        RAISE EXCEPTION 'the day of this event is sealed';
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER sealed_days_get_no_events AFTER INSERT ON events
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_events_of_sealed_days();
