//! What readers' programs send: every field is refused by name when it is not as it must be, and
//! none that was not asked for is taken.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, refused},
};

/// Every call with a body, and one that is right in form.
fn calls() -> Vec<(Method, &'static str, Value)> {
    let post = |path, body| (Method::POST, path, body);
    let credentials = json!({"email": ANNA, "password": PASSWORD});
    let reset = json!({"token": "pgl_x", "password": PASSWORD});
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    vec![
        post("/v1/readers", credentials.clone()),
        post("/v1/readers/verify", json!({"token": "pgl_x"})),
        post("/v1/auth/login", credentials.clone()),
        post("/v1/auth/refresh", json!({"refresh_token": "pgr_x"})),
        post("/v1/auth/logout", json!({"refresh_token": "pgr_x"})),
        post("/v1/auth/magic-links", json!({"email": ANNA})),
        post("/v1/auth/magic-links/redeem", json!({"token": "pgl_x"})),
        post("/v1/auth/password-resets", json!({"email": ANNA})),
        post("/v1/auth/password-resets/redeem", reset),
        post("/v1/me/email", credentials),
        post("/v1/me/email/confirm", json!({"token": "pgl_x"})),
        (Method::PUT, "/v1/me/password", change),
    ]
}

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().insert(field.to_owned(), value);
    body
}

fn names(body: &Value) -> Vec<String> {
    body.as_object().unwrap().keys().cloned().collect()
}

