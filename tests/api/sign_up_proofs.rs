//! An answered mail proves the mailbox, and never who chose the password at sign-up. Whatever is
//! answered, in whatever order, a stranger's password opens nothing.

use axum::http::Method;
use futures_util::future::join_all;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    office_billing::Clerk,
    reader_pages::{Browser, mailed_link},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, proof_in, refused},
    subscribing::{at_the_wall, begun, order},
};

const STRANGERS: &str = "a stranger hums at the gate";

/// What a stranger is left with, who typed somebody else's address and a password.
struct Stranger {
    link: String,
    proof: String,
}

async fn stranger(t: &TestApp, email: &str) -> Stranger {
    let asked = t.sign_up(email, STRANGERS).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    Stranger { link: t.link(email).await, proof: proof_in(&asked) }
}

/// The password opens nothing, and never will.
async fn stays_outside(t: &TestApp, email: &str, stranger: &Stranger) {
    let late = t.verify_with(&stranger.link, json!({"proof": stranger.proof})).await;
    assert_eq!(late.problem(), refused(401, "invalid_link"));
    let refused_login = t.log_in(email, STRANGERS).await;
    assert_eq!(refused_login.problem(), refused(401, "invalid_credentials"));
}

async fn has_password(t: &TestApp, tokens: &Tokens) -> Value {
    t.call(Method::GET, "/v1/me", &tokens.access, None).await.json()["has_password"].clone()
}

on_both_databases! {
    async fn without_its_own_proof_a_password_never_takes_effect(t: TestApp) {
        let elsewhere = proof_in(&t.sign_up("bert@example.org", PASSWORD).await);
        let unknown = format!("pgp_{}", "x".repeat(43));
        for (i, proof) in [Value::Null, json!(elsewhere), json!(unknown)].into_iter().enumerate() {
            let email = format!("anna{i}@example.org");
            let stranger = stranger(&t, &email).await;
            let anna = Tokens::of(&t.verify_with(&stranger.link, json!({"proof": proof})).await);
            assert_eq!(has_password(&t, &anna).await, json!(false), "{proof}");
            stays_outside(&t, &email, &stranger).await;
            assert_eq!(t.redeem(&t.magic_link(&email).await).await.status, 200);
        }
        // Of another sign-up with the same address.
        let stranger = stranger(&t, ANNA).await;
        let own = json!({"proof": proof_in(&t.sign_up(ANNA, PASSWORD).await)});
        let anna = Tokens::of(&t.verify_with(&stranger.link, own).await);
        assert_eq!(has_password(&t, &anna).await, json!(false));
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn the_proof_of_the_same_sign_up_is_enough(t: TestApp) {
        let anna = Tokens::of(&t.signs_up(ANNA, PASSWORD).await);
        assert_eq!(has_password(&t, &anna).await, json!(true));
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn a_sign_up_from_before_there_were_proofs_gives_no_password(t: TestApp) {
        let asked = t.sign_up(ANNA, PASSWORD).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query("UPDATE mailed_links SET proof_hash = NULL").execute().await.unwrap();
        tx.commit().await.unwrap();
        let proof = json!({"proof": proof_in(&asked)});
        let anna = Tokens::of(&t.verify_with(&t.link(ANNA).await, proof).await);
        assert_eq!(has_password(&t, &anna).await, json!(false));
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 401);
    }

    async fn what_comes_with_the_answer_is_checked_and_the_link_still_works(t: TestApp) {
        let asked = t.sign_up(ANNA, PASSWORD).await;
        let link = t.link(ANNA).await;
        for proof in ["", "x", "\0", "pgp", &link, &format!("pgp_{}", "x".repeat(97))] {
            let answer = t.verify_with(&link, json!({"proof": proof})).await;
            let named = [("proof".to_owned(), "invalid_value".to_owned())];
            assert_eq!(answer.fields(), named, "{proof:?}");
        }
        let long = "x".repeat(257);
        for (password, code) in [
            ("", "too_short"),
            ("1234567", "too_short"),
            (ANNA, "too_common"),
            ("password1234", "too_common"),
            (&long, "too_long"),
        ] {
            let answer = t.verify_with(&link, json!({"password": password})).await;
            let named = [("password".to_owned(), code.to_owned())];
            assert_eq!(answer.fields(), named, "{password:.20}");
        }
        let before = t.state.accounts.hasher.computed();
        let unknown = format!("pgl_{}", "x".repeat(43));
        let dead = t.verify_with(&unknown, json!({"password": OTHER_PASSWORD})).await;
        assert_eq!(dead.problem(), refused(401, "invalid_link"));
        assert_eq!(t.state.accounts.hasher.computed(), before, "nothing is hashed for it");
        // Of two the new one counts.
        let both = json!({"proof": proof_in(&asked), "password": OTHER_PASSWORD});
        assert_eq!(t.verify_with(&link, both).await.status, 200);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 401);
    }

    async fn the_owner_of_the_mailbox_sets_a_password_at_once(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        let own = json!({"password": OTHER_PASSWORD});
        assert_eq!(t.verify_with(&stranger.link, own).await.status, 200);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        stays_outside(&t, ANNA, &stranger).await;
    }
}

