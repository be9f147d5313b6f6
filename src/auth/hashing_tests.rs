//! What a stored hash is worth, and how many are computed at once.

use std::future::poll_fn;

use futures_util::{FutureExt, future::join_all};

use super::{
    super::{argon2id::*, hash_queue::Lane, limit_store::LimitKey},
    *,
};

const WORDS: &str = "gate swims under slow bells";
const NOW: HashLimits =
    HashLimits { memory_kib: MEMORY_KIB_MIN, passes: PASSES_MIN, threads: 2, queue_max: 256 };

fn hasher(limits: HashLimits) -> Hasher {
    Hasher::start(limits, Ids::system().unwrap()).unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text, &[]).unwrap()
}

fn attempt(text: &str) -> Attempt {
    Password::attempt(text).unwrap()
}

fn from(client: [u8; 4], account: &str, lane: Lane) -> TurnRequest {
    TurnRequest { client: Some(client.into()), account: LimitKey::login(account), lane }
}

fn anybody() -> TurnRequest {
    from([203, 0, 113, 7], "anna@example.org", Lane::Reader)
}

/// Threads in use, and requests that wait.
fn busy(hasher: &Hasher) -> (usize, usize) {
    let state = hasher.0.state();
    (state.running, state.queue.len())
}

async fn hash(hasher: &Hasher, text: &str) -> String {
    hasher.turn(anybody()).await.unwrap().hash(&password(text)).await.unwrap()
}

async fn verify(hasher: &Hasher, text: &str, stored: Option<&str>) -> Verified {
    hasher.turn(anybody()).await.unwrap().verify(&attempt(text), stored).await.unwrap()
}

#[tokio::test]
async fn only_the_very_same_password_verifies() {
    let hasher = hasher(NOW);
    let stored = hash(&hasher, WORDS).await;
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_ne!(stored, hash(&hasher, WORDS).await);
    assert_eq!(verify(&hasher, WORDS, Some(&stored)).await, Verified::Yes);
    for other in ["Gate swims under slow bells", "gate swims under slow bells ", "gate", ""] {
        assert_eq!(verify(&hasher, other, Some(&stored)).await, Verified::No, "{other}");
    }
    for length in [64, 72, 73, 100, 128, 256] {
        let long: String = "🔑 løsen-ÿ 木 ".chars().cycle().take(length).collect();
        let stored = hash(&hasher, &long).await;
        assert_eq!(verify(&hasher, &long, Some(&stored)).await, Verified::Yes, "{length}");
        let mut shorter = long.clone();
        shorter.pop();
        assert_eq!(verify(&hasher, &shorter, Some(&stored)).await, Verified::No, "{length}");
    }
    let base = "abcdefghi ".repeat(8);
    let (at_73, other) =
        (format!("{}Qx{}", &base[..72], WORDS), format!("{}Rx{WORDS}", &base[..72]));
    let stored = hash(&hasher, &at_73).await;
    assert_eq!(verify(&hasher, &other, Some(&stored)).await, Verified::No);
}

#[tokio::test]
async fn one_password_typed_in_two_ways_is_one() {
    let hasher = hasher(NOW);
    let stored = hash(&hasher, "caf\u{e9} under slow bells").await;
    let typed = "cafe\u{301} under slow bells";
    assert_eq!(verify(&hasher, typed, Some(&stored)).await, Verified::Yes);
}

#[tokio::test]
async fn an_old_hash_is_told_by_the_right_password_only() {
    let old = hasher(HashLimits { memory_kib: 8_192, passes: 1, ..NOW });
    let stored = hash(&old, WORDS).await;
    let now = hasher(NOW);
    assert_eq!(verify(&now, WORDS, Some(&stored)).await, Verified::YesButOld);
    assert_eq!(verify(&now, "another one", Some(&stored)).await, Verified::No);
    let renewed = now.turn(anybody()).await.unwrap().rehash(&attempt(WORDS)).await.unwrap();
    assert_eq!(verify(&now, WORDS, Some(&renewed)).await, Verified::Yes);
    // What is stronger than needed stays as it is.
    assert_eq!(verify(&old, WORDS, Some(&renewed)).await, Verified::Yes);
}

#[tokio::test]
async fn an_unknown_account_takes_the_same_work_and_is_never_right() {
    let hasher = hasher(NOW);
    let stored = hash(&hasher, WORDS).await;
    let before = hasher.computed();
    assert_eq!(verify(&hasher, "another one", Some(&stored)).await, Verified::No);
    assert_eq!(hasher.computed(), before + 1);
    assert_eq!(verify(&hasher, "another one", None).await, Verified::No);
    assert_eq!(hasher.computed(), before + 2);
}

#[tokio::test]
async fn a_stored_hash_that_cannot_be_is_an_error() {
    let hasher = hasher(NOW);
    let (salt, output) = ("c2FsdHNhbHRzYWx0c2FsdA", "A".repeat(43));
    for stored in [
        String::new(),
        WORDS.to_owned(),
        "$argon2id$v=19$m=19456,t=2,p=1".to_owned(),
        format!("$argon2id$v=19$m=19456,t=2,p=1${salt}"),
        format!("$argon2id$v=19$m=1048577,t=2,p=1${salt}${output}"),
        format!("$argon2id$v=19$m=4294967295,t=2,p=1${salt}${output}"),
        format!("$argon2id$v=19$m=19456,t=17,p=1${salt}${output}"),
        format!("$argon2id$v=19$m=19456,t=2,p=4${salt}${output}"),
        format!("$argon2id$v=19$m=1,t=2,p=1${salt}${output}"),
        format!("$scrypt$ln=17,r=8,p=1${salt}${output}"),
    ] {
        let before = hasher.computed();
        let mut turn = hasher.turn(anybody()).await.unwrap();
        let answer = turn.verify(&attempt(WORDS), Some(&stored)).await;
        assert!(matches!(answer, Err(HashError::Stored(_))), "{stored}: {answer:?}");
        assert_eq!(hasher.computed(), before, "{stored}");
    }
}

