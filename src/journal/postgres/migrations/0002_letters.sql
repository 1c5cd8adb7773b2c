-- What operators do about dead letters: see src/port/letters.rs.
-- A letter is open while its state is parked or failed_again. `state_at` is when the state changed
-- last, `run_id` the replay that took the letter last, `purge_at` when a discarded letter may go.

ALTER TABLE dead_letters ADD COLUMN state_at BIGINT;
ALTER TABLE dead_letters ADD COLUMN run_id UUID;
ALTER TABLE dead_letters ADD COLUMN edited_from UUID;
ALTER TABLE dead_letters ADD COLUMN edited_to UUID;
ALTER TABLE dead_letters ADD COLUMN purge_at BIGINT;

-- Hash indexes, since a B-tree refuses long texts, and a broker's word may be long.
CREATE INDEX dead_letters_by_signature ON dead_letters USING hash (signature);
CREATE INDEX dead_letters_by_state ON dead_letters (state, last_at DESC);
CREATE INDEX dead_letters_by_delivery ON dead_letters (delivery_id) WHERE delivery_id IS NOT NULL;

-- A replay of many letters: who ordered it, why, and how it ended. `holder` is the process that works
-- on it, until `held_until`.
CREATE TABLE replay_runs (
    id UUID NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    selection TEXT NOT NULL,
    rate BIGINT NOT NULL,
    steps TEXT NOT NULL,
    holder UUID,
    held_until BIGINT,
    ended_at BIGINT,
    ended TEXT
);

-- A letter's part in a replay, and its fate. `awaits` is what its fate ends with.
CREATE TABLE replays (
    run_id UUID NOT NULL REFERENCES replay_runs (id),
    letter_id UUID NOT NULL,
    place BIGINT NOT NULL,
    signature TEXT NOT NULL,
    fate TEXT NOT NULL,
    at BIGINT NOT NULL,
    owed_at BIGINT,
    case_id UUID,
    base_revision BIGINT,
    delivery_id UUID,
    awaits TEXT,
    detail TEXT,
    PRIMARY KEY (run_id, letter_id)
);

CREATE INDEX replays_by_letter ON replays (letter_id);
CREATE INDEX replays_to_follow ON replays (fate, run_id);
CREATE INDEX replays_by_signature ON replays USING hash (signature);

-- What a team knows about a group of letters.
CREATE TABLE letter_notes (
    signature TEXT NOT NULL PRIMARY KEY,
    owner TEXT,
    note TEXT,
    at BIGINT NOT NULL,
    operator TEXT NOT NULL
);

-- Who did what, when and why; looking at what is masked counts.
CREATE TABLE operator_actions (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    letter_id UUID,
    run_id UUID,
    signature TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX operator_actions_by_letter ON operator_actions (letter_id) WHERE letter_id IS NOT NULL;
CREATE INDEX operator_actions_by_time ON operator_actions (at DESC);

-- What an operator did is never changed.
CREATE FUNCTION refuse_change_of_operator_actions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'operator actions are never changed';
END;
$$;

CREATE TRIGGER operator_actions_are_not_changed BEFORE UPDATE OR DELETE ON operator_actions
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_operator_actions();

CREATE TRIGGER operator_actions_are_not_emptied BEFORE TRUNCATE ON operator_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_actions();
