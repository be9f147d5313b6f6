//! How many subscriptions a second are renewed, with the sandbox's gateway at no latency, and what
//! it costs to claim the next hundred of many.
//!
//! `cargo run --release --example renewals -- 1000000 20000`: so many subscriptions, of which so
//! many are due, in a SQLite file in the folder for temporary files; a third argument is another
//! database, which must be empty.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures prints, and ends when something fails"
)]

use std::{sync::Arc, time::Instant};

use pressgate::{
    app::AppState,
    billing::{
        calendar::{Period, Schedule},
        catalog::model::{Interval, Terms},
        subscription::{
            model::{Method, Paid, State, Subscription, Then, Turn},
            store,
        },
    },
    clock::{ManualClock, Timestamp},
    config::{Config, Outside},
    ids::Ids,
    mail::address::Address,
    money::Money,
    reader::{model::Reader, store as readers},
};
use time::Duration;

const DUE: &str = "2026-11-23T00:00:00Z";
const STEP: i64 = 5_000;
const CLAIMS: u32 = 50;

fn subscription(terms: &Terms, ids: &Ids, start: Timestamp) -> Subscription {
    let schedule = Schedule { anchor: start, interval: Interval::Month };
    let turn = Turn::first(schedule).unwrap();
    let Period { end, .. } = turn.period;
    let amount = Money { ..terms.plan.price };
    Subscription {
        id: ids.uuid(start).unwrap(),
        reader: ids.uuid(end).unwrap(),
        terms: terms.clone(),
        country: "US".to_owned(),
        method: Some(Method {
            token: "pm_sandbox_ok".to_owned(),
            last4: "4242".to_owned(),
            expires: (2099, 12),
        }),
        created_at: start,
        agreed_at: start,
        trial: None,
        state: State::Active(Paid { turn, amount, then: Then::Renew }),
        open: None,
        revision: 1,
    }
}

fn reader(id: uuid::Uuid, now: Timestamp) -> Reader {
    Reader {
        id,
        email: Address::parse(&format!("{id}@bench.example")).unwrap(),
        email_verified_at: Some(now),
        password_hash: None,
        created_at: now,
        language: None,
        site: None,
    }
}

/// Fills the table: those that are due were begun a month before `due`, the others later.
async fn fill(app: &AppState, ids: &Ids, (all, is_due): (i64, i64), due: Timestamp) {
    let terms = Terms::of(&app.billing.catalogs.current(), "monthly").unwrap();
    let begun = due.minus(Duration::days(31));
    let mut written = 0;
    while written < all {
        let mut tx = app.databases.main.write().await.unwrap();
        for i in written..(written + STEP).min(all) {
            let later =
                if i < is_due { Duration::ZERO } else { Duration::seconds(i % 2_000_000 + 86_400) };
            let one = subscription(&terms, ids, begun.plus(later));
            store::insert(&mut tx, &one, one.due_at(), None).await.unwrap();
            if i < is_due {
                // Each gets a receipt by mail.
                readers::insert(&mut tx, &reader(one.reader, begun)).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
        written += STEP;
    }
}

/// Milliseconds to claim a hundred, on average; nothing is kept of it.
async fn claim(app: &AppState, due: Timestamp) -> f64 {
    let began = Instant::now();
    for _ in 0..CLAIMS {
        let mut tx = app.databases.main.write().await.unwrap();
        let until = due.plus(Duration::MINUTE);
        assert_eq!(store::claim(&mut tx, (due, until), 100).await.unwrap().len(), 100);
    }
    began.elapsed().as_secs_f64() * 1_000.0 / f64::from(CLAIMS)
}

/// The most memory that this process has held, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (all, is_due) = (number(100_000), number(10_000));
    let folder = std::env::temp_dir().join(format!("pressgate-renewals-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = format!("sqlite://{}", folder.join("bench.db").display());
    let settings = [
        ("PRESSGATE__DATABASE__URL", arguments.next().unwrap_or(file)),
        ("PRESSGATE__BILLING__WORKER", "false".to_owned()),
    ];
    let env = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let config = Config::from_layers(&Outside { file: None, env }).unwrap();
    let due = Timestamp::parse(DUE).unwrap();
    let ids = Ids::system().unwrap();
    let clock = Arc::new(ManualClock::at(due));
    let app = AppState::open(config, clock, ids.clone()).await.unwrap();
    fill(&app, &ids, (all, is_due), due).await;
    let filled_mib = peak_mib();

    println!("{all} subscriptions, {is_due} due");
    println!("claiming 100: {:.2} ms", claim(&app, due).await);
    let began = Instant::now();
    let mut done = 0;
    loop {
        match app.billing.work().await.unwrap() {
            0 => break,
            some => done += some,
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let done = u32::try_from(done).unwrap();
    println!("{done} renewed in {seconds:.1} s: {:.0} a second", f64::from(done) / seconds);
    println!("peak memory: {filled_mib} MiB when filled, {} MiB in the end", peak_mib());
    std::fs::remove_dir_all(&folder).unwrap();
}
