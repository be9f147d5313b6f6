//! Logging in: a right password is never refused for having been given often, a wrong one counts
//! wherever and however the address is spelt, and a mail always lets its owner in.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use futures_util::future::join_all;
use pressgate::clock::Clock;
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, all_of, refused},
};

const WRONG: &str = "not the one that was set";

async fn stored_hash(t: &TestApp, email: &str) -> String {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(String,)> = tx
        .query("SELECT password_hash FROM readers WHERE email_key = $1")
        .bind(email)
        .optional()
        .await
        .unwrap();
    row.unwrap().0
}

async fn store_hash(t: &TestApp, email: &str, hash: Option<String>) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    tx.query("UPDATE readers SET password_hash = $1 WHERE email_key = $2")
        .bind(hash)
        .bind(email)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// As an installation with little memory once stored it.
fn weak_hash(password: &str) -> String {
    let params = Params::new(8_192, 1, 1, Some(32)).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_with_salt(password.as_bytes(), &[7; 16]).unwrap().to_string()
}

async fn fail(t: &TestApp, email: &str, times: usize) {
    for _ in 0..times {
        let answer = t.log_in(email, WRONG).await;
        assert_eq!(answer.problem(), refused(401, "invalid_credentials"));
    }
}

fn is_locked_out(answer: &Answer, seconds: &str) {
    assert_eq!(answer.problem(), refused(429, "too_many_attempts"));
    assert_eq!(answer.header("retry-after"), seconds);
}