on_both_databases! {
    async fn a_sign_up_answered_after_subscribing_opens_the_account_without_its_password(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        begun(&t, ANNA).await;
        let open = t.link(ANNA).await;
        let anna = Tokens::of(&t.verify(&stranger.link).await);
        assert_eq!(has_password(&t, &anna).await, json!(false));
        assert_eq!(t.redeem(&open).await.problem(), refused(401, "invalid_link"), "the others are void");
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn the_mail_about_a_subscription_voids_a_sign_up(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        begun(&t, ANNA).await;
        let anna = Tokens::of(&t.redeem(&t.link(ANNA).await).await);
        assert_eq!(has_password(&t, &anna).await, json!(false));
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn a_link_that_logs_in_voids_a_sign_up_and_every_other_link(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        begun(&t, ANNA).await;
        let (open, reset) = (t.link(ANNA).await, t.reset_link(ANNA).await);
        let magic = t.magic_link(ANNA).await;
        assert_eq!(t.redeem(&magic).await.status, 200);
        assert_eq!(t.redeem(&open).await.problem(), refused(401, "invalid_link"));
        assert_eq!(t.reset(&reset, PASSWORD).await.problem(), refused(401, "invalid_link"));
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn a_sign_up_after_subscribing_leaves_no_password_behind(t: TestApp) {
        begun(&t, ANNA).await;
        let asked = t.sign_up(ANNA, STRANGERS).await;
        assert_eq!(t.subjects_to(ANNA).await.last().unwrap(), "Confirm your address");
        let stranger = Stranger { link: t.link(ANNA).await, proof: proof_in(&asked) };
        let anna = Tokens::of(&t.verify(&stranger.link).await);
        assert_eq!(has_password(&t, &anna).await, json!(false));
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn a_reset_opens_a_provisional_account_with_the_new_password_only(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        begun(&t, ANNA).await;
        let open = t.link(ANNA).await;
        let reset = t.reset_link(ANNA).await;
        assert_eq!(t.reset(&reset, OTHER_PASSWORD).await.status, 204);
        let anna = Tokens::of(&t.log_in(ANNA, OTHER_PASSWORD).await);
        assert_eq!(has_password(&t, &anna).await, json!(true));
        assert_eq!(t.redeem(&open).await.problem(), refused(401, "invalid_link"));
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn a_gift_that_is_accepted_voids_a_sign_up(t: TestApp) {
        let stranger = stranger(&t, ANNA).await;
        let support = Clerk::hired(&t, Role::Support).await;
        let gift = json!({"email": ANNA, "days": 30, "reason": "a prize"});
        assert_eq!(support.post("gifts", gift).await.status, 201);
        let link = mailed_link(&t, ANNA, "/gift").await;
        assert_eq!(Browser::new(&t).submit(&link, "/gift", &[]).await.status, 200);
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn an_address_that_is_changed_takes_no_password_of_a_sign_up_along(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let new = "anna.new@example.org";
        let stranger = stranger(&t, new).await;
        let asked = t.call(Method::POST, "/v1/me/email", &tokens.access, Some(json!({"email": new})));
        assert_eq!(asked.await.status, 202);
        for link in [t.link(ANNA).await, t.link(new).await] {
            let agreed = t.tell("/v1/me/email/confirm", json!({"token": link})).await;
            assert_eq!(agreed.status, 200, "{}", agreed.text());
        }
        stays_outside(&t, new, &stranger).await;
        assert_eq!(t.log_in(new, PASSWORD).await.status, 200);
    }

    async fn an_account_confirmed_by_staff_takes_no_password_of_a_sign_up(t: TestApp) {
        hire(&t, Role::Support).await;
        let stranger = stranger(&t, ANNA).await;
        begun(&t, ANNA).await;
        let staff = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers?q={ANNA}");
        let found = t.call(Method::GET, &path, &staff, None).await.json();
        let id = found["readers"][0]["id"].as_str().unwrap();
        let path = format!("/v1/staff/readers/{id}/address/confirm");
        let confirmed = t.call(Method::POST, &path, &staff, Some(json!({"reason": "x"}))).await;
        assert!(confirmed.status < 300, "{}", confirmed.text());
        stays_outside(&t, ANNA, &stranger).await;
    }

    async fn of_all_links_answered_at_once_one_counts(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0..5 {
            let email = format!("anna{round}@example.org");
            let stranger = stranger(&t, &email).await;
            let own = t.sign_up(&email, PASSWORD).await;
            let own = json!({"token": t.link(&email).await, "proof": proof_in(&own)});
            let mut browser = at_the_wall(&t).await;
            let card = format!("pm_sandbox_ok:{round}");
            assert_eq!(order(&mut browser, &email, &card).await.status, 303);
            let links = [
                ("/v1/readers/verify", own),
                ("/v1/readers/verify", json!({"token": stranger.link})),
                ("/v1/auth/magic-links/redeem", json!({"token": t.link(&email).await})),
            ];
            let answers = (0..6).map(|i| {
                let (t, (path, body)) = (processes[i / 3].clone(), links[i % 3].clone());
                tokio::spawn(async move { t.tell(path, body).await })
            });
            let answers = join_all(answers).await.into_iter().map(Result::unwrap);
            let answers: Vec<Answer> = answers.collect();
            let dead = answers.iter().filter(|answer| answer.status != 200);
            dead.for_each(|answer| assert_eq!(answer.problem(), refused(401, "invalid_link")));
            let counted: Vec<usize> = (0..6).filter(|i| answers[*i].status == 200).collect();
            assert_eq!(counted.len(), 1, "{counted:?}");
            let is_own = counted[0].is_multiple_of(3);
            assert_eq!(t.log_in(&email, PASSWORD).await.status == 200, is_own);
            stays_outside(&t, &email, &stranger).await;
        }
    }
}

/// Signs up on the page; the link in the mail.
async fn signs_up_here(browser: &mut Browser, email: &str) -> String {
    let fields = [("email", email), ("password", STRANGERS)];
    let sent = browser.submit("/signup", "/signup", &fields).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    let t = browser.t.clone();
    mailed_link(&t, email, "/signup/confirm").await
}

on_both_databases! {
    async fn the_page_asks_for_a_password_in_another_browser(t: TestApp) {
        let mut stranger = Browser::new(&t);
        let link = signs_up_here(&mut stranger, ANNA).await;
        let asks = |page: &str| page.contains("name=\"password\"");
        assert!(!asks(&stranger.open(&link).await.text()), "the password was chosen here");
        let mut anna = Browser::new(&t);
        let page = anna.open(&link).await.text();
        assert!(asks(&page) && page.contains("(optional)"), "{page}");
        let weak = anna.submit(&link, "/signup/confirm", &[("password", "password1")]).await;
        assert_eq!(weak.status, 422);
        assert!(weak.text().contains("too common") && asks(&weak.text()), "{}", weak.text());
        let own = [("password", OTHER_PASSWORD)];
        let made = anna.submit(&link, "/signup/confirm", &own).await;
        assert_eq!((made.status, made.header("location")), (303, "/account"), "{}", made.text());
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        assert_eq!(t.log_in(ANNA, STRANGERS).await.status, 401);
    }

    async fn a_password_may_be_left_out_on_the_page(t: TestApp) {
        let link = signs_up_here(&mut Browser::new(&t), ANNA).await;
        let mut anna = Browser::new(&t);
        let made = anna.submit(&link, "/signup/confirm", &[("password", "")]).await;
        assert_eq!((made.status, made.header("location")), (303, "/account"), "{}", made.text());
        assert_eq!(t.log_in(ANNA, STRANGERS).await.status, 401);
        let first = anna.submit("/account", "/account/password", &[("new_password", PASSWORD)]).await;
        assert_eq!(first.status, 303, "{}", first.text());
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn the_cookie_of_another_sign_up_proves_nothing(t: TestApp) {
        let link = signs_up_here(&mut Browser::new(&t), ANNA).await;
        let mut bert = Browser::new(&t);
        signs_up_here(&mut bert, "bert@example.org").await;
        let rubbish = ["", "x", "pgp_", "pgc_x", "%00", &"pgp_x".repeat(500)].map(str::to_owned);
        let own = bert.cookies["pressgate_signup"].clone();
        for cookie in rubbish.into_iter().chain([own]) {
            bert.cookies.insert("pressgate_signup".to_owned(), cookie.clone());
            let page = bert.open(&link).await;
            assert_eq!(page.status, 200, "{cookie:.20}");
            assert!(page.text().contains("name=\"password\""), "{cookie:.20}");
        }
        let made = bert.submit(&link, "/signup/confirm", &[("password", "")]).await;
        assert_eq!(made.status, 303, "{}", made.text());
        assert_eq!(t.log_in(ANNA, STRANGERS).await.status, 401);
    }

    async fn the_page_sets_the_same_cookie_for_known_and_unknown_addresses(t: TestApp) {
        t.reader(ANNA).await;
        let live = crate::start::a_live_one(&t).await;
        for (t, name, secure) in
            [(&t, "pressgate_signup", ""), (&live, "__Host-pressgate_signup", "; Secure")]
        {
            let mut lengths = Vec::new();
            for email in [ANNA, "bert@example.org"] {
                let mut browser = Browser::new(t);
                let fields = [("email", email), ("password", PASSWORD)];
                let sent = browser.submit("/signup", "/signup", &fields).await;
                let cookie = sent.header("set-cookie").to_owned();
                assert!(cookie.starts_with(&format!("{name}=pgp_")), "{cookie}");
                for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400", secure] {
                    assert!(cookie.contains(part), "{part}: {cookie}");
                }
                assert!(!cookie.contains("Domain"), "{cookie}");
                lengths.push((sent.status, cookie.len(), sent.text().len()));
            }
            assert_eq!(lengths[0], lengths[1]);
        }
        live.place.clear().await;
    }
}
