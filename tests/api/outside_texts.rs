//! Texts that come from outside, into every field and parameter that the description knows: what
//! no text may hold is refused with the field's name, and nothing is ever a failure of ours.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp},
    description::{Call, Service, places},
    office_pages::on_duty,
    reader_pages::Browser,
};

/// Tokens to compare, and what a website hands on from its visitors: neither is stored, and what is not
/// right there is a token that opens nothing, or is ignored.
const TAKES_ANYTHING: [&str; 6] =
    ["visitor", "reader", "client.ip", "client.user_agent", "client.referrer", "refresh_token"];
/// Fields in which people write more than a line.
const TAKES_LINES: [&str; 2] = ["reason", "text"];

fn takes_anything(call: &Call, field: &str) -> bool {
    let field = field.strip_prefix("requests[0].").unwrap_or(field);
    let is_such_a_call = call.path.starts_with("/v1/access") || field == "refresh_token";
    is_such_a_call && TAKES_ANYTHING.contains(&field)
}

fn one(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

/// It is an answer, or a whole problem document that is no failure of ours.
fn is_well(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{} for {what}: {}", answer.status, answer.text());
    if answer.status >= 400 {
        answer.problem();
    }
}

/// For each call with a body: the call, a body that fits, and each place of a text in it.
fn fields(service: &Service) -> Vec<(Call, Value, String, String)> {
    let calls = service.calls().into_iter();
    let with_bodies = calls.filter_map(|call| service.body_of(&call).map(|body| (call, body)));
    let fields = with_bodies.flat_map(|(call, body)| {
        let places = places(&body, Value::is_string).into_iter();
        places.map(move |(pointer, field)| (call.clone(), body.clone(), pointer, field))
    });
    fields.collect()
}

on_both_databases! {
    async fn no_field_of_any_call_takes_control_characters(t: TestApp) {
        let service = Service::beside(&t).await;
        let fields = fields(&service);
        assert!(fields.len() > 60, "{}", fields.len());
        for (call, body, pointer, field) in fields {
            for text in ["\0", "a\0b", "\u{1b}[31mred", "a\u{85}b", "\u{7f}", "a\nb", "a\tb"] {
                let what = format!("{} {}: {field} = {text:?}", call.method, call.path);
                let body = with(&body, &pointer, json!(text)).to_string();
                let answer = service.call(&call, &call.plain_path(), Some(&body)).await;
                is_well(&answer, &what);
                let takes_lines = TAKES_LINES.contains(&field.as_str()) && !text.contains('\0');
                let is_taken = takes_lines && (text.contains('\n') || text.contains('\t'));
                if !takes_anything(&call, &field) && !is_taken {
                    let text = answer.text();
                    assert_eq!(answer.fields(), one(&field, "invalid_value"), "{what}: {text}");
                }
            }
        }
    }

    async fn half_a_character_is_named_with_its_field(t: TestApp) {
        let service = Service::beside(&t).await;
        for (call, body, pointer, field) in fields(&service) {
            for half in [r"\ud800", r"a\udfffb", r"\ud83d\ud83d"] {
                let body = with(&body, &pointer, json!("HALF")).to_string().replace("HALF", half);
                let answer = service.call(&call, &call.plain_path(), Some(&body)).await;
                let what = format!("{} {}: {field} = {half}", call.method, call.path);
                assert_eq!(answer.problem(), (400, "invalid_json".to_owned()), "{what}");
                assert_eq!(answer.json()["errors"][0]["field"], json!(field), "{what}");
            }
        }
    }

    async fn no_field_is_too_long_to_be_refused_or_taken(t: TestApp) {
        let service = Service::beside(&t).await;
        let (megabyte, fits) = ("x".repeat(1 << 20), "\u{1f511}x".repeat(12_000));
        for (call, body, pointer, field) in fields(&service) {
            let what = format!("{} {}: a long {field}", call.method, call.path);
            let huge = with(&body, &pointer, json!(megabyte)).to_string();
            let answer = service.call(&call, &call.plain_path(), Some(&huge)).await;
            assert_eq!(answer.problem(), (413, "body_too_large".to_owned()), "{what}");
            let long = with(&body, &pointer, json!(fits)).to_string();
            for token in service.tokens() {
                let place = (call.method.as_str(), &*call.plain_path());
                is_well(&service.send(place, token, Some(&long)).await, &what);
            }
        }
    }

    async fn no_parameter_and_no_path_takes_them_either(t: TestApp) {
        let service = Service::beside(&t).await;
        let long = "%F0%9F%94%91".repeat(4_000);
        let odd = ["%00", "a%00b", "%1B", "%C2%85", "%7F", "%0A"];
        let mut seen = (0, 0);
        for call in service.calls() {
            for name in call.parameters("query") {
                seen.0 += 1;
                for text in odd {
                    let path = format!("{}?{name}={text}", call.plain_path());
                    let answer = service.call(&call, &path, None).await;
                    assert_eq!(answer.parameters(), one(name, "invalid_value"), "{path}");
                }
                for text in [&*long, "%ED%A0%80", "%FF", "%"] {
                    let path = format!("{}?{name}={text}", call.plain_path());
                    for token in service.tokens() {
                        let place = (call.method.as_str(), &*path);
                        is_well(&service.send(place, token, None).await, &call.path);
                    }
                }
            }
            if call.parameters("path").is_empty() {
                continue;
            }
            seen.1 += 1;
            for text in odd.into_iter().chain(["%ED%A0%80", "%FF"]) {
                let answer = service.call(&call, &call.path_with(text), Some("{}")).await;
                assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{} {text}", call.path);
            }
            is_well(&service.call(&call, &call.path_with(&long), Some("{}")).await, &call.path);
        }
        assert!(seen.0 > 20 && seen.1 > 20, "{seen:?}");
    }

    async fn an_array_is_no_object_in_any_call(t: TestApp) {
        let service = Service::beside(&t).await;
        let mut seen = 0;
        for call in service.calls() {
            let Some(body) = service.body_of(&call) else { continue };
            for (pointer, field) in places(&body, Value::is_object) {
                seen += 1;
                let object = body.pointer(&pointer).unwrap().as_object().unwrap();
                let values: Vec<Value> = object.values().cloned().collect();
                for array in [json!(values), json!([]), json!([object])] {
                    let sent = with(&body, &pointer, array).to_string();
                    let answer = service.call(&call, &call.plain_path(), Some(&sent)).await;
                    let what = format!("{} {}: {sent}", call.method, call.path);
                    assert_eq!(answer.fields(), one(&field, "invalid_type"), "{what}");
                }
            }
        }
        assert!(seen > 40, "{seen}");
    }

    async fn a_form_says_which_field_holds_them(t: TestApp) {
        let mut browser = Browser::new(&t);
        for text in ["anna@example.org\0", "anna\t@example.org", "\u{9b}31m"] {
            let fields = [("email", text), ("password", "correct horse battery")];
            let answer = browser.submit("/signup", "/signup", &fields).await;
            assert_eq!(answer.status, 422, "{text:?}: {}", answer.text());
            assert!(answer.text().contains("“email”"), "{}", answer.text());
        }
        let mut office = on_duty_admin(&t).await;
        let gift = |reason: &'static str| {
            [("email", "bert@example.org"), ("days", "7"), ("reason", reason)]
        };
        let refused = office.submit("/staff/gifts", "/staff/gifts", &gift("for\0you")).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.text().contains("reason: must be text without control characters"));
        let lines = office.submit("/staff/gifts", "/staff/gifts", &gift("for\r\nyou")).await;
        assert_ne!(lines.status, 422, "{}", lines.text());
    }
}

async fn on_duty_admin(t: &TestApp) -> Browser {
    crate::back_office::hire(t, Role::Admin).await;
    on_duty(t, Role::Admin).await
}

#[tokio::test]
async fn an_address_with_a_control_character_is_refused_in_a_page_to_browsers() {
    let t = TestApp::start(crate::place::Place::sqlite()).await;
    for (path, status) in [("/login?return_to=%00", 400), ("/account%00", 404)] {
        let request = axum::http::Request::builder()
            .method(Method::GET)
            .uri(path)
            .header("accept", "text/html")
            .body(axum::body::Body::empty());
        let answer = t.send(request.unwrap()).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text().contains("This address is not whole"), "{}", answer.text());
    }
}
