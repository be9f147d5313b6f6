//! Staying logged in: a lost answer is given again once, and whoever uses a copy ends the session
//! for everybody.

use futures_util::future::join_all;
use pressgate::auth::{
    access_token::{Realm, Scope},
    session::{
        secret::SecretKind,
        store::{self, NewSession},
    },
};
use pressgate::{clock::Clock, ids::Ids};
use time::Duration;

use crate::{
    app::{Answer, TestApp, eventually},
    readers::{ANNA, PASSWORD, Tokens, refused},
};

const LOGGED_OUT: &str = "We logged a device out";

async fn next(t: &TestApp, token: &str) -> Tokens {
    Tokens::of(&t.refresh(token).await)
}

async fn is_refused(t: &TestApp, token: &str) {
    let answer = t.refresh(token).await;
    assert_eq!(answer.problem(), refused(401, "invalid_refresh_token"));
}

/// None of these opens anything any more, and the reader was told so once.
async fn all_are_dead(t: &TestApp, family: &[&Tokens]) {
    for tokens in family {
        assert!(!t.opens(&tokens.access).await);
        is_refused(t, &tokens.refresh).await;
    }
    let told = t.subjects_to(ANNA).await.into_iter().filter(|subject| subject == LOGGED_OUT);
    assert_eq!(told.count(), 1);
}

/// How many tokens of anybody could be used next.
async fn live_tokens(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(i64,)> = tx
        .query(
            "SELECT COUNT(*) FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id
             WHERE r.state = 'live' AND s.ended_at IS NULL",
        )
        .optional()
        .await
        .unwrap();
    row.unwrap().0
}

