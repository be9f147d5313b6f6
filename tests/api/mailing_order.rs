//! The order in which mails leave, and what a difficult relay costs: by order and number, never by
//! the clock.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join};
use pressgate::{
    clock::Clock,
    mail::{
        address::Address,
        letter::Letter,
        outbox::{self, NewMail},
        priority::Priority,
        recipient::Recipient,
        smtp::{SmtpSettings, Tls},
        worker::{Lane, Pace, Worker},
    },
    supervisor::{Heartbeat, Supervisor, Watch},
};
use serde_json::json;
use time::Duration as Span;

use crate::{
    app::{TestApp, eventually},
    mailing::{kept, tell, worker_from, worker_with, write},
    place::Place,
    readers::ANNA,
    relay::{Relay, Rules},
};

const FROM: &str = "news@pay.example";

/// Queues so many mails of one priority.
async fn queue(t: &TestApp, count: usize, priority: Priority) {
    let now = t.clock.now();
    let ids = pressgate::ids::Ids::system().unwrap();
    let mut tx = t.state.databases.main.write().await.unwrap();
    for i in 0..count {
        let to = Address::parse(&format!("reader-{i}@example.org")).unwrap();
        let mail = NewMail {
            id: ids.uuid(now).unwrap(),
            to: &to,
            subject: "What is new".to_owned(),
            text: "Much.".to_owned(),
            html: "<p>Much.</p>".to_owned(),
            unsubscribe_url: None,
            priority,
            expires_at: now.plus(Span::DAY),
        };
        outbox::insert(&mut tx, mail, now);
    }
    tx.commit().await.unwrap();
}

/// The worker of the connection that is reserved for security mails.
fn security_worker(t: &TestApp, relay: &Relay) -> Worker {
    let mut worker = worker_from(t, relay.port, FROM);
    worker.lane = Lane { least: Priority::Security, connections: 1, ..worker.lane };
    worker
}

/// Through a relay that gets `timeout` for each mail.
fn impatient_worker(t: &TestApp, relay: &Relay, timeout: Duration) -> Worker {
    let settings = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: relay.port,
        tls: Tls::None,
        credentials: None,
        timeout,
    };
    worker_with(t, FROM, &settings)
}

/// Sends what earlier steps of a story wrote.
async fn send_all(t: &TestApp) {
    let relay = Relay::start(Rules::default()).await;
    worker_from(t, relay.port, FROM).send_due().await.unwrap();
}

fn assert_each_once(relay: &Relay, count: usize) {
    let taken = relay.taken();
    let different: BTreeSet<&String> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (count, count));
}

