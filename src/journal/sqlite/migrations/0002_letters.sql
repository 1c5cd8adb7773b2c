-- What operators do about dead letters: see src/port/letters.rs.
-- A letter is open while its state is parked or failed_again. `state_at` is when the state changed
-- last, `run_id` the replay that took the letter last, `purge_at` when a discarded letter may go.

ALTER TABLE dead_letters ADD COLUMN state_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN run_id BLOB;
ALTER TABLE dead_letters ADD COLUMN edited_from BLOB;
ALTER TABLE dead_letters ADD COLUMN edited_to BLOB;
ALTER TABLE dead_letters ADD COLUMN purge_at INTEGER;

CREATE INDEX dead_letters_by_signature ON dead_letters (signature);
CREATE INDEX dead_letters_by_state ON dead_letters (state, last_at DESC);
CREATE INDEX dead_letters_by_delivery ON dead_letters (delivery_id) WHERE delivery_id IS NOT NULL;

-- A replay of many letters: who ordered it, why, and how it ended. `holder` is the process that works
-- on it, until `held_until`.
CREATE TABLE replay_runs (
    id BLOB NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    selection TEXT NOT NULL,
    rate INTEGER NOT NULL,
    steps TEXT NOT NULL,
    holder BLOB,
    held_until INTEGER,
    ended_at INTEGER,
    ended TEXT
) STRICT;

-- A letter's part in a replay, and its fate. `awaits` is what its fate ends with.
CREATE TABLE replays (
    run_id BLOB NOT NULL REFERENCES replay_runs (id),
    letter_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    signature TEXT NOT NULL,
    fate TEXT NOT NULL,
    at INTEGER NOT NULL,
    owed_at INTEGER,
    case_id BLOB,
    base_revision INTEGER,
    delivery_id BLOB,
    awaits TEXT,
    detail TEXT,
    PRIMARY KEY (run_id, letter_id)
) STRICT;

CREATE INDEX replays_by_letter ON replays (letter_id);
CREATE INDEX replays_to_follow ON replays (fate, run_id);
CREATE INDEX replays_by_signature ON replays (signature);

-- What a team knows about a group of letters.
CREATE TABLE letter_notes (
    signature TEXT NOT NULL PRIMARY KEY,
    owner TEXT,
    note TEXT,
    at INTEGER NOT NULL,
    operator TEXT NOT NULL
) STRICT;

-- Who did what, when and why; looking at what is masked counts.
CREATE TABLE operator_actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    letter_id BLOB,
    run_id BLOB,
    signature TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX operator_actions_by_letter ON operator_actions (letter_id) WHERE letter_id IS NOT NULL;
CREATE INDEX operator_actions_by_time ON operator_actions (at DESC);

-- What an operator did is never changed.
CREATE TRIGGER operator_actions_are_not_updated BEFORE UPDATE ON operator_actions
BEGIN
    SELECT RAISE(ABORT, 'operator actions are never changed');
END;

CREATE TRIGGER operator_actions_are_not_deleted BEFORE DELETE ON operator_actions
BEGIN
    SELECT RAISE(ABORT, 'operator actions are never deleted');
END;
