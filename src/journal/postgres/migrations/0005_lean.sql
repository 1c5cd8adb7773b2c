-- What each message costs: see docs/performance.md.

-- Rows of these tables are written in one transaction, from one decision, and never deleted one without the
-- other; checking each against its case cost a lookup and a lock for every row. `innfri journal verify` finds
-- an event without its case.
ALTER TABLE events DROP CONSTRAINT events_case_id_fkey;
ALTER TABLE inbox DROP CONSTRAINT inbox_case_id_fkey;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_case_id_fkey;

-- Payloads stand apart from the rows that change, so that a change does not write them again.
ALTER TABLE cases ALTER COLUMN request SET STORAGE EXTERNAL, SET (toast_tuple_target = 128);
ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL, SET (toast_tuple_target = 128);

-- Nearly always the asker itself gets the answer, and is found by cases_by_asker.
DROP INDEX cases_by_reply_to;
CREATE INDEX cases_by_reply_to ON cases (reply_to, opened_at DESC) WHERE reply_to <> asker;
