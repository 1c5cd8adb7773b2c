//! Fills a journal in PostgreSQL with cases of the past, by statements of its own: what matters is how many rows
//! and index entries there are, not what they say.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::world::{AGENCY, Bank};

/// Cases in one statement.
const AT_ONCE: usize = 100_000;

/// Adds so many cases, spread over the banks, opened over the last ninety days. Open ones wait for their answer;
/// the others have had it.
pub async fn fill(url: &str, cases: usize, open: bool, banks: &[Bank], said: impl Fn(usize)) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("CREATE TEMP TABLE bank (place bigint PRIMARY KEY, number text)")
        .execute(&mut connection)
        .await
        .unwrap();
    let numbers: Vec<String> = banks.iter().map(|bank| format!("NO:{}", bank.number)).collect();
    sqlx::query("INSERT INTO bank SELECT ordinality - 1, number FROM unnest($1::text[]) WITH ORDINALITY AS t (number, ordinality)")
        .bind(numbers)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql("SET synchronous_commit = off").execute(&mut connection).await.unwrap();
    let revision = i64::from(!open);
    let mut done = 0;
    while done < cases {
        let now = AT_ONCE.min(cases - done);
        let sql = format!(
            "WITH fresh AS MATERIALIZED (
                SELECT gen_random_uuid() AS id, gen_random_uuid() AS forwarded, gen_random_uuid() AS message,
                    number AS bank, 'OLD-' || n AS reference,
                    (extract(epoch FROM now()) * 1000000)::bigint - 7776000000000 + (n * 7775000000000 / {cases}) AS at
                FROM generate_series({done}, {last}) AS n JOIN bank ON place = n % {banks}
             ), c AS (
                INSERT INTO cases SELECT id, 'no.dsve.restgjeldsforespoersel.v1', message, forwarded, 'NO:{AGENCY}', 'NO:{AGENCY}',
                    bank, reference, at, {revision}, {kind}, {answer}, NULL, NULL, {by}, {at}, {version}, sha256(id::text::bytea), '{{}}' FROM fresh
             ), e AS (
                INSERT INTO events SELECT id, n, at, 'opened', '{{\"old\":true}}', sha256(id::text::bytea) FROM fresh, generate_series(1, {version}) AS n
             ), i AS (
                INSERT INTO inbox SELECT 'NO:{AGENCY}', message, sha256(message::text::bytea), id, at FROM fresh
             )
             INSERT INTO deliveries SELECT forwarded, id, 'request', 0, bank, 'no.dsve.restgjeldsforespoersel.v1', '', message, NULL,
                0, at, at, NULL, NULL, at + 5000, NULL, NULL FROM fresh",
            last = done + now - 1,
            banks = banks.len(),
            kind = if open { "NULL" } else { "'answer'" },
            answer = if open { "NULL" } else { "'no.dsve.restgjeldssvar.v1'" },
            by = if open { "NULL" } else { "'bank'" },
            at = if open { "NULL" } else { "at" },
            version = revision + 1,
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        done += now;
        said(done);
    }
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await.unwrap();
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await.unwrap();
}
