-- Sealed days: see src/case/day.rs. A day is named by the microsecond of UTC in which it begins.

CREATE TABLE day_heads (
    begins_at INTEGER NOT NULL PRIMARY KEY CHECK (begins_at % 86400000000 = 0),
    events INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;

CREATE INDEX events_by_time ON events (at, case_id, number);

CREATE TRIGGER day_heads_are_not_updated BEFORE UPDATE ON day_heads
BEGIN
    SELECT RAISE(ABORT, 'sealed days are never changed');
END;

CREATE TRIGGER day_heads_are_not_deleted BEFORE DELETE ON day_heads
BEGIN
    SELECT RAISE(ABORT, 'sealed days are never deleted');
END;

-- Nothing more happens on a sealed day: a process that is that late decides anew.
CREATE TRIGGER sealed_days_get_no_events BEFORE INSERT ON events
    WHEN NEW.at < (SELECT max(begins_at) + 86400000000 FROM day_heads)
BEGIN
    SELECT RAISE(ABORT, 'the day of this event is sealed');
END;
