//! What no log and no metric may hold: secrets, tokens, passwords, addresses.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Server, pressgate, sqlite_url};

const EMAIL: &str = "canary.anna@example.org";
const PASSWORD: &str = "canary password of mine";

#[tokio::test]
async fn a_whole_run_logs_and_counts_nothing_secret() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[("PRESSGATE__LOG__LEVEL", "trace")]));
    let client = reqwest::Client::builder().user_agent("canary-agent").build().unwrap();
    let at = |path: &str| format!("http://{}{path}", server.address());
    let site = server.speaker("sk_sandbox_demo");
    let post = async |path: &str, body: Value| site.post(path, &body).await.unwrap();
    let link = async |page: &str| {
        let mails: Value = client
            .get(at(&format!("/sandbox/mail?to={EMAIL}")))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let texts =
            mails["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap());
        let mut links = texts.flat_map(str::lines).filter(|line| line.contains(page));
        let token = links.next_back().unwrap().split("token=").nth(1).unwrap().to_owned();
        (at(&format!("{page}?token={token}")), token)
    };
    let mut secrets = vec![PASSWORD.to_owned(), "sandbox-admin".into(), "sk_sandbox_demo".into()];

    let (status, asked) = post("/v1/readers", json!({"email": EMAIL, "password": PASSWORD})).await;
    assert_eq!(status, 202);
    let (page, token) = link("/signup/confirm").await;
    // Opened as a page too, where the token is in the address.
    assert_eq!(client.get(&page).send().await.unwrap().status(), 200);
    let proof = asked["proof"].as_str().unwrap().to_owned();
    let body = json!({ "token": token, "proof": proof });
    let (status, made) = post("/v1/readers/verify", body).await;
    assert_eq!(status, 200);
    secrets.extend([token, proof]);
    let access = made["access_token"].as_str().unwrap().to_owned();
    let refresh = made["refresh_token"].as_str().unwrap().to_owned();
    post("/v1/auth/login", json!({"email": EMAIL, "password": "canary wrong password"})).await;
    post("/v1/auth/login", json!({"email": EMAIL, "password": PASSWORD})).await;
    post("/v1/auth/magic-links", json!({"email": EMAIL})).await;
    let (_, token) = link("/login/link").await;
    post("/v1/auth/magic-links/redeem", json!({ "token": token })).await;
    secrets.push(token);
    let read = json!({"article": {"id": "a"}, "reader": access, "client": {"ip": "203.0.113.77"}});
    let (_, decided) = post("/v1/access", read).await;
    secrets.push(decided["visitor"].as_str().unwrap().to_owned());
    for _ in 0..3 {
        post("/v1/auth/refresh", json!({ "refresh_token": refresh })).await;
    }
    let me = client.get(at("/v1/me")).bearer_auth(&access).send().await.unwrap();
    assert_eq!(me.status(), 401, "the session ended with the third use");
    let body = json!({"email": "admin@demo.example", "password": "sandbox-admin"});
    let (_, staff) = post("/v1/staff/login", body).await;
    let staff = staff["access_token"].as_str().unwrap().to_owned();
    let found = at(&format!("/v1/staff/readers?email={EMAIL}"));
    assert_eq!(client.get(found).bearer_auth(&staff).send().await.unwrap().status(), 200);
    post("/v1/readers", json!({"email": "not an address canary", "password": PASSWORD})).await;
    secrets.extend([access, refresh, staff, "canary wrong".into(), "203.0.113.77".into()]);
    secrets.extend(["canary.anna".into(), "admin@demo".into(), "address canary".into()]);

    let metrics = client.get(at("/metrics")).send().await.unwrap().text().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let log = server.log();
    assert!(log.contains("used twice"), "the log of the whole run: {} bytes", log.len());
    for secret in &secrets {
        for (name, text) in [("log", &log), ("metrics", &metrics)] {
            let place = text.find(secret.as_str());
            let around = place.map(|i| &text[i.saturating_sub(200)..(i + 60).min(text.len())]);
            assert!(around.is_none(), "{secret} is in the {name}: {around:?}");
        }
    }
}
