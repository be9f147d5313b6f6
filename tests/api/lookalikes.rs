//! Addresses whose domain passes for another one are refused wherever an address can be given.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::json;

use crate::{
    back_office::{hire, token_of},
    reader_pages::{Browser, signed_up},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, refused},
};

/// Whole-script, mixed-script and spelt-out look-alikes.
const LOOKALIKES: [&str; 4] =
    ["a@аррӏе.com", "a@xn--80ak6aa92e.com", "a@gооgle.example", "a@mail.ехаmple.org"];

on_both_databases! {
    async fn programs_cannot_give_one(t: TestApp) {
        let anna = t.reader(ANNA).await;
        for role in [Role::Support, Role::Admin] {
            hire(&t, role).await;
        }
        let staff = token_of(&t, Role::Support).await;
        let admin = token_of(&t, Role::Admin).await;
        let address = format!("/v1/staff/readers/{}/address", anna.reader);
        for email in LOOKALIKES {
            for (path, token, body) in [
                ("/v1/readers", "", json!({"email": email, "password": PASSWORD})),
                ("/v1/auth/login", "", json!({"email": email, "password": PASSWORD})),
                ("/v1/auth/magic-links", "", json!({"email": email})),
                ("/v1/auth/password-resets", "", json!({"email": email})),
                ("/v1/me/email", anna.access.as_str(), json!({"email": email})),
                (address.as_str(), staff.as_str(), json!({"email": email, "reason": "x"})),
                ("/v1/staff/gifts", admin.as_str(), json!({"email": email, "days": 7, "reason": "x"})),
            ] {
                let answer = t.call(Method::POST, path, token, Some(body)).await;
                let problem = [("email".to_owned(), "invalid_value".to_owned())];
                assert_eq!(answer.fields(), problem, "{path} {email}");
                let detail = answer.json()["errors"][0]["detail"].to_string();
                assert!(detail.contains("looks like another"), "{path}: {detail}");
            }
        }
    }

    async fn pages_say_what_is_wrong_with_it(t: TestApp) {
        let mut member = signed_up(&t, ANNA).await;
        let mut stranger = Browser::new(&t);
        let [email, ..] = LOOKALIKES;
        let card = [("email", email), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
        for (page, action, fields) in [
            ("/signup", "/signup", vec![("email", email), ("password", PASSWORD)]),
            ("/login", "/login", vec![("email", email), ("password", PASSWORD)]),
            ("/login", "/login/email", vec![("email", email)]),
            ("/login/reset", "/login/reset", vec![("email", email)]),
            ("/subscribe?site=demo&plan=monthly", "/subscribe", card.to_vec()),
            ("/cancel", "/cancel", vec![("email", email)]),
        ] {
            let answer = stranger.submit(page, action, &fields).await;
            let text = answer.text();
            assert_eq!(answer.status, 422, "{action}: {text}");
            assert!(text.contains("looks like another one"), "{action}: {text}");
        }
        let asked = [("email", email), ("current_password", PASSWORD)];
        let answer = member.submit("/account", "/account/email", &asked).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains("looks like another one"), "{}", answer.text());
    }

    /// The rule is younger than some accounts, and Unicode's tables grow.
    async fn an_account_from_before_the_rule_stays_readable(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query("UPDATE readers SET email = $1, email_key = $2 WHERE email_key = $3")
            .bind("a@аррӏе.com")
            .bind("a@xn--80ak6aa92e.com")
            .bind(ANNA)
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let profile = t.call(Method::GET, "/v1/me", &anna.access, None).await;
        assert_eq!(profile.json()["email"], "a@аррӏе.com");
        hire(&t, Role::Support).await;
        let staff = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers/{}", anna.reader);
        assert_eq!(t.call(Method::GET, &path, &staff, None).await.status, 200);
        let login = t.log_in("a@аррӏе.com", OTHER_PASSWORD).await;
        assert_eq!(login.problem(), refused(422, "invalid_fields"));
    }

    async fn international_names_are_welcome(t: TestApp) {
        for email in ["anna@müller.example", "anna@почта.рф", "anna@東京ラーメン.jp", "anna@вести.срб"] {
            assert_eq!(t.sign_up(email, PASSWORD).await.status, 202, "{email}");
        }
    }
}