#[tokio::test]
async fn so_many_wait_and_the_next_is_refused_at_once() {
    let hasher = hasher(HashLimits { threads: 1, queue_max: 3, ..NOW });
    let running = hasher.turn(anybody()).await.unwrap();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(hasher.turn(anybody()))).collect();
    for turn in &mut waiting {
        assert!(turn.now_or_never_again().await);
    }
    assert!(matches!(hasher.turn(anybody()).now_or_never(), Some(Err(HashError::Busy))));
    // One that gives up makes room.
    drop(waiting.pop());
    let mut late = Box::pin(hasher.turn(anybody()));
    assert!(late.now_or_never_again().await);
    assert!(matches!(hasher.turn(anybody()).now_or_never(), Some(Err(HashError::Busy))));
    drop(running);
    waiting.push(late);
    let turns = waiting.into_iter().map(|turn| async { turn.await.is_ok() });
    assert_eq!(join_all(turns).await, [true; 3]);
    assert_eq!(busy(&hasher), (0, 0));
}

#[tokio::test]
async fn a_flood_from_one_network_delays_others_by_a_turn_and_costs_them_no_place() {
    let hasher = hasher(HashLimits { threads: 1, queue_max: 8, ..NOW });
    let running = hasher.turn(anybody()).await.unwrap();
    let mut flood: Vec<_> = (0..8)
        .map(|i| from([203, 0, 113, 7], &format!("{i}@example.org"), Lane::Reader))
        .map(|request| Box::pin(hasher.turn(request)))
        .collect();
    for turn in &mut flood {
        assert!(turn.now_or_never_again().await);
    }
    let (anna, admin) = ([198, 51, 100, 1], "admin@example.org");
    let mut anna = Box::pin(hasher.turn(from(anna, "anna@example.org", Lane::Reader)));
    let mut admin = Box::pin(hasher.turn(from([203, 0, 113, 7], admin, Lane::Staff)));
    assert!(anna.now_or_never_again().await && admin.now_or_never_again().await);
    let newest = flood.pop().unwrap();
    assert!(matches!(newest.now_or_never(), Some(Err(HashError::Busy))), "its place is Anna's");
    // One that gives up while it waits is passed over.
    drop(flood.remove(1));
    drop(running);
    let order = [admin, flood.remove(0), anna];
    let mut waited = 0;
    for turn in order {
        let granted = tokio::select! {
            turn = turn => turn.unwrap(),
            other = flood.first_mut().unwrap() => unreachable!("out of turn: {other:?}"),
        };
        waited += 1;
        drop(granted);
    }
    assert_eq!((waited, busy(&hasher)), (3, (1, 4)), "the flood goes on");
    drop(flood);
    assert_eq!(busy(&hasher), (0, 0));
}

/// Polls once; whether it still waits.
trait StillWaits: Future + Unpin {
    async fn now_or_never_again(&mut self) -> bool {
        poll_fn(|context| std::task::Poll::Ready(self.poll_unpin(context).is_pending())).await
    }
}
impl<F: Future + Unpin> StillWaits for F {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_nobody_waits_for_keeps_its_thread_to_the_end() {
    let hasher = hasher(HashLimits { threads: 1, ..NOW });
    let (started, mut has_started) = tokio::sync::oneshot::channel();
    let (finish, may_finish) = std::sync::mpsc::channel::<()>();
    let mut turn = hasher.turn(anybody()).await.unwrap();
    let mut work = Box::pin(turn.work(move |_| {
        started.send(()).unwrap();
        may_finish.recv().unwrap();
    }));
    tokio::select! {
        _ = &mut work => unreachable!("it may not finish yet"),
        _ = &mut has_started => {}
    }
    drop(work);
    // The turn is spent, and the thread is still taken.
    let again = turn.verify(&attempt(WORDS), None).await;
    assert!(matches!(again, Err(HashError::CutOff)));
    drop(turn);
    assert_eq!(busy(&hasher), (1, 0));
    finish.send(()).unwrap();
    assert!(hasher.turn(anybody()).await.is_ok());
}

#[tokio::test]
async fn a_panic_frees_the_thread() {
    let hasher = hasher(HashLimits { threads: 1, ..NOW });
    let mut turn = hasher.turn(anybody()).await.unwrap();
    let broken = turn.work(|_| panic!("the work broke")).await;
    assert!(matches!(broken, Err(HashError::CutOff)));
    assert_eq!(busy(&hasher), (0, 0));
}

#[tokio::test]
async fn a_new_password_is_judged_away_from_the_requests() {
    let hasher = hasher(NOW);
    let mut turn = hasher.turn(anybody()).await.unwrap();
    let common = turn.parse("Password1", &[]).await;
    assert!(matches!(common, Err(HashError::Refused(InvalidPassword::TooCommon))));
    let long = turn.parse(&"x".repeat(5_000), &[]).await;
    assert!(matches!(long, Err(HashError::Refused(InvalidPassword::TooLong))));
    let taken = turn.parse(WORDS, &["anna"]).await.unwrap();
    assert!(turn.hash(&taken).await.unwrap().starts_with("$argon2id$"));
}