/// Uses `token` `times` at once, in turn through each of `processes`.
async fn at_once(processes: &[TestApp], token: &str, times: usize) -> Vec<Answer> {
    let answers = (0..times).map(|i| {
        let (t, token) = (processes[i % processes.len()].clone(), token.to_owned());
        tokio::spawn(async move { t.refresh(&token).await })
    });
    join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

on_both_databases! {
    async fn each_use_gives_another_pair(t: TestApp) {
        let first = t.reader(ANNA).await;
        let second = next(&t, &first.refresh).await;
        let third = next(&t, &second.refresh).await;
        assert_eq!(first.reader, third.reader);
        assert!(first.refresh != second.refresh && second.refresh != third.refresh);
        assert!(first.access != second.access && second.access != third.access);
        assert!(t.opens(&third.access).await);
        assert_eq!(live_tokens(&t).await, 1);
    }

    async fn a_lost_answer_is_given_again_once(t: TestApp) {
        let first = t.reader(ANNA).await;
        let lost = next(&t, &first.refresh).await;
        let again = next(&t, &first.refresh).await;
        assert_eq!(live_tokens(&t).await, 1);
        let after = next(&t, &again.refresh).await;
        assert!(t.opens(&after.access).await);
        // What was lost turns up with somebody else.
        is_refused(&t, &lost.refresh).await;
        all_are_dead(&t, &[&first, &lost, &again, &after]).await;
    }

    async fn a_third_use_ends_the_session(t: TestApp) {
        let first = t.reader(ANNA).await;
        let other_device = t.device(ANNA).await;
        let (lost, again) = (next(&t, &first.refresh).await, next(&t, &first.refresh).await);
        is_refused(&t, &first.refresh).await;
        all_are_dead(&t, &[&first, &lost, &again]).await;
        assert!(t.opens(&other_device.access).await, "other devices are left alone");
        next(&t, &other_device.refresh).await;
    }

    async fn a_use_after_the_successor_was_used_ends_the_session(t: TestApp) {
        let first = t.reader(ANNA).await;
        let second = next(&t, &first.refresh).await;
        let third = next(&t, &second.refresh).await;
        is_refused(&t, &first.refresh).await;
        all_are_dead(&t, &[&first, &second, &third]).await;
        let mails = t.mails_to(ANNA).await;
        let text = mails.last().unwrap()["text"].as_str().unwrap();
        assert!(text.contains("an unnamed device") && !text.contains("token"), "{text}");
    }

    async fn fifty_at_once_never_make_two_chains(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0..3 {
            let email = format!("anna{round}@example.org");
            let first = t.reader(&email).await;
            let answers = at_once(&processes, &first.refresh, 50).await;
            let (given, others): (Vec<&Answer>, Vec<&Answer>) =
                answers.iter().partition(|answer| answer.status == 200);
            // The first, the one that may have lost its answer, and a third who ended it.
            assert_eq!(given.len(), 2);
            for answer in others {
                assert_eq!(answer.problem(), refused(401, "invalid_refresh_token"));
            }
            assert_eq!(live_tokens(&t).await, 0);
            for answer in given {
                is_refused(&t, &Tokens::of(answer).refresh).await;
            }
            assert_eq!(t.subjects_to(&email).await, ["Confirm your address", LOGGED_OUT]);
        }
    }

    async fn two_at_once_leave_one_chain_that_goes_on(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        let mut last = t.reader(ANNA).await;
        for _ in 0..10 {
            let given: Vec<Tokens> =
                at_once(&processes, &last.refresh, 2).await.iter().map(Tokens::of).collect();
            assert_eq!(live_tokens(&t).await, 1);
            last = live_one(&t, &given).await;
        }
        assert_eq!(t.subjects_to(ANNA).await, ["Confirm your address"]);
    }

    async fn what_was_used_and_what_was_ended_outlives_the_process(t: TestApp) {
        let first = t.reader(ANNA).await;
        let second = next(&t, &first.refresh).await;
        let other = t.device(ANNA).await;
        assert_eq!(t.log_out(&other.refresh).await.status, 204);
        t.stop().await;
        let t = t.another_process().await;
        is_refused(&t, &other.refresh).await;
        assert!(!t.opens(&other.access).await, "known from the start");
        let third = next(&t, &second.refresh).await;
        is_refused(&t, &first.refresh).await;
        all_are_dead(&t, &[&first, &second, &third]).await;
        t.stop().await;
        let t = t.another_process().await;
        all_are_dead(&t, &[&first, &second, &third]).await;
    }

    async fn a_session_that_is_not_used_ends_to_the_second(t: TestApp) {
        let (used, unused) = (t.reader(ANNA).await, t.device(ANNA).await);
        t.clock.advance(Duration::days(90) - Duration::SECOND);
        let used = next(&t, &used.refresh).await;
        t.clock.advance(Duration::SECOND);
        is_refused(&t, &unused.refresh).await;
        next(&t, &used.refresh).await;
    }

    async fn a_session_ends_however_much_it_is_used(t: TestApp) {
        let mut tokens = t.reader(ANNA).await;
        for _ in 0..5 {
            t.clock.advance(Duration::days(79));
            tokens = next(&t, &tokens.refresh).await;
        }
        t.clock.advance(Duration::days(5) - Duration::SECOND);
        tokens = next(&t, &tokens.refresh).await;
        t.clock.advance(Duration::SECOND);
        is_refused(&t, &tokens.refresh).await;
        assert_eq!(t.subjects_to(ANNA).await, ["Confirm your address"], "nobody is alarmed");
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn an_ended_session_is_refused_here_at_once_and_elsewhere_soon(t: TestApp) {
        let another = t.another_process().await;
        let (one, two) = (t.reader(ANNA).await, t.device(ANNA).await);
        assert!(another.opens(&one.access).await && another.opens(&two.access).await);
        assert_eq!(t.log_out(&one.refresh).await.status, 204);
        assert!(!t.opens(&one.access).await);
        eventually("refused elsewhere", || async { !another.opens(&one.access).await }).await;
        assert_eq!(t.log_out(&two.refresh).await.status, 204);
        another.state.accounts.tokens.revocations().refresh().await.unwrap();
        assert!(!another.opens(&two.access).await);
    }

    /// Another instance that heard nothing for a while must not skip over what it missed, even
    /// when it has ended a session of its own since.
    async fn whoever_heard_nothing_for_a_while_catches_up(t: TestApp) {
        let another = t.another_process().await;
        let (one, two) = (t.reader(ANNA).await, t.device(ANNA).await);
        assert!(another.opens(&one.access).await);
        assert_eq!(t.log_out(&one.refresh).await.status, 204);
        t.clock.advance(Duration::minutes(5));
        assert_eq!(another.log_out(&two.refresh).await.status, 204);
        another.state.accounts.tokens.revocations().refresh().await.unwrap();
        assert!(!another.opens(&one.access).await);
    }

    async fn tokens_of_staff_open_nothing_for_readers(t: TestApp) {
        let (ids, now) = (Ids::system().unwrap(), t.clock.now());
        let new = NewSession {
            realm: Realm::Staff,
            subject: ids.uuid(now).unwrap(),
            device: String::new(),
            authenticated_at: now,
            expires_at: now.plus(Duration::DAY),
            kind: SecretKind::Refresh,
            scope: Scope::Full,
            handed_from: None,
        };
        let mut tx = t.state.databases.main.write().await.unwrap();
        let (_, secret) = store::start(&mut tx, &ids, new, now).unwrap();
        tx.commit().await.unwrap();
        is_refused(&t, secret.expose()).await;
        assert_eq!(t.log_out(secret.expose()).await.status, 204);
        assert_eq!(live_tokens(&t).await, 1, "nobody logs staff out from here");
    }

    async fn rubbish_is_no_refresh_token(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let cut = &tokens.refresh[..tokens.refresh.len() - 1];
        let long = format!("{}{}", tokens.refresh, "x".repeat(1_000));
        for token in ["", "pgr_", "pgr_\0", "\u{202e}", cut, &long, &tokens.access] {
            is_refused(&t, token).await;
            assert_eq!(t.log_out(token).await.status, 204);
        }
        next(&t, &tokens.refresh).await;
    }
}

/// The pair whose refresh token lives; the other of the two was void before anybody used it.
async fn live_one(t: &TestApp, given: &[Tokens]) -> Tokens {
    use pressgate::auth::session::secret::SecretHash;
    for tokens in given {
        let hash = SecretHash::of(SecretKind::Refresh, &tokens.refresh).unwrap();
        let mut tx = t.state.databases.main.read().await.unwrap();
        let row: Option<(String,)> = tx
            .query("SELECT state FROM refresh_tokens WHERE hash = $1")
            .bind(hash.to_bytes())
            .optional()
            .await
            .unwrap();
        if row.unwrap().0 == "live" {
            return tokens.clone();
        }
    }
    unreachable!("one of {} lives", given.len())
}
