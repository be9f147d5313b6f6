//! From an address to an account: the mail makes it, once, and nobody else learns of it.

use futures_util::future::join_all;
use pressgate::clock::Clock;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, all_of, link_in, proof_in, refused},
};

async fn count_readers(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(i64,)> = tx.query("SELECT COUNT(*) FROM readers").optional().await.unwrap();
    row.unwrap().0
}

/// Answers each of `tokens` at once, in turn through each of `processes`.
async fn verify_at_once(processes: &[TestApp], tokens: &[String]) -> Vec<Answer> {
    let answers = tokens.iter().enumerate().map(|(i, token)| {
        let (t, token) = (processes[i % processes.len()].clone(), token.clone());
        tokio::spawn(async move { t.verify(&token).await })
    });
    join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

/// All that tells one answer to a sign-up from another, but the random part of its proof.
fn but_the_proof(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let (status, text, headers) = all_of(answer);
    let proof = proof_in(answer);
    assert!(proof.starts_with("pgp_") && proof.len() == 4 + 43, "{proof}");
    (status, text.replace(&proof, "pgp_"), headers)
}

/// How many succeeded; every other was refused for its link.
fn verified(answers: &[Answer]) -> usize {
    let dead = answers.iter().filter(|answer| answer.status != 200);
    dead.for_each(|answer| assert_eq!(answer.problem(), refused(401, "invalid_link")));
    answers.iter().filter(|answer| answer.status == 200).count()
}

on_both_databases! {
    async fn asking_for_an_account_tells_nobody_who_has_one(t: TestApp) {
        t.reader(ANNA).await;
        let hashes = || t.state.accounts.hasher.computed();
        let before = hashes();
        let known = t.sign_up(ANNA, PASSWORD).await;
        let between = hashes();
        let unknown = t.sign_up("bert@example.org", PASSWORD).await;
        assert_eq!(but_the_proof(&known), but_the_proof(&unknown));
        assert_eq!((known.status, &known.json()["status"]), (202, &json!("check_mail")));
        assert_ne!(proof_in(&known), proof_in(&unknown));
        assert_eq!((between - before, hashes() - between), (1, 1), "the same work");
        let to_anna = t.subjects_to(ANNA).await;
        assert_eq!(to_anna, ["Confirm your address", "You already have an account"]);
        assert_eq!(t.subjects_to("bert@example.org").await, ["Confirm your address"]);
        let link = t.link(ANNA).await;
        assert_eq!(t.redeem(&link).await.status, 200, "the owner has a way in");
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn an_account_exists_once_the_mail_was_answered(t: TestApp) {
        let asked = t.sign_up(ANNA, PASSWORD).await;
        assert_eq!(t.log_in(ANNA, PASSWORD).await.problem(), refused(401, "invalid_credentials"));
        assert_eq!(count_readers(&t).await, 0);
        let link = t.link(ANNA).await;
        let answer = t.verify_with(&link, json!({"proof": proof_in(&asked)})).await;
        let tokens = Tokens::of(&answer);
        assert_eq!(
            answer.json(),
            json!({"reader": {"id": tokens.reader, "email": ANNA, "email_verified": true},
                   "access_token": tokens.access, "refresh_token": tokens.refresh,
                   "token_type": "Bearer", "expires_in": 900})
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(t.opens(&tokens.access).await);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
        assert_eq!(t.verify(&link).await.problem(), refused(401, "invalid_link"));
    }

    async fn of_thirty_who_take_one_link_at_once_one_gets_it(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0_i64..5 {
            let email = format!("anna{round}@example.org");
            t.sign_up(&email, PASSWORD).await;
            let tokens = vec![t.link(&email).await; 30];
            assert_eq!(verified(&verify_at_once(&processes, &tokens).await), 1);
            assert_eq!(count_readers(&t).await, round + 1);
        }
    }

    async fn of_two_sign_ups_the_one_that_is_answered_counts(t: TestApp) {
        for (email, first) in [("anna@example.org", true), ("bert@example.org", false)] {
            let one = t.sign_up(email, PASSWORD).await;
            let two = t.sign_up(email, OTHER_PASSWORD).await;
            let mails = t.mails_to(email).await;
            let one = (link_in(&mails[0]), json!({"proof": proof_in(&one)}));
            let two = (link_in(&mails[1]), json!({"proof": proof_in(&two)}));
            let (taken, dead) = if first { (one, two) } else { (two, one) };
            assert_eq!(t.verify_with(&taken.0, taken.1).await.status, 200);
            let late = t.verify_with(&dead.0, dead.1).await;
            assert_eq!(late.problem(), refused(401, "invalid_link"));
            let logs_in = [t.log_in(email, PASSWORD).await, t.log_in(email, OTHER_PASSWORD).await];
            assert_eq!(logs_in.map(|answer| answer.status == 200), [first, !first]);
        }
    }

    async fn two_sign_ups_answered_at_once_make_one_account(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0_i64..10 {
            let email = format!("anna{round}@example.org");
            for _ in 0..4 {
                t.sign_up(&email, PASSWORD).await;
            }
            let tokens: Vec<String> = t.mails_to(&email).await.iter().map(link_in).collect();
            assert_eq!(verified(&verify_at_once(&processes, &tokens).await), 1);
            assert_eq!(count_readers(&t).await, round + 1);
        }
    }

    async fn a_link_is_over_after_a_day_to_the_second(t: TestApp) {
        t.sign_up("anna@example.org", PASSWORD).await;
        let asked_at = t.clock.now();
        t.sign_up("bert@example.org", PASSWORD).await;
        t.clock.set(asked_at.plus(Duration::DAY - Duration::SECOND));
        assert_eq!(t.verify(&t.link("anna@example.org").await).await.status, 200);
        t.clock.set(asked_at.plus(Duration::DAY));
        let late = t.verify(&t.link("bert@example.org").await).await;
        assert_eq!(late.problem(), refused(401, "invalid_link"));
        assert_eq!(t.log_in("bert@example.org", PASSWORD).await.status, 401);
    }

    async fn a_link_for_something_else_is_left_as_it_was(t: TestApp) {
        t.sign_up(ANNA, PASSWORD).await;
        let sign_up = t.link(ANNA).await;
        let not_here = refused(401, "invalid_link");
        assert_eq!(t.redeem(&sign_up).await.problem(), not_here);
        assert_eq!(t.reset(&sign_up, OTHER_PASSWORD).await.problem(), not_here);
        let agree = "/v1/me/email/confirm";
        assert_eq!(t.tell(agree, json!({"token": sign_up})).await.problem(), not_here);
        assert_eq!(t.verify(&sign_up).await.status, 200);

        let (magic, reset) = (t.magic_link(ANNA).await, t.reset_link(ANNA).await);
        for token in [&magic, &reset] {
            assert_eq!(t.verify(token).await.problem(), not_here);
            assert_eq!(t.tell(agree, json!({"token": token})).await.problem(), not_here);
            assert_eq!(t.refresh(token).await.problem(), refused(401, "invalid_refresh_token"));
        }
        assert_eq!(t.redeem(&reset).await.problem(), not_here);
        assert_eq!(t.reset(&magic, OTHER_PASSWORD).await.problem(), not_here);
        assert_eq!(t.redeem(&magic).await.status, 200);
        // One link was used, which voids the others.
        assert_eq!(t.reset(&reset, OTHER_PASSWORD).await.problem(), not_here);
        let reset = t.reset_link(ANNA).await;
        assert_eq!(t.reset(&reset, OTHER_PASSWORD).await.status, 204);
        for rubbish in ["", "pgl_", "pgl_~", "\u{202e}", &"pgl_x".repeat(100), &sign_up[1..]] {
            assert_eq!(t.verify(rubbish).await.problem(), not_here, "{rubbish:?}");
            assert_eq!(t.redeem(rubbish).await.problem(), not_here, "{rubbish:?}");
            assert_eq!(t.reset(rubbish, PASSWORD).await.problem(), not_here, "{rubbish:?}");
        }
    }

    async fn every_spelling_of_an_address_is_one_account(t: TestApp) {
        let typed = Tokens::of(&{
            let asked = t.sign_up("Anna@B\u{fc}cher.example", PASSWORD).await;
            let link = t.link("anna@xn--bcher-kva.example").await;
            t.verify_with(&link, json!({"proof": proof_in(&asked)})).await
        });
        for spelling in
            ["anna@b\u{fc}cher.example", "ANNA@XN--BCHER-KVA.EXAMPLE", " anna@B\u{dc}CHER.example "]
        {
            let again = t.log_in(spelling, PASSWORD).await;
            assert_eq!(Tokens::of(&again).reader, typed.reader, "{spelling}");
            assert_eq!(again.json()["reader"]["email"], "Anna@B\u{fc}cher.example");
        }
        t.sign_up("ANNA@b\u{fc}cher.example", OTHER_PASSWORD).await;
        let subjects = t.subjects_to("anna@xn--bcher-kva.example").await;
        assert_eq!(subjects.last().unwrap(), "You already have an account");
        assert_eq!(count_readers(&t).await, 1);
    }

    async fn the_link_leads_where_the_settings_say_whatever_a_request_claims(t: TestApp) {
        let body = json!({"email": ANNA, "password": PASSWORD}).to_string();
        let request = axum::http::Request::post("http://evil.example/v1/readers")
            .header("content-type", "application/json")
            .header("host", "evil.example")
            .header("forwarded", "host=evil.example;proto=https")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-for", "evil.example");
        assert_eq!(t.send(request.body(body.into()).unwrap()).await.status, 202);
        let mails = t.mails_to(ANNA).await;
        let text = mails[0]["text"].as_str().unwrap();
        assert!(text.contains("\nhttp://127.0.0.1:8080/signup/confirm?token=pgl_"), "{text}");
        assert!(!Value::from(mails).to_string().contains("evil"));
    }
}
