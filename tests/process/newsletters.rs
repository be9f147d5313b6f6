//! What the command line hands to the mail tool.

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::server::{Server, pressgate, run, run_json, sqlite_url};

/// The fields of the first form on a page that leads to `action`.
fn hidden(page: &str, action: &str) -> BTreeMap<String, String> {
    let form = page.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")));
    let inputs = form.unwrap().split("</form>").next().unwrap().split("type=\"hidden\"").skip(1);
    let attribute = |input: &str, name: &str| {
        let text = input.split(&format!("{name}=\"")).nth(1).unwrap();
        text.split('"').next().unwrap().to_owned()
    };
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

/// Sends the form on the page `path` that leads to `action`, with the cookie that it is tied to.
async fn submit(server: &Server, path: &str, action: &str, fields: &[(&str, &str)]) -> u16 {
    let client = reqwest::Client::new();
    let base = format!("http://{}", server.address());
    let page = client.get(format!("{base}{path}")).send().await.unwrap();
    let pair = |line: &HeaderValue| line.to_str().unwrap().split(';').next().unwrap().to_owned();
    let lines = page.headers().get_all("set-cookie").iter();
    let cookie = lines.map(pair).collect::<Vec<_>>().join("; ");
    let mut all = hidden(&page.text().await.unwrap(), action);
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let sent = client
        .post(format!("{base}{action}"))
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(serde_urlencoded::to_string(all).unwrap());
    sent.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_list_is_handed_over_as_csv_and_as_json_and_the_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let fields = [("email", "=1+1@example.org"), ("list-tide", "on")];
    assert_eq!(submit(&server, "/newsletters", "/newsletters", &fields).await, 202);
    let mails = format!("http://{}/sandbox/mail", server.address());
    let mails: Value = reqwest::get(mails).await.unwrap().json().await.unwrap();
    let text = mails["messages"][0]["text"].as_str().unwrap();
    let token = text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let link = format!("/newsletters/confirm?token={token}");
    assert_eq!(submit(&server, &link, "/newsletters/confirm", &[]).await, 200);

    let csv = run(&url, &["newsletter", "export", "tide"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "email,subscribed_at,unsubscribe_url,language");
    assert!(lines.len() == 2 && lines[1].starts_with("\"\"\"=1+1\"\"@example.org\","), "{csv}");
    let one = run_json(&url, &["newsletter", "export", "tide", "--json"]);
    assert_eq!((&one["email"], &one["language"]), (&"=1+1@example.org".into(), &"en".into()));
    let leave = one["unsubscribe_url"].as_str().unwrap();
    let leave = format!("http://{}/{}", server.address(), leave.splitn(4, '/').nth(3).unwrap());
    let left = reqwest::Client::new()
        .post(leave)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click");
    assert_eq!(left.send().await.unwrap().status().as_u16(), 200);
    let empty = run(&url, &["newsletter", "export", "tide", "--json"]);
    assert!(empty.status.success() && empty.stdout.is_empty());
    let unknown = run(&url, &["newsletter", "export", "nothing"]);
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("there are: tide, lamplight"));
    let log = run_json(&url, &["audit", "list", "--json"]).to_string();
    assert_eq!(log.matches("newsletter.exported").count(), 3, "{log}");
    assert!(!log.contains("example.org"), "the log outlives the people it is about");
}