on_both_databases! {
    async fn a_login_mail_overtakes_all_that_is_not_in_flight(t: TestApp) {
        t.reader(ANNA).await;
        send_all(&t).await;
        queue(&t, 1_500, Priority::Transactional).await;
        let relay = Relay::start(Rules { holds: true, ..Rules::default() }).await;
        let worker = worker_from(&t, relay.port, FROM);
        let sending = tokio::spawn(async move { worker.send_due().await.unwrap() });
        eventually("three mails are in flight", || async { relay.begun() == 3 }).await;
        assert_eq!(t.tell("/v1/auth/magic-links", json!({"email": ANNA})).await.status, 202);
        // Without the reserved connection: the first one that is free takes the new mail.
        relay.release();
        assert_eq!(sending.await.unwrap(), 1_501);
        let place = relay.taken().iter().position(|to| to == ANNA).unwrap();
        assert!(place <= 3, "{place} left before it, and three were in flight");
        assert_each_once(&relay, 1_501);
    }

    async fn the_reserved_connection_takes_a_login_mail_while_all_others_are_busy(t: TestApp) {
        t.reader(ANNA).await;
        send_all(&t).await;
        queue(&t, 30, Priority::Bulk).await;
        let relay = Relay::start(Rules { holds: true, ..Rules::default() }).await;
        let general = Arc::new(worker_from(&t, relay.port, FROM));
        let security = Arc::new(security_worker(&t, &relay));
        let running = [general, security].map(|worker| tokio::spawn(worker.run(Heartbeat::default())));
        eventually("three mails are in flight", || async { relay.begun() == 3 }).await;
        assert_eq!(t.tell("/v1/auth/magic-links", json!({"email": ANNA})).await.status, 202);
        eventually("it is in flight, too", || async { relay.begun() == 4 }).await;
        relay.release();
        eventually("all are sent", || async { relay.taken().len() == 31 }).await;
        assert!(relay.taken()[..4].contains(&ANNA.to_owned()), "{:?}", relay.taken());
        assert_each_once(&relay, 31);
        for worker in running {
            worker.abort();
        }
    }

    async fn mails_leave_by_priority_and_age(t: TestApp) {
        for priority in [Priority::Bulk, Priority::Notice, Priority::Transactional] {
            queue(&t, 4, priority).await;
            t.clock.advance(Span::SECOND);
        }
        tell(&t, ANNA).await;
        let relay = Relay::start(Rules::default()).await;
        let mut worker = worker_from(&t, relay.port, FROM);
        worker.lane.connections = 1;
        assert_eq!(worker.send_due().await.unwrap(), 13);
        let of_each = || (0..4).map(|i| format!("reader-{i}@example.org"));
        let expected = [ANNA.to_owned()].into_iter().chain(of_each()).chain(of_each()).chain(of_each());
        assert_eq!(relay.taken(), expected.collect::<Vec<_>>());
    }

    async fn a_relay_that_hangs_up_after_some_mails_is_called_again_at_once(t: TestApp) {
        queue(&t, 60, Priority::Notice).await;
        let relay = Relay::start(Rules { per_connection_max: Some(4), ..Rules::default() }).await;
        let mut worker = worker_from(&t, relay.port, FROM);
        worker.lane.batch_max = 100;
        assert_eq!(worker.send_due().await.unwrap(), 60, "without a pause");
        assert_each_once(&relay, 60);
        assert!(relay.connected() >= 15, "{}", relay.connected());
        for mail in ["reader-0@example.org", "reader-4@example.org", "reader-59@example.org"] {
            assert_eq!(kept(&t, mail).await.attempts, 1, "being turned away is no attempt");
        }
    }

    async fn a_relay_that_takes_few_connections_gets_all_mails_over_them(t: TestApp) {
        queue(&t, 60, Priority::Notice).await;
        let relay = Relay::start(Rules { connections_max: Some(1), ..Rules::default() }).await;
        let mut worker = worker_from(&t, relay.port, FROM);
        worker.lane.batch_max = 100;
        assert_eq!(worker.send_due().await.unwrap(), 60);
        assert_each_once(&relay, 60);
        assert!(relay.connected() <= 4, "{}", relay.connected());
    }

    async fn a_relay_that_turns_everything_away_costs_no_attempt(t: TestApp) {
        queue(&t, 60, Priority::Notice).await;
        let relay = Relay::start(Rules { connections_max: Some(0), ..Rules::default() }).await;
        let worker = worker_from(&t, relay.port, FROM);
        for round in 1..=3 {
            assert!(worker.send_due().await.is_err(), "a reason to pause");
            assert_eq!(relay.connected(), 3 * round, "one try for each connection");
        }
        assert_eq!(kept(&t, "reader-0@example.org").await.attempts, 0);
    }

    async fn a_connection_that_hangs_holds_up_no_other(t: TestApp) {
        queue(&t, 60, Priority::Notice).await;
        let relay = Relay::start(Rules { silent_first: 1, ..Rules::default() }).await;
        let worker = impatient_worker(&t, &relay, Duration::from_mins(1));
        let sending = tokio::spawn(async move { worker.send_due().await });
        eventually("the others send all", || async { relay.taken().len() == 60 }).await;
        // While that connection still hangs.
        tell(&t, ANNA).await;
        eventually("and what comes later", || async { relay.taken().len() == 61 }).await;
        assert!(!sending.is_finished());
        sending.abort();
        assert_each_once(&relay, 61);
    }

    async fn a_relay_that_says_nothing_is_given_up_in_time(t: TestApp) {
        queue(&t, 1, Priority::Notice).await;
        let relay = Relay::start(Rules { silent_first: 1, ..Rules::default() }).await;
        let mut worker = impatient_worker(&t, &relay, Duration::from_secs(1));
        worker.lane.connections = 1;
        let failed = worker.send_due().await.unwrap_err();
        assert_eq!(failed.to_string(), "the server cannot be used: no answer in time");
        assert_eq!(worker.send_due().await.unwrap(), 1);
        assert_eq!(kept(&t, "reader-0@example.org").await.attempts, 1);
    }

    async fn a_mail_at_which_the_relay_hangs_up_waits_alone(t: TestApp) {
        write(&t, "poison@example.org", Letter::AddressTaken).await;
        queue(&t, 20, Priority::Notice).await;
        let relay = Relay::start(Rules { hangs_up_on: Some("poison"), ..Rules::default() }).await;
        let worker = worker_from(&t, relay.port, FROM);
        assert_eq!(worker.send_due().await.unwrap(), 21);
        assert_each_once(&relay, 20);
        assert_eq!(kept(&t, "poison@example.org").await.attempts, 1);
        t.clock.advance(Span::MINUTE);
        assert_eq!(worker.send_due().await.unwrap(), 1);
        assert_eq!(kept(&t, "poison@example.org").await.attempts, 2);
    }

    async fn no_more_leave_in_a_second_than_the_relay_allows(t: TestApp) {
        queue(&t, 5, Priority::Notice).await;
        let relay = Relay::start(Rules::default()).await;
        let mut worker = worker_from(&t, relay.port, FROM);
        worker.pace = Arc::new(Pace::new(10));
        let begun = tokio::time::Instant::now();
        assert_eq!(worker.send_due().await.unwrap(), 5);
        // A lower bound only: a busy machine makes it longer.
        assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
        assert_each_once(&relay, 5);
    }

    async fn an_outbox_that_hangs_is_noticed_and_started_again(t: TestApp) {
        queue(&t, 1, Priority::Notice).await;
        let relay = Relay::start(Rules { silent_first: 1, ..Rules::default() }).await;
        let worker = Arc::new(impatient_worker(&t, &relay, Duration::from_mins(10)));
        let supervisor = Supervisor::new(prometheus_client::metrics::family::Family::default());
        let watch = Watch::essential("outbox").hanging_after(Duration::from_millis(300));
        supervisor.spawn(watch, move |heartbeat| Arc::clone(&worker).run(heartbeat));
        eventually("it is noticed", || async {
            supervisor.check().is_err_and(|down| down.to_string().contains("`outbox` h"))
        }).await;
        eventually("another takes its place", || async { relay.taken().len() == 1 }).await;
        eventually("which rests well", || async { supervisor.check().is_ok() }).await;
        supervisor.stop();
    }

    async fn what_waits_is_shown_by_priority(t: TestApp) {
        let metrics = pressgate::http::metrics::Metrics::default();
        let main = &t.state.databases.main;
        queue(&t, 3, Priority::Bulk).await;
        t.clock.advance(Span::minutes(2));
        tell(&t, ANNA).await;
        t.clock.advance(Span::seconds(30));
        let refresh = || pressgate::mail::queue_metrics::refresh(&metrics.mail_queue, main, &*t.clock);
        refresh().await.unwrap();
        let shown = metrics.render();
        for line in [
            "pressgate_mails_queued{priority=\"security\"} 1",
            "pressgate_mails_queued{priority=\"transactional\"} 0",
            "pressgate_mails_queued{priority=\"notices\"} 0",
            "pressgate_mails_queued{priority=\"bulk\"} 3",
            "pressgate_mails_queued_oldest_age_seconds{priority=\"security\"} 30.0",
            "pressgate_mails_queued_oldest_age_seconds{priority=\"bulk\"} 150.0",
        ] {
            assert!(shown.lines().any(|it| it == line), "{line}: {shown}");
        }
        send_all(&t).await;
        refresh().await.unwrap();
        let shown = metrics.render();
        assert!(shown.contains("pressgate_mails_queued{priority=\"bulk\"} 0"), "{shown}");
        assert!(shown.contains("oldest_age_seconds{priority=\"bulk\"} 0.0"), "{shown}");
    }

    async fn what_was_rolled_back_is_not_announced(t: TestApp) {
        let arrivals = t.state.accounts.mail.arrivals();
        let arrived = |least| arrivals.arrived(least).now_or_never().is_some();
        let to = Address::parse(ANNA).unwrap();
        let to = Recipient::new(&to, pressgate::language::Words::default());
        let letter = Letter::PasswordChanged { at: t.clock.now() }.content(&to.words);
        let mut tx = t.state.databases.main.write().await.unwrap();
        t.state.accounts.mail.enqueue(&mut tx, &to, letter.clone(), t.clock.now()).unwrap();
        drop(tx);
        assert!(!arrived(Priority::Security) && !arrived(Priority::Bulk));
        let mut tx = t.state.databases.main.write().await.unwrap();
        t.state.accounts.mail.enqueue(&mut tx, &to, letter, t.clock.now()).unwrap();
        assert!(!arrived(Priority::Security), "not before it is there");
        tx.commit().await.unwrap();
        assert!(arrived(Priority::Security) && arrived(Priority::Bulk));
    }
}

/// Two instances on one PostgreSQL database. `PRESSGATE_TEST_MAILS` sets how many mails; 10,000 take
/// too long for every run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_mails_leave_two_instances_once_each() {
    let count = std::env::var("PRESSGATE_TEST_MAILS").map_or(1_000, |count| count.parse().unwrap());
    let place = Place::postgres_with_tables().await;
    let t = TestApp::start(place.clone()).await;
    queue(&t, count, Priority::Notice).await;
    let other = t.another_process().await;
    let relay = Relay::start(Rules { per_connection_max: Some(75), ..Rules::default() }).await;
    let workers = [&t, &other].map(|process| worker_from(process, relay.port, FROM));
    let [one, two] = &workers;
    let (of_one, of_two) = join(one.send_due(), two.send_due()).await;
    let (of_one, of_two) = (of_one.unwrap(), of_two.unwrap());
    assert_eq!(of_one + of_two, count);
    assert!(of_one > count / 10 && of_two > count / 10, "both sent: {of_one} and {of_two}");
    assert_each_once(&relay, count);
    place.clear().await;
}
