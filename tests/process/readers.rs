//! What the command line does to readers, beside a service that runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Server, pressgate, run, run_json, sqlite_url};

async fn get(server: &Server, path: &str, token: &str) -> (u16, Value) {
    let url = format!("http://{}{path}", server.address());
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// Makes an account through its mail; gives its tokens.
pub(crate) async fn sign_up(server: &Server, email: &str) -> Value {
    let speaker = server.speaker("sk_sandbox_demo");
    let body = json!({"email": email, "password": "correct horse battery"});
    let (status, asked) = speaker.post("/v1/readers", &body).await.unwrap();
    assert_eq!(status, 202);
    let mails = get(server, &format!("/sandbox/mail?to={email}"), "").await.1;
    let text = mails["messages"][0]["text"].as_str().unwrap();
    let token = text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let body = json!({ "token": token, "proof": asked["proof"] });
    let (status, made) = speaker.post("/v1/readers/verify", &body).await.unwrap();
    assert_eq!(status, 200, "{made}");
    made
}

#[tokio::test]
async fn a_reader_is_exported_and_erased_and_the_service_knows_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let made = sign_up(&server, "anna@example.org").await;
    let token = made["access_token"].as_str().unwrap();
    assert_eq!(get(&server, "/v1/me", token).await.0, 200);

    let export = run_json(&url, &["reader", "export", "Anna@Example.org"]);
    assert_eq!(export["reader"]["id"], made["reader"]["id"]);
    let id = made["reader"]["id"].as_str().unwrap();
    let erased = run(&url, &["reader", "erase", id]);
    assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
    assert!(!run(&url, &["reader", "erase", id]).status.success(), "there is nobody any more");

    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while get(&server, "/v1/me", token).await.0 != 401 {
        assert!(tokio::time::Instant::now() < deadline, "an erased reader's token is still taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = run_json(&url, &["audit", "list", "--json"]);
    let log = log.to_string();
    assert!(log.contains("reader.erased") && log.contains("reader.exported"), "{log}");
    assert!(!log.contains("anna"), "the log outlives the people it is about");
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.path(), private).unwrap();
    let url = sqlite_url(folder.path());
    let text = |output: &std::process::Output| String::from_utf8(output.stdout.clone()).unwrap();
    let unwell = run(&url, &["doctor"]);
    assert!(!unwell.status.success());
    assert!(text(&unwell).contains("UNWELL  the database file"), "{}", text(&unwell));
    assert!(text(&unwell).contains("run `pressgate migrate`"), "{}", text(&unwell));

    drop(Server::start(pressgate(&url, &[])));
    let well = run(&url, &["doctor"]);
    assert!(well.status.success(), "{}", text(&well));
    assert!(text(&well).lines().all(|line| line.starts_with("well    ")), "{}", text(&well));
    assert!(text(&well).contains("the access key is 0 days old"), "{}", text(&well));
    assert!(text(&well).contains("invoices, balances and the ledger agree"));
    assert!(text(&well).contains("every notice to subscribers went out in time"));
    assert_eq!(run_json(&url, &["notices", "missed", "--json"]), json!({"missed": []}));
}