fn one(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

async fn call(t: &TestApp, tokens: &Tokens, call: &(Method, &str, Value), body: Value) -> Answer {
    t.call(call.0.clone(), call.1, &tokens.access, Some(body)).await
}

on_both_databases! {
    async fn nobody_gives_themselves_a_field_that_was_not_asked_for(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        for each in calls() {
            for field in [
                "role", "verified", "email_verified", "status", "trial_end", "user_id", "id",
                "reader", "reader_id", "created_at", "plan", "skip_verification", "Email", "",
            ] {
                for value in [json!(true), json!("admin"), json!(null)] {
                    let answer = call(&t, &tokens, &each, with(&each.2, field, value)).await;
                    assert_eq!(answer.fields(), one(field, "unknown_field"), "{}", each.1);
                }
            }
        }
    }

    async fn every_field_is_a_text_and_none_may_be_missing(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let optional = [("/v1/me/email", "password"), ("/v1/me/password", "current_password")];
        for each in calls() {
            for field in names(&each.2) {
                let is_optional = optional.contains(&(each.1, field.as_str()));
                for value in
                    [json!(null), json!(7), json!(1.5), json!(true), json!([ANNA]), json!({"a": 1})]
                {
                    if is_optional && value.is_null() {
                        continue;
                    }
                    let answer = call(&t, &tokens, &each, with(&each.2, &field, value)).await;
                    assert_eq!(answer.fields(), one(&field, "invalid_type"), "{}", each.1);
                }
                if !is_optional {
                    let mut without = each.2.clone();
                    without.as_object_mut().unwrap().remove(&field);
                    let answer = call(&t, &tokens, &each, without).await;
                    assert_eq!(answer.fields(), one(&field, "required"), "{}", each.1);
                }
            }
            for (body, code) in [("[]", 422), ("null", 422), ("", 400), ("{", 400), ("x", 400)] {
                let request = axum::http::Request::builder()
                    .method(each.0.clone())
                    .uri(each.1)
                    .header("authorization", format!("Bearer {}", tokens.access))
                    .header("content-type", "application/json");
                let answer = t.send(request.body(body.into()).unwrap()).await;
                assert_eq!(answer.problem().0, code, "{} {body}", each.1);
            }
        }
    }

    async fn a_form_or_a_huge_body_is_refused(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        for each in calls() {
            for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
                let request = axum::http::Request::builder()
                    .method(each.0.clone())
                    .uri(each.1)
                    .header("authorization", format!("Bearer {}", tokens.access))
                    .header("content-type", media_type);
                let answer = t.send(request.body(each.2.to_string().into()).unwrap()).await;
                assert_eq!(answer.problem(), refused(415, "unsupported_media_type"), "{}", each.1);
            }
            for field in names(&each.2) {
                let huge = with(&each.2, &field, json!("x".repeat(65_536)));
                let answer = call(&t, &tokens, &each, huge).await;
                assert_eq!(answer.problem(), refused(413, "body_too_large"), "{}", each.1);
            }
        }
    }

    async fn what_cannot_be_written_to_is_no_address(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let long = format!("{}@example.org", "a".repeat(10_000));
        let one_too_long = format!("{}@{}.example", "a".repeat(64), ["b".repeat(60).as_str(); 3].join("."));
        for each in calls().iter().filter(|call| call.2.get("email").is_some()) {
            for text in [
                "",
                " ",
                "anna",
                "anna@",
                "@example.org",
                "anna@example.org\n",
                "anna@example.org\r\nBcc: x@example.org",
                "an\0na@example.org",
                "anna\u{7f}@example.org",
                "\u{202e}anna@example.org",
                "anna@exa\u{200f}mple.org",
                "anna@\u{202e}gro.elpmaxe",
                "anna@example.org,bert@example.org",
                "<anna@example.org>",
                "anna@[127.0.0.1]",
                "\"a b\"@example.org",
                &long,
                &one_too_long,
            ] {
                let answer = call(&t, &tokens, each, with(&each.2, "email", json!(text))).await;
                assert_eq!(answer.fields(), one("email", "invalid_value"), "{} {text:?}", each.1);
                assert!(!answer.text().contains('\u{202e}'), "and it is not echoed");
            }
        }
        assert_eq!(t.get("/sandbox/mail").await.json()["messages"].as_array().unwrap().len(), 1);
    }

    async fn a_password_is_counted_in_characters_and_taken_to_the_last(t: TestApp) {
        let mixed = |length| "\u{1f511} l\u{f8}sen-\u{ff} \u{6728} ".chars().cycle().take(length).collect();
        for (i, length) in [8, 64, 100, 128, 256].into_iter().enumerate() {
            let email = format!("anna{i}@example.org");
            let password: String = if length == 8 { "vqx trnm".to_owned() } else { mixed(length) };
            assert_eq!(t.signs_up(&email, &password).await.status, 200, "{length}");
            assert_eq!(t.log_in(&email, &password).await.status, 200, "{length}");
            let shorter: String = password.chars().take(length - 1).collect();
            assert_eq!(t.log_in(&email, &shorter).await.status, 401, "{length}");
        }
        let longer: String = mixed(257);
        for each in calls().iter().filter(|call| call.2.get("password").is_some()) {
            let tokens = Tokens::of(&t.log_in("anna0@example.org", "vqx trnm").await);
            let answer = call(&t, &tokens, each, with(&each.2, "password", json!(longer))).await;
            if each.1.ends_with("redeem") {
                // The link is looked at first, so that nobody tries passwords here.
                assert_eq!(answer.problem(), refused(401, "invalid_link"));
            } else {
                assert_eq!(answer.fields(), one("password", "too_long"), "{}", each.1);
            }
        }
    }

    async fn one_byte_more_or_another_case_is_another_password(t: TestApp) {
        let password = "Slow bells under the gate, and a ladder that the quartz owl borrows at noon; yes";
        assert!(password.len() > 73);
        assert_eq!(t.signs_up(ANNA, password).await.status, 200);
        let mut byte_73 = password.as_bytes().to_vec();
        byte_73[72] ^= 1;
        for other in [
            format!("{password} "),
            format!(" {password}"),
            password.to_lowercase(),
            password.to_uppercase(),
            password[..72].to_owned(),
            String::from_utf8(byte_73).unwrap(),
            password.replace('a', "\u{430}"),
        ] {
            let answer = t.log_in(ANNA, &other).await;
            assert_eq!(answer.problem(), refused(401, "invalid_credentials"), "{other:?}");
        }
        let answer = t.log_in(ANNA, &format!("{password}\0")).await;
        assert_eq!(answer.fields(), one("password", "invalid_value"));
        assert_eq!(t.log_in(ANNA, password).await.status, 200);
    }

    async fn common_passwords_and_ones_near_at_hand_are_refused(t: TestApp) {
        for password in
            ["password1234", "12345678", "anna.smith@example.org", "Anna.Smith", "The Fathom", "pressgate1"]
        {
            let answer = t.sign_up("anna.smith@example.org", password).await;
            assert_eq!(answer.fields(), one("password", "too_common"), "{password}");
        }
        assert_eq!(t.sign_up(ANNA, "1234567").await.fields(), one("password", "too_short"));
        assert_eq!(t.sign_up(ANNA, "").await.fields(), one("password", "too_short"));
        assert_eq!(t.get("/sandbox/mail").await.json()["messages"], json!([]));
    }
}
