//! `kill -9` in the middle of billing: no charge is made twice, none is lost, the books are right,
//! and what an answer said is true for good.
//!
//! `PRESSGATE_KILL_SECS` makes it longer than its 25 seconds, `PRESSGATE_KILL_SEED` repeats one.
#![expect(clippy::print_stdout, reason = "whoever reads of a failure needs its seed")]

mod books;
mod client;
mod service;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;
use time::Duration as Span;
use tokio::task::JoinHandle;

use self::{
    books::{Ours, book},
    client::Client,
    service::{Dice, Service, post},
};
use crate::{
    server::{run, sqlite_url},
    support::PostgresDatabase,
};

const CLIENTS: u64 = 14;
/// Longest that a process lives.
const LIFE_MAX_MS: u64 = 1_800;

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Moves time on by hours and days, and lets the gateway lose what it was asked or says.
async fn time_goes_on(service: Arc<Service>, mut dice: Dice, until: Instant) {
    while Instant::now() < until {
        tokio::time::sleep(dice.millis(400)).await;
        let hours = if dice.roll(4) == 0 { dice.roll(900) } else { dice.roll(120) };
        let _ = service.advance(Span::hours(i64::try_from(hours).unwrap())).await;
        if dice.roll(3) == 0 {
            let faults = json!({
                "lose_answers": dice.roll(3), "fail_before": dice.roll(2),
                "nonsense": dice.roll(2), "answer_twice": dice.roll(3),
            });
            let _ = service.once(&post("/sandbox/gateway", &faults)).await;
        }
    }
}

async fn keep_busy(mut client: Client, until: Instant) -> Client {
    while Instant::now() < until {
        client.step().await;
    }
    client
}

/// Kills and starts again until everybody is done.
async fn kill_on(service: &Service, mut dice: Dice, busy: &[JoinHandle<Client>], until: Instant) {
    while Instant::now() < until {
        if dice.roll(2) == 0 {
            service.moves().await;
            tokio::time::sleep(dice.millis(150)).await;
        } else {
            tokio::time::sleep(dice.millis(LIFE_MAX_MS)).await;
        }
        // One that found something wrong says so below.
        if busy.iter().any(JoinHandle::is_finished) {
            return;
        }
        service.kill();
        let dies_again = (dice.roll(4) == 0).then(|| dice.millis(200));
        service.start_again(dies_again).await;
    }
}

async fn killed_and_killed_again(url: &str) {
    let secs = number_from("PRESSGATE_KILL_SECS").unwrap_or(25);
    let micros = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let seed = number_from("PRESSGATE_KILL_SEED");
    let seed = seed.unwrap_or_else(|| u64::try_from(micros % 1_000_000_007).unwrap());
    println!("PRESSGATE_KILL_SEED={seed} PRESSGATE_KILL_SECS={secs}");
    let service = Arc::new(Service::start(url).await);
    let mut clients = Vec::new();
    for i in 0..CLIENTS {
        let dice = Dice::of(seed + 1_000 + i);
        clients.push(Client::sign_up(Arc::clone(&service), &format!("reader-{i}"), dice).await);
    }

    let until = Instant::now() + Duration::from_secs(secs);
    let time = tokio::spawn(time_goes_on(Arc::clone(&service), Dice::of(seed + 1), until));
    let busy: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(keep_busy(client, until))).collect();
    kill_on(&service, Dice::of(seed), &busy, until).await;
    let mut clients = Vec::new();
    for client in busy {
        // In-flight requests may wait for a key whose process died; only time frees it.
        while !client.is_finished() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = service.advance(Span::minutes(1)).await;
        }
        clients.push(client.await.unwrap());
    }
    time.await.unwrap();
    prove(url, &service, clients).await;
}

/// Lets everything come to an end, and holds all that was said against all that is.
async fn prove(url: &str, service: &Service, mut clients: Vec<Client>) {
    assert_eq!(service.insist(&post("/sandbox/gateway", &json!({}))).await.0, 200);
    let mut ours = Ours::read(url).await;
    for _ in 0..100 {
        assert!(service.advance(Span::hours(12)).await);
        ours = Ours::read(url).await;
        if ours.is_quiet() {
            break;
        }
    }
    assert!(ours.is_quiet(), "something waits for ever");
    let mut claims = Vec::new();
    for client in &mut clients {
        client.look().await;
        claims.append(&mut client.claims);
    }
    let book = book(service).await;
    let ours = if Ours::read(url).await.is_quiet() { Ours::read(url).await } else { ours };
    let tally = &service.tally;
    let [kills, asked, broken, replayed, told] =
        [&tally.kills, &tally.asked, &tally.broken, &tally.replayed, &tally.told]
            .map(|count| count.load(Ordering::Relaxed));
    println!(
        "{kills} kills, {asked} requests, {broken} without an answer, {replayed} answered again, \
         {told} answers looked up, {} claims of payment; the gateway's book has {} rows; {}",
        claims.len(),
        book.len(),
        ours.summary(),
    );

    ours.assert_no_period_is_paid_twice();
    ours.assert_agree_with(&book);
    ours.assert_paid(&claims);
    let doctor = String::from_utf8(run(url, &["doctor"]).stdout).unwrap();
    // Here weeks pass while a request is in flight, and what it plans may be late already.
    let wrong = |line: &&str| line.starts_with("UNWELL") && !line.contains("notices");
    assert_eq!(doctor.lines().find(wrong), None, "{doctor}");
    assert!(doctor.contains("well    invoices, balances and the ledger agree"), "{doctor}");
    assert!(kills >= 5 && broken >= 5 && ours.count_paid() >= 10, "nothing was put to the test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_charge_is_lost_or_made_twice_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    killed_and_killed_again(&sqlite_url(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_charge_is_lost_or_made_twice_on_postgres() {
    let database = PostgresDatabase::create().await;
    killed_and_killed_again(&database.url).await;
    database.drop().await;
}
