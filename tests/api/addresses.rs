//! Another address: both mailboxes agree, and until then nothing changes.

use axum::http::Method;
use futures_util::future::join_all;
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    reader_pages::Browser,
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, all_of, link_in, refused},
};

const NEW: &str = "anna.new@example.org";

async fn ask(t: &TestApp, access: &str, body: Value) -> Answer {
    let answer = t.call(Method::POST, "/v1/me/email", access, Some(body)).await;
    t.clock.advance(Duration::MILLISECOND);
    answer
}

async fn agree(t: &TestApp, token: &str) -> Answer {
    t.tell("/v1/me/email/confirm", json!({"token": token})).await
}

async fn says(t: &TestApp, token: &str, status: &str) {
    let answer = agree(t, token).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": status})));
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// Asks for [`NEW`]: the tokens of the old and of the new mailbox.
async fn asked(t: &TestApp, tokens: &Tokens) -> (String, String) {
    let answer = ask(t, &tokens.access, json!({"email": NEW})).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"status": "check_mail"})));
    (t.link(ANNA).await, t.link(NEW).await)
}

async fn address_of(t: &TestApp, access: &str) -> String {
    let profile = t.call(Method::GET, "/v1/me", access, None).await.json();
    profile["email"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn an_address_changes_when_both_mailboxes_have_agreed(t: TestApp) {
        for (i, new_first) in [true, false].into_iter().enumerate() {
            let (old, new) = (format!("a{i}@example.org"), format!("b{i}@example.org"));
            let tokens = t.reader(&old).await;
            assert_eq!(ask(&t, &tokens.access, json!({"email": new})).await.status, 202);
            let (to_old, to_new) = (t.link(&old).await, t.link(&new).await);
            let (first, last) = if new_first { (to_new, to_old) } else { (to_old, to_new) };
            for _ in 0..3 {
                says(&t, &first, "waits_for_other").await;
            }
            assert_eq!(address_of(&t, &tokens.access).await, old, "not before");
            assert_eq!(t.log_in(&new, PASSWORD).await.status, 401);
            says(&t, &last, "changed").await;
            for used in [&first, &last] {
                assert_eq!(agree(&t, used).await.problem(), refused(401, "invalid_link"));
            }
            assert_eq!(address_of(&t, &tokens.access).await, new);
            assert_eq!(Tokens::of(&t.log_in(&new, PASSWORD).await).reader, tokens.reader);
            assert_eq!(t.log_in(&old, PASSWORD).await.problem(), refused(401, "invalid_credentials"));
            assert!(t.subjects_to(&old).await.contains(&"Your address was changed".to_owned()));
        }
    }

    async fn the_mails_say_what_happens_and_who_must_agree(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        asked(&t, &tokens).await;
        let mails = t.mails_to(ANNA).await;
        let text = mails.last().unwrap()["text"].as_str().unwrap();
        assert!(text.contains(NEW) && text.contains("/account/address?token=pgl_"), "{text}");
        let mails = t.mails_to(NEW).await;
        let text = mails.last().unwrap()["text"].as_str().unwrap();
        assert!(text.contains("/account/address?token=pgl_"), "{text}");
        assert!(!text.contains(ANNA), "nobody learns whose account it is: {text}");
    }

    async fn it_takes_a_fresh_login_or_the_password(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let logged_in_at = t.clock.now();
        let wrong = json!({"email": NEW, "password": "not the one that was set"});
        let answer = ask(&t, &tokens.access, wrong.clone()).await;
        assert_eq!(answer.problem(), refused(403, "wrong_password"), "however fresh it is");
        t.clock.set(logged_in_at.plus(Duration::HOUR - Duration::SECOND));
        let tokens = Tokens::of(&t.refresh(&tokens.refresh).await);
        assert_eq!(ask(&t, &tokens.access, json!({"email": NEW})).await.status, 202);
        t.clock.set(logged_in_at.plus(Duration::HOUR));
        let answer = ask(&t, &tokens.access, json!({"email": NEW})).await;
        assert_eq!(answer.problem(), refused(403, "fresh_login_required"), "a refresh is no login");
        let right = json!({"email": NEW, "password": PASSWORD});
        assert_eq!(ask(&t, &tokens.access, right.clone()).await.status, 202);
        assert_eq!(ask(&t, "", right).await.problem(), refused(401, "invalid_token"));
        assert_eq!(t.mails_to(NEW).await.len(), 2);
    }

    async fn an_address_that_is_taken_is_not_given_away(t: TestApp) {
        t.reader("bert@example.org").await;
        let tokens = t.reader(ANNA).await;
        let free = ask(&t, &tokens.access, json!({"email": NEW})).await;
        let taken = ask(&t, &tokens.access, json!({"email": "Bert@Example.org"})).await;
        assert_eq!(all_of(&free), all_of(&taken));
        let to_bert = t.subjects_to("bert@example.org").await;
        assert_eq!(to_bert, ["Confirm your address", "This address has an account already"]);
        says(&t, &t.link(ANNA).await, "waits_for_other").await;
        let export = t.call(Method::GET, "/v1/me/export", &tokens.access, None).await.json();
        assert_eq!(export["address_change"]["new_email"], "Bert@Example.org");
        assert_eq!(t.log_in("bert@example.org", PASSWORD).await.status, 200);
        assert_eq!(address_of(&t, &tokens.access).await, ANNA);
    }

    async fn asking_again_calls_off_what_was_asked_before(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let (to_old, to_new) = asked(&t, &tokens).await;
        says(&t, &to_new, "waits_for_other").await;
        let (old_again, new_again) = asked(&t, &tokens).await;
        for dead in [&to_old, &to_new] {
            assert_eq!(agree(&t, dead).await.problem(), refused(401, "invalid_link"));
        }
        says(&t, &old_again, "waits_for_other").await;
        says(&t, &new_again, "changed").await;
    }

    async fn both_have_a_day_to_the_second(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let asked_at = t.clock.now();
        let (to_old, to_new) = asked(&t, &tokens).await;
        t.clock.set(asked_at.plus(Duration::DAY - Duration::SECOND));
        says(&t, &to_old, "waits_for_other").await;
        t.clock.set(asked_at.plus(Duration::DAY));
        for late in [&to_new, &to_old] {
            assert_eq!(agree(&t, late).await.problem(), refused(401, "invalid_link"));
        }
        let tokens = t.device(ANNA).await;
        assert_eq!(address_of(&t, &tokens.access).await, ANNA);
    }

    async fn links_to_the_old_address_die_with_it(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let (magic, reset) = (t.magic_link(ANNA).await, t.reset_link(ANNA).await);
        // Somebody tried to make an account with the new one.
        t.sign_up(NEW, PASSWORD).await;
        let sign_up = t.link(NEW).await;
        let (to_old, to_new) = asked(&t, &tokens).await;
        says(&t, &to_old, "waits_for_other").await;
        says(&t, &to_new, "changed").await;
        let not_here = refused(401, "invalid_link");
        assert_eq!(t.redeem(&magic).await.problem(), not_here);
        assert_eq!(t.reset(&reset, PASSWORD).await.problem(), not_here);
        assert_eq!(t.verify(&sign_up).await.problem(), not_here);
        assert!(t.opens(&tokens.access).await);
        // The old address is free again.
        t.sign_up(ANNA, PASSWORD).await;
        assert_ne!(Tokens::of(&t.verify(&t.link(ANNA).await).await).reader, tokens.reader);
    }

    async fn whoever_makes_an_account_first_has_the_address(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        t.sign_up(NEW, PASSWORD).await;
        let sign_up = t.link(NEW).await;
        let (to_old, to_new) = asked(&t, &tokens).await;
        says(&t, &to_old, "waits_for_other").await;
        assert_eq!(t.verify(&sign_up).await.status, 200);
        assert_eq!(agree(&t, &to_new).await.problem(), refused(401, "invalid_link"));
        assert_eq!(address_of(&t, &tokens.access).await, ANNA);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn both_at_once_change_it_once(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0..5 {
            let (old, new) = (format!("a{round}@example.org"), format!("b{round}@example.org"));
            let tokens = t.reader(&old).await;
            let magic = t.magic_link(&old).await;
            t.sign_up(&new, PASSWORD).await;
            let sign_up = t.link(&new).await;
            ask(&t, &tokens.access, json!({"email": new})).await;
            let links = [t.link(&old).await, t.link(&new).await];
            let answers = (0..10).map(|i| {
                let (t, link) = (processes[i % 2].clone(), links[i / 2 % 2].clone());
                tokio::spawn(async move { agree(&t, &link).await })
            });
            // Somebody else wants the new address, and somebody comes in by the old one.
            let others = [("/v1/readers/verify", &sign_up), ("/v1/auth/magic-links/redeem", &magic)];
            let others = others.map(|(path, token)| {
                let (t, body) = (t.clone(), json!({"token": token}));
                tokio::spawn(async move { t.tell(path, body).await })
            });
            let answers = join_all(answers).await.into_iter().map(Result::unwrap);
            let said: Vec<String> = answers.map(|answer| status_of(&answer)).collect();
            let changed = said.iter().filter(|said| *said == "changed").count();
            let [made, _redeemed] = others.map(|other| async { status_of(&other.await.unwrap()) });
            let made = usize::from(made.await.is_empty());
            assert_eq!(changed + made, 1, "one of them has the address: {said:?}");
            let expected = if changed == 1 { &new } else { &old };
            assert_eq!(&address_of(&t, &tokens.access).await, expected);
        }
    }

    async fn an_account_that_is_erased_changes_no_address(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let (to_old, to_new) = asked(&t, &tokens).await;
        says(&t, &to_old, "waits_for_other").await;
        assert_eq!(t.call(Method::DELETE, "/v1/me", &tokens.access, None).await.status, 204);
        assert_eq!(agree(&t, &to_new).await.problem(), refused(401, "invalid_link"));
        t.sign_up(NEW, PASSWORD).await;
        let mails = t.mails_to(NEW).await;
        assert_eq!(t.verify(&link_in(mails.last().unwrap())).await.status, 200);
    }
}

/// What takes an account back from a thief.
#[derive(Debug, Clone, Copy)]
enum Remedy {
    NewPassword,
    Reset,
    LogOutEverywhere,
    LogOutByStaff,
}

impl Remedy {
    const ALL: [Self; 4] =
        [Self::NewPassword, Self::Reset, Self::LogOutEverywhere, Self::LogOutByStaff];

    /// Applies it; the password that holds afterwards.
    async fn apply(self, t: &TestApp, email: &str, tokens: &Tokens, staff: &str) -> &'static str {
        let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
        let answer = match self {
            Self::NewPassword => {
                t.call(Method::PUT, "/v1/me/password", &tokens.access, Some(change)).await
            }
            Self::Reset => t.reset(&t.reset_link(email).await, OTHER_PASSWORD).await,
            Self::LogOutEverywhere => {
                t.call(Method::DELETE, "/v1/me/sessions", &tokens.access, None).await
            }
            Self::LogOutByStaff => {
                let path = format!("/v1/staff/readers/{}/sessions", tokens.reader);
                t.call(Method::DELETE, &path, staff, None).await
            }
        };
        assert!([200, 204].contains(&answer.status), "{self:?}: {}", answer.text());
        match self {
            Self::NewPassword | Self::Reset => OTHER_PASSWORD,
            Self::LogOutEverywhere | Self::LogOutByStaff => PASSWORD,
        }
    }
}

async fn pending(t: &TestApp, access: &str) -> Value {
    let export = t.call(Method::GET, "/v1/me/export", access, None).await;
    assert_eq!(export.status, 200, "{}", export.text());
    export.json()["address_change"].clone()
}

on_both_databases! {
    async fn taking_the_account_back_cancels_what_a_thief_asked_for(t: TestApp) {
        hire(&t, Role::Admin).await;
        let staff = token_of(&t, Role::Admin).await;
        for (i, remedy) in Remedy::ALL.into_iter().enumerate() {
            for agreed_first in 0..3 {
                let email = format!("a{i}{agreed_first}@example.org");
                let new = format!("b{i}{agreed_first}@example.org");
                let tokens = t.reader(&email).await;
                let thief = t.device(&email).await;
                assert_eq!(ask(&t, &thief.access, json!({"email": new})).await.status, 202);
                let links = [t.link(&email).await, t.link(&new).await];
                if let Some(link) = links.get(agreed_first) {
                    says(&t, link, "waits_for_other").await;
                }
                let password = remedy.apply(&t, &email, &tokens, &staff).await;
                for link in &links {
                    assert_eq!(agree(&t, link).await.problem(), refused(401, "invalid_link"), "{remedy:?}");
                }
                let tokens = Tokens::of(&t.log_in(&email, password).await);
                assert_eq!(pending(&t, &tokens.access).await, Value::Null, "{remedy:?}");
                assert_eq!(address_of(&t, &tokens.access).await, email);
                // Whoever has the account now may still change the address.
                assert_eq!(ask(&t, &tokens.access, json!({"email": new})).await.status, 202);
                says(&t, &t.link(&email).await, "waits_for_other").await;
                says(&t, &t.link(&new).await, "changed").await;
            }
        }
    }

    async fn taking_the_account_back_cancels_what_support_was_tricked_into(t: TestApp) {
        hire(&t, Role::Admin).await;
        let staff = token_of(&t, Role::Admin).await;
        for (i, remedy) in Remedy::ALL.into_iter().enumerate() {
            let (email, new) = (format!("a{i}@example.org"), format!("b{i}@example.org"));
            let tokens = t.reader(&email).await;
            let path = format!("/v1/staff/readers/{}/address", tokens.reader);
            let body = json!({"email": new, "reason": "says the mailbox is lost"});
            assert_eq!(t.call(Method::POST, &path, &staff, Some(body)).await.status, 202);
            t.clock.advance(Duration::MILLISECOND);
            let (to_object, to_agree) = (t.link(&email).await, t.link(&new).await);
            let password = remedy.apply(&t, &email, &tokens, &staff).await;
            assert_eq!(agree(&t, &to_agree).await.problem(), refused(401, "invalid_link"), "{remedy:?}");
            let page = format!("/account/address/object?token={to_object}");
            let late = Browser::new(&t).submit(&page, "/account/address/object", &[]).await;
            assert_eq!(late.status, 401, "there is nothing left to object to");
            let tokens = Tokens::of(&t.log_in(&email, password).await);
            assert_eq!(pending(&t, &tokens.access).await, Value::Null, "{remedy:?}");
            assert_eq!(address_of(&t, &tokens.access).await, email);
            // Support sees that it came to nothing, and why.
            let path = format!("/v1/staff/readers/{}/timeline", tokens.reader);
            let told = t.call(Method::GET, &path, &staff, None).await.json();
            let told = told["timeline"].as_array().unwrap().clone();
            let canceled: Vec<&Value> =
                told.iter().filter(|it| it["event"] == "reader.address_canceled").collect();
            assert_eq!(canceled.len(), 1, "{remedy:?}: {told:?}");
            let why = match remedy {
                Remedy::NewPassword | Remedy::Reset => "a new password was set",
                Remedy::LogOutEverywhere | Remedy::LogOutByStaff => "logged out everywhere",
            };
            assert!(canceled[0].to_string().contains(why), "{remedy:?}: {canceled:?}");
        }
    }

    async fn another_address_that_the_reader_asks_for_cancels_what_staff_asked_for(t: TestApp) {
        hire(&t, Role::Admin).await;
        let staff = token_of(&t, Role::Admin).await;
        let tokens = t.reader(ANNA).await;
        let path = format!("/v1/staff/readers/{}/address", tokens.reader);
        let body = json!({"email": NEW, "reason": "says the mailbox is lost"});
        assert_eq!(t.call(Method::POST, &path, &staff, Some(body)).await.status, 202);
        for (new, canceled) in [("b@example.org", 1), ("c@example.org", 1)] {
            assert_eq!(ask(&t, &tokens.access, json!({"email": new})).await.status, 202);
            let log = t.call(Method::GET, "/v1/staff/audit", &staff, None).await.text();
            assert_eq!(log.matches("reader.address_canceled").count(), canceled, "{log}");
        }
    }

    async fn logging_out_here_or_on_one_device_cancels_nothing(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let other = t.device(ANNA).await;
        let (to_old, to_new) = asked(&t, &tokens).await;
        assert_eq!(t.log_out(&tokens.refresh).await.status, 204);
        says(&t, &to_old, "waits_for_other").await;
        says(&t, &to_new, "changed").await;
        assert_eq!(address_of(&t, &other.access).await, NEW);
    }

    async fn what_a_thief_asks_at_the_same_moment_does_not_survive(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0..8 {
            let email = format!("a{round}@example.org");
            let owner = t.reader(&email).await;
            let thief = t.device(&email).await;
            let asks = (0..3).map(|i| {
                let (t, access) = (processes[i % 2].clone(), thief.access.clone());
                let body = json!({"email": format!("b{round}{i}@example.org")});
                tokio::spawn(async move { ask(&t, &access, body).await })
            });
            let asks: Vec<_> = asks.collect();
            let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
            let changed = t.call(Method::PUT, "/v1/me/password", &owner.access, Some(change)).await;
            let owner = Tokens::of(&changed);
            for asked in join_all(asks).await {
                let asked = asked.unwrap();
                assert!([202, 401].contains(&asked.status), "{}", asked.text());
            }
            assert_eq!(pending(&t, &owner.access).await, Value::Null, "round {round}");
        }
    }
}

/// The `status` of an answer, which is empty for one that has none; refusals are for the link.
fn status_of(answer: &Answer) -> String {
    if answer.status != 200 {
        assert_eq!(answer.problem(), refused(401, "invalid_link"));
        return "refused".to_owned();
    }
    answer.json()["status"].as_str().unwrap_or_default().to_owned()
}