/// Logs in `times` at once, in turn through each of `processes`: the statuses.
async fn at_once(processes: &[TestApp], password: &'static str, times: usize) -> Vec<u16> {
    let answers = (0..times).map(|i| {
        let t = processes[i % processes.len()].clone();
        tokio::spawn(async move { t.log_in(ANNA, password).await.status })
    });
    join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

on_both_databases! {
    async fn nobody_learns_what_was_wrong(t: TestApp) {
        t.reader(ANNA).await;
        t.reader("bert@example.org").await;
        store_hash(&t, "bert@example.org", None).await;
        t.sign_up("cora@example.org", PASSWORD).await;
        let hashes = || t.state.accounts.hasher.computed();
        let before = hashes();
        let wrong = t.log_in(ANNA, WRONG).await;
        assert_eq!(wrong.problem(), refused(401, "invalid_credentials"));
        assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"pressgate\"");
        // Known, without a password, not yet verified, and unknown.
        for (i, email) in ["bert", "cora", "dora"].iter().enumerate() {
            let other = t.log_in(&format!("{email}@example.org"), PASSWORD).await;
            assert_eq!(all_of(&other), all_of(&wrong), "{email}");
            assert_eq!(hashes() - before, 2 + u64::try_from(i).unwrap(), "the same work");
        }
    }

    async fn wrong_passwords_count_over_spellings_and_processes(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        t.reader(ANNA).await;
        let spellings = ["anna@example.org", "Anna@Example.org", " ANNA@EXAMPLE.ORG "];
        for i in 0..10 {
            fail(&processes[i % 2], spellings[i % 3], 1).await;
        }
        for process in &processes {
            let before = process.state.accounts.hasher.computed();
            for spelling in spellings {
                is_locked_out(&process.log_in(spelling, WRONG).await, "60");
                is_locked_out(&process.log_in(spelling, PASSWORD).await, "60");
            }
            assert_eq!(process.state.accounts.hasher.computed(), before, "nothing was hashed");
        }
        t.stop().await;
        let again = t.another_process().await;
        is_locked_out(&again.log_in(ANNA, PASSWORD).await, "60");
        t.clock.advance(Duration::seconds(59));
        is_locked_out(&again.log_in(ANNA, PASSWORD).await, "1");
        t.clock.advance(Duration::seconds(1));
        assert_eq!(again.log_in(ANNA, PASSWORD).await.status, 200, "the owner is never kept out");
        fail(&again, ANNA, 10).await;
    }

    async fn an_address_without_an_account_is_locked_like_any_other(t: TestApp) {
        t.reader(ANNA).await;
        for email in [ANNA, "bert@example.org"] {
            fail(&t, email, 10).await;
        }
        let (known, unknown) =
            (t.log_in(ANNA, WRONG).await, t.log_in("bert@example.org", WRONG).await);
        assert_eq!(all_of(&known), all_of(&unknown));
        is_locked_out(&known, "60");
        // Whoever makes an account there afterwards is not held to what others tried.
        assert_eq!(t.sign_up("bert@example.org", PASSWORD).await.status, 202);
        assert_eq!(t.verify(&t.link("bert@example.org").await).await.status, 200);
    }

    /// Each process may have one more under way when the last that counts is noted.
    async fn guesses_that_come_at_once_are_counted(t: TestApp) {
        t.reader(ANNA).await;
        let one = [("PRESSGATE__PASSWORDS__HASH_THREADS", "1")];
        let processes =
            [t.another_process_with(&one).await, t.another_process_with(&one).await];
        let statuses = at_once(&processes, WRONG, 50).await;
        let tried = statuses.iter().filter(|status| **status == 401).count();
        assert!((10..=11).contains(&tried), "{tried} were tried");
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    }

    async fn a_right_password_sets_the_count_back(t: TestApp) {
        t.reader(ANNA).await;
        for _ in 0..3 {
            fail(&t, ANNA, 9).await;
            assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        }
    }

    async fn a_mailed_link_lets_in_whoever_is_locked_out(t: TestApp) {
        t.reader(ANNA).await;
        fail(&t, ANNA, 10).await;
        let link = t.magic_link(ANNA).await;
        is_locked_out(&t.log_in(ANNA, PASSWORD).await, "60");
        assert_eq!(t.redeem(&link).await.status, 200);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        fail(&t, ANNA, 10).await;
        let link = t.reset_link(ANNA).await;
        assert_eq!(t.reset(&link, OTHER_PASSWORD).await.status, 204);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
    }

    async fn two_hundred_right_passwords_are_all_right(t: TestApp) {
        t.reader(ANNA).await;
        for _ in 0..200 {
            assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        }
        assert_eq!(at_once(&[t], PASSWORD, 30).await, [200; 30]);
    }

    async fn an_old_hash_is_made_anew_by_its_owner_only(t: TestApp) {
        t.reader(ANNA).await;
        let fresh = stored_hash(&t, ANNA).await;
        assert!(fresh.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{fresh}");
        let weak = weak_hash(PASSWORD);
        store_hash(&t, ANNA, Some(weak.clone())).await;
        fail(&t, ANNA, 1).await;
        assert_eq!(stored_hash(&t, ANNA).await, weak);
        let session = t.device(ANNA).await;
        let anew = stored_hash(&t, ANNA).await;
        assert!(anew.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{anew}");
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        assert_eq!(stored_hash(&t, ANNA).await, anew, "once is enough");
        assert!(t.opens(&session.access).await);
    }

    async fn an_old_hash_lets_in_everybody_who_comes_at_once(t: TestApp) {
        t.reader(ANNA).await;
        let processes = [t.clone(), t.another_process().await];
        for _ in 0..3 {
            store_hash(&t, ANNA, Some(weak_hash(PASSWORD))).await;
            assert_eq!(at_once(&processes, PASSWORD, 8).await, [200; 8]);
        }
    }

    async fn a_hash_that_nobody_made_is_our_fault_and_opens_nothing(t: TestApp) {
        t.reader(ANNA).await;
        for hash in ["", PASSWORD, "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaA"] {
            store_hash(&t, ANNA, Some(hash.to_owned())).await;
            let answer = t.log_in(ANNA, PASSWORD).await;
            assert_eq!(answer.problem(), refused(500, "internal"), "{hash}");
            assert!(!answer.text().contains("hash"), "{}", answer.text());
        }
    }

    async fn more_than_can_wait_are_sent_away_for_a_moment(t: TestApp) {
        t.reader(ANNA).await;
        let settings =
            [("PRESSGATE__PASSWORDS__HASH_THREADS", "1"), ("PRESSGATE__PASSWORDS__QUEUE_MAX", "1")];
        let busy = t.another_process_with(&settings).await;
        let answers = join_all((0..20).map(|_| {
            let t = busy.clone();
            tokio::spawn(async move { t.log_in(ANNA, PASSWORD).await })
        }));
        let mut let_in = 0;
        for answer in answers.await.into_iter().map(Result::unwrap) {
            if answer.status == 200 {
                let_in += 1;
                continue;
            }
            assert_eq!(answer.problem(), refused(503, "overloaded"));
            assert_eq!(answer.header("retry-after"), "2");
        }
        assert!((2..20).contains(&let_in), "{let_in}");
    }

    async fn every_login_is_a_session_of_its_own(t: TestApp) {
        let first = t.reader(ANNA).await;
        let second = t.device(ANNA).await;
        let third = Tokens::of(&t.redeem(&t.magic_link(ANNA).await).await);
        let refresh: Vec<&str> = [&first, &second, &third].map(|s| s.refresh.as_str()).to_vec();
        assert!(refresh.iter().all(|token| token.starts_with("pgr_") && token.len() == 47));
        assert_eq!(t.log_out(refresh[1]).await.status, 204);
        let open = [&first, &second, &third].map(|session| t.opens(&session.access));
        assert_eq!(join_all(open).await, [true, false, true]);
    }

    async fn a_mailed_link_works_once_within_its_quarter_of_an_hour(t: TestApp) {
        t.reader(ANNA).await;
        let one = t.magic_link(ANNA).await;
        let asked_at = t.clock.now();
        let two = t.magic_link(ANNA).await;
        t.clock.set(asked_at.plus(Duration::minutes(15) - Duration::SECOND));
        let taken = join_all((0..30).map(|_| {
            let (t, one) = (t.clone(), one.clone());
            tokio::spawn(async move { t.redeem(&one).await.status })
        }));
        let taken: Vec<u16> = taken.await.into_iter().map(Result::unwrap).collect();
        assert_eq!(taken.iter().filter(|status| **status == 200).count(), 1);
        assert_eq!(taken.iter().filter(|status| **status == 401).count(), 29);
        t.clock.set(asked_at.plus(Duration::minutes(15)));
        assert_eq!(t.redeem(&two).await.problem(), refused(401, "invalid_link"));
    }
}
