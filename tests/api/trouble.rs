//! When a database is locked, gone or read-only: nobody is told what is not so, nothing is
//! counted, and it mends by itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use pressgate::clock::ManualClock;
use serde_json::json;
use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    app::{START, TestApp, at, eventually},
    place::Place,
    support::{PostgresDatabase, administer, connect_as_owner},
};

pub(crate) const IMPATIENT: [(&str, &str); 3] = [
    ("PRESSGATE__SITES__REFRESH_SECS", "1"),
    ("PRESSGATE__DATABASE__STATEMENT_TIMEOUT_SECS", "1"),
    ("PRESSGATE__DATABASE__ACQUIRE_TIMEOUT_SECS", "1"),
];

pub(crate) async fn impatient(place: &Place) -> TestApp {
    let clock = Arc::new(ManualClock::at(at(START)));
    TestApp::open(place.clone(), clock, &IMPATIENT).await.unwrap()
}

/// Everything that needs to count says 503, and when to come back.
async fn cannot_count(t: &TestApp, visitor: &serde_json::Value) {
    let body = json!({"article": {"id": "new"}, "visitor": visitor});
    let answer = t.access(body.clone()).await;
    assert_eq!(answer.problem(), (503, "meter_unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");
    let batch = json!({"requests": [body]}).to_string();
    assert_eq!(t.post("/v1/access/batch", batch).await.problem().0, 503);
    eventually("not ready", || async { t.get("/health/ready").await.status == 503 }).await;
    let ready = t.get("/health/ready").await;
    assert_eq!(ready.problem(), (503, "not_ready".to_owned()));
    assert_eq!(ready.header("retry-after"), "2");
    assert_eq!(t.get("/health/live").await.status, 200, "alive all the same");
    let free = json!({"article": {"id": "x", "access": "free"}});
    assert_eq!(t.access(free).await.status, 200, "what needs no count goes on");
}

/// It works again without help, and nothing of the trouble was counted.
async fn recovers(t: &TestApp, visitor: &serde_json::Value) {
    eventually("ready again", || async { t.get("/health/ready").await.status == 200 }).await;
    eventually("counting again", || async { t.used(visitor).await.is_some() }).await;
    assert_eq!(t.used(visitor).await, Some(0), "nothing was counted meanwhile");
    assert_eq!(t.outcome("new", visitor).await, ("metered".to_owned(), 1));
    assert_eq!(t.outcome("other", visitor).await, ("meter_exhausted".to_owned(), 1));
}

/// A connection of somebody else's that holds the lock of the meter's file.
pub(crate) async fn lock(place: &Place) -> SqliteConnection {
    let file = place.url().replace("sqlite://", "").replace("t.db", "t.meter.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_locked_by_somebody_else() {
    let place = Place::sqlite();
    let t = impatient(&place).await;
    let visitor = t.visitor().await;
    let walled = t.read("a", &serde_json::Value::Null).await["visitor"].clone();
    assert_eq!(t.outcome("b", &walled).await.0, "meter_exhausted");

    let mut other = lock(&place).await;
    cannot_count(&t, &visitor).await;
    assert_eq!(t.outcome("a", &walled).await.0, "already_read", "known in memory");

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    recovers(&t, &visitor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_unreachable_for_a_while() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let t = impatient(&behind).await;
    let visitor = t.visitor().await;

    proxy.cut();
    cannot_count(&t, &visitor).await;
    let body = json!({"article": {"id": "x", "access": "free"}});
    let answer = t.with_key("sk_sandbox_unknown").access(body).await;
    assert_eq!(answer.problem(), (503, "database_unavailable".to_owned()), "not 401");
    assert_eq!(answer.header("retry-after"), "2");
    proxy.restore();
    recovers(&t, &visitor).await;
    database.drop().await;
}

/// The machine behind the wire is gone without a word, as in a failover: no connection is closed,
/// none answers, and new ones reach its successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_silent_on_every_open_connection() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let t = impatient(&behind).await;
    let visitor = t.visitor().await;
    // A statement is under way when it happens: it waits for somebody's lock.
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    sqlx::query("LOCK TABLE meter_windows").execute(&mut other).await.unwrap();
    let asked = {
        let (t, visitor) = (t.clone(), visitor.clone());
        tokio::spawn(async move {
            t.access(json!({"article": {"id": "lost"}, "visitor": visitor})).await
        })
    };
    eventually("a statement waits", || waits_for_a_lock(&database.name)).await;
    proxy.silence();
    assert_eq!(asked.await.unwrap().problem().0, 503);
    other.close().await.unwrap();
    eventually("counting again", || async { t.used(&visitor).await.is_some() }).await;
    eventually("ready again", || async { t.get("/health/ready").await.status == 200 }).await;
    assert_eq!(t.outcome("new", &visitor).await, ("metered".to_owned(), 1));

    assert_eq!(t.outcome("other", &visitor).await.0, "meter_exhausted");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_while_postgres_is_silent() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let t = impatient(&behind).await;
    // There is something left to write at the end, and a connection that never comes back.
    t.outcome("a", &serde_json::Value::Null).await;
    let _held = t.state.databases.main.read().await.unwrap();
    proxy.silence();
    let stopped = tokio::time::timeout(Duration::from_secs(25), t.stop()).await;
    assert!(stopped.is_ok(), "it waits for the database without end");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_silent_while_sites_are_read_anew() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let near = impatient(&Place::Postgres(database.clone())).await;
    let key = near.add_key("demo").await.unwrap();
    let far = impatient(&behind).await.with_key(&key.text);
    let body = json!({"article": {"id": "x", "access": "free"}});
    assert_eq!(far.access(body.clone()).await.status, 200);
    near.stop().await;

    let mut other = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    sqlx::query("LOCK TABLE sites").execute(&mut other).await.unwrap();
    eventually("a statement waits", || waits_for_a_lock(&database.name)).await;
    proxy.silence();
    sqlx::query("UPDATE site_keys SET revoked_at = created_at WHERE id = $1")
        .bind(&key.id)
        .execute(&mut other)
        .await
        .unwrap();
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    eventually("the revoked key is refused", || async {
        far.access(body.clone()).await.status == 401
    })
    .await;
    database.drop().await;
}

/// Whether a statement in the database `name` waits for a lock.
async fn waits_for_a_lock(name: &str) -> bool {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = $1 AND wait_event_type = 'Lock'";
    let mut connection = connect_as_owner().await;
    let waiting: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    waiting > 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_read_only_for_a_while() {
    let place = Place::postgres().await;
    let t = impatient(&place).await;
    let visitor = t.visitor().await;
    let Place::Postgres(database) = &place else { return };
    let name = &database.name;
    let read_only = async |setting: &str| {
        let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = {setting}");
        administer(&set).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        administer(&format!("{end}'{name}'")).await;
    };

    read_only("on").await;
    cannot_count(&t, &visitor).await;
    read_only("off").await;
    recovers(&t, &visitor).await;
    place.clear().await;
}

/// What a failover leaves behind: sessions on a server that only reads, although new ones would lead
/// to one that writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_sessions_that_stayed_read_only_are_given_up() {
    let place = Place::postgres().await;
    let t = impatient(&place).await;
    let visitor = t.visitor().await;
    let Place::Postgres(database) = &place else { return };
    let name = &database.name;
    let read_only = async |setting: &str| {
        administer(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {setting}"))
            .await;
    };
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
    read_only("on").await;
    administer(&format!("{end}'{name}'")).await;
    cannot_count(&t, &visitor).await;
    // Nothing ends the sessions that are open.
    read_only("off").await;
    recovers(&t, &visitor).await;
    let reader = json!({"email": "a@example.com", "password": "a-long-enough-passphrase"});
    assert_eq!(t.post("/v1/readers", reader.to_string()).await.status, 202);
    place.clear().await;
}

/// At 400 ms from the database every read is answered, and so the instance stays ready.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_far_away_is_no_reason_to_be_taken_out() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let clock = Arc::new(ManualClock::at(at(START)));
    let t = TestApp::open(behind, clock, &[]).await.unwrap();
    let visitor = t.visitor().await;
    proxy.delay_millis.store(200, Ordering::SeqCst);
    for i in 0..8 {
        assert_eq!(t.get("/health/ready").await.status, 200, "check {i}");
        let body = json!({"article": {"id": "a"}, "visitor": visitor});
        assert_eq!(t.access(body).await.status, 200, "read {i}");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_reads_than_the_queue_holds_are_refused_and_may_come_back() {
    let place = Place::sqlite();
    let clock = Arc::new(ManualClock::at(at(START)));
    let queue = ("PRESSGATE__METER__QUEUE_MAX", "4");
    let settings = [&IMPATIENT[..], &[queue]].concat();
    let t = TestApp::open(place.clone(), clock, &settings).await.unwrap();
    let visitor = t.visitor().await;
    let requests = vec![json!({"article": {"id": "a"}, "visitor": visitor}); 20];
    let body = json!({"requests": requests}).to_string();
    // While somebody else holds the lock, nothing leaves the queue.
    let mut other = lock(&place).await;
    let answer = t.post("/v1/access/batch", body.clone()).await;
    assert_eq!(answer.problem(), (503, "overloaded".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    eventually("room again", || async { t.used(&visitor).await.is_some() }).await;
    // What was asked may have been counted, since the lock went in time: then it is free.
    let reason = t.outcome("a", &visitor).await.0;
    assert!(["metered", "already_read"].contains(&reason.as_str()), "{reason}");
}

/// A wire to PostgreSQL that can be cut.
pub(crate) struct Proxy {
    pub(crate) url: String,
    is_cut: Arc<AtomicBool>,
    cutting: Arc<tokio::sync::Notify>,
    silencing: Arc<tokio::sync::Notify>,
    /// How long bytes travel in each direction.
    delay_millis: Arc<AtomicU64>,
}

impl Proxy {
    /// A database, the wire to it, and the place that applications find at the wire's end.
    pub(crate) async fn before_a_database() -> (PostgresDatabase, Self, Place) {
        let database = PostgresDatabase::create().await;
        let proxy = Self::to(&database.url).await;
        let behind = PostgresDatabase { url: proxy.url.clone(), name: database.name.clone() };
        (database, proxy, Place::Postgres(behind))
    }

    async fn to(url: &str) -> Self {
        let (head, rest) = url.split_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{head}@{}/{database}", listener.local_addr().unwrap());
        let is_cut = Arc::new(AtomicBool::new(false));
        let cutting = Arc::new(tokio::sync::Notify::new());
        let silencing = Arc::new(tokio::sync::Notify::new());
        let delay_millis = Arc::new(AtomicU64::new(0));
        let carrying = (is_cut.clone(), cutting.clone(), silencing.clone());
        tokio::spawn(carry(listener, host.to_owned(), carrying, Arc::clone(&delay_millis)));
        Self { url, is_cut, cutting, silencing, delay_millis }
    }

    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cutting.notify_waiters();
    }

    /// Connections that are open now stay open and carry nothing any more.
    fn silence(&self) {
        self.silencing.notify_waiters();
    }

    pub(crate) fn restore(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

async fn carry(
    listener: TcpListener,
    host: String,
    (is_cut, cutting, silencing): (
        Arc<AtomicBool>,
        Arc<tokio::sync::Notify>,
        Arc<tokio::sync::Notify>,
    ),
    delay_millis: Arc<AtomicU64>,
) {
    while let Ok((near, _)) = listener.accept().await {
        if is_cut.load(Ordering::SeqCst) {
            continue; // Dropped, so closed.
        }
        let (host, cutting, silencing) = (host.clone(), cutting.clone(), silencing.clone());
        let delay = Arc::clone(&delay_millis);
        tokio::spawn(async move {
            let (cut, silent) = (cutting.notified(), silencing.notified());
            let Ok(far) = TcpStream::connect(host).await else { return };
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::select! {
                () = forward(near_in, far_out, &delay) => {}
                () = forward(far_in, near_out, &delay) => {}
                () = cut => {}
                () = silent => std::future::pending().await,
            }
        });
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: &AtomicU64) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(Duration::from_millis(delay.load(Ordering::SeqCst))).await;
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
