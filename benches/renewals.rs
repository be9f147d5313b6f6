//! How many due subscriptions a second are charged, booked and told of, on SQLite with the sandbox's
//! gateway: `renewals FOLDER STORED DUE`. `scripts/bench --renewals` runs it.
#![expect(clippy::print_stdout, reason = "its answer")]

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use pressgate::{
    app::AppState,
    billing::subscription::store,
    clock::{ManualClock, Timestamp},
    config::{Config, Outside},
    ids::Ids,
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use time::Duration as Span;

type Failure = Box<dyn Error + Send + Sync>;

/// How often a claim is measured.
const CLAIMS: u32 = 200;
/// Most that one claim takes.
const BATCH: i64 = 100;

/// Readers `$1` to `$1 + $2 - 1`, each with a free trial that began a month before it ends: the
/// first `$3` at `$4`, and the others somewhen in the thirty days from then on.
const READERS: &str = "
    WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1 + $2)
    INSERT INTO readers (id, email, email_key, email_verified_at, created_at)
    SELECT unhex(printf('0190000000007000%016x', i)), 'reader-' || i || '@bench.example',
           'reader-' || i || '@bench.example', $4, $4
    FROM n WHERE $3 = $3";
const SUBSCRIPTIONS: &str = "
    WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1 + $2),
         s(i, ends) AS (SELECT i, CASE WHEN i < $3 THEN $4
                                  ELSE $4 + 60000000 + (i * 7919) % 2592000 * 1000000 END FROM n)
    INSERT INTO subscriptions (id, reader_id, product, plan, catalog_version, country, method,
                               method_last4, method_expires, created_at, agreed_at, trial_start,
                               trial_end, status, then_kind, revision, wake_at)
    SELECT unhex(printf('0191000000007000%016x', i)), unhex(printf('0190000000007000%016x', i)),
           'digital', CASE WHEN i % 4 = 0 THEN 'annual' ELSE 'monthly' END, 1, 'US',
           'pm_sandbox_ok:' || i, '4242', 25199, ends - 2592000000000, ends - 2592000000000,
           ends - 2592000000000, ends, 'trialing', 'renew', 1, ends
    FROM s";

async fn fill(file: &str, (stored, due): (i64, i64), now: Timestamp) -> Result<(), Failure> {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let step = 50_000;
    for from in (0..stored).step_by(50_000) {
        for sql in [READERS, SUBSCRIPTIONS] {
            let query = sqlx::query(sql).bind(from).bind(step.min(stored - from));
            query.bind(due).bind(now.micros()).execute(&mut database).await?;
        }
    }
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut database).await?;
    Ok(database.close().await?)
}

/// How long one claim takes.
async fn claim(state: &AppState, now: Timestamp) -> Result<Duration, Failure> {
    let mut spent = Duration::ZERO;
    for _ in 0..CLAIMS {
        let mut tx = state.databases.main.write().await?;
        let begun = Instant::now();
        let claimed = store::claim(&mut tx, (now, now.plus(Span::MINUTE)), BATCH).await?;
        spent += begun.elapsed();
        if claimed.len() < usize::try_from(BATCH)? {
            return Err("fewer were due than one claim takes".into());
        }
        // Dropped, the transaction has not happened.
    }
    Ok(spent / CLAIMS)
}

/// The most memory that this process has held since it began, or was told to forget.
fn peak_mib() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("FOLDER STORED DUE");
    let (folder, stored, due): (_, i64, i64) = (next()?, next()?.parse()?, next()?.parse()?);
    let file = format!("{folder}/renewals-{stored}.db");
    let set = |key: &str, value: String| (format!("PRESSGATE__{key}"), value);
    let env = vec![
        set("DATABASE__URL", format!("sqlite://{file}")),
        set("BILLING__WORKER", "false".to_owned()),
    ];
    let config = Config::from_layers(&Outside { file: None, env })?;
    let now = Timestamp::parse("2027-01-31T10:00:00Z").ok_or("no instant")?;
    let clock = Arc::new(ManualClock::at(now.minus(Span::days(60))));
    let state = AppState::open(config, clock.clone(), Ids::system()?).await?;
    fill(&file, (stored, due), now).await?;
    // Filling is not what is measured.
    std::fs::write("/proc/self/clear_refs", "5")?;

    clock.set(now);
    let claimed = claim(&state, now).await?;
    let begun = Instant::now();
    let mut done = 0;
    loop {
        match state.billing.work().await? {
            0 => break,
            some => done += some,
        }
    }
    let rate = f64::from(u32::try_from(done)?) / begun.elapsed().as_secs_f64();
    let (claimed, peak) = (claimed.as_secs_f64() * 1e3, peak_mib()?);
    println!(
        "{stored:>9} stored, {done:>7} due: {rate:>6.0} a second, {claimed:.2} ms to claim {BATCH}, \
         at most {peak:.0} MiB"
    );
    Ok(())
}
