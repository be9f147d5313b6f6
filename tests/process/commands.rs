//! The command line, as operators use it.

use std::process::Output;

use serde_json::{Value, json};

use crate::{
    server::{Server, pressgate, run, run_json, sqlite_url},
    support::PostgresDatabase,
};

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command complains of; it must have failed.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn sites_and_keys(url: &str) {
    let add = [
        "site",
        "add",
        "times",
        "--name",
        "The Times",
        "--origin",
        "https://times.example",
        "--time-zone",
        "Europe/Paris",
        "--limit",
        "3",
        "--window",
        "month",
        "--json",
    ];
    let site = run_json(url, &add);
    let policy = json!({"rules": [{"audience": "everyone", "limit": 3, "window": "month"}]});
    assert_eq!(
        (&site["id"], &site["name"], &site["time_zone"], &site["policy"]),
        (&json!("times"), &json!("The Times"), &json!("Europe/Paris"), &policy)
    );
    assert!(site["secret_key"].as_str().unwrap().starts_with("sk_sandbox_"));
    assert!(site["publishable_key"].as_str().unwrap().starts_with("pk_sandbox_"));
    assert!(complaint(&run(url, &add)).contains("there is a site `times` already"));

    let second = run_json(url, &["site", "key", "times", "--json"]);
    let third = complaint(&run(url, &["site", "key", "times"]));
    assert!(third.contains("has 2 valid secret keys already; revoke one first"), "{third}");

    // Both work; after a change-over the first is revoked, and refused soon.
    let server = Server::start(pressgate(url, &[("PRESSGATE__SITES__REFRESH_SECS", "1")]));
    let first = server.speaker(site["secret_key"].as_str().unwrap());
    let second = server.speaker(second["secret_key"].as_str().unwrap());
    for speaker in [&first, &second] {
        let (status, answer) = speaker.read("a", &Value::Null).await.unwrap();
        assert_eq!((status, &answer["meter"]["limit"]), (200, &json!(3)));
    }
    let first_id = site["secret_key_id"].as_str().unwrap();
    let revoked = run_json(url, &["site", "key", "times", "--revoke", first_id, "--json"]);
    assert_eq!(revoked, json!({"site": "times", "revoked": first_id}));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while first.read("b", &Value::Null).await.unwrap().0 != 401 {
        assert!(tokio::time::Instant::now() < deadline, "the revoked key is still taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(second.read("b", &Value::Null).await.unwrap().0, 200);
    let unknown = complaint(&run(url, &["site", "key", "times", "--revoke", first_id]));
    assert!(unknown.contains("has no valid key"), "{unknown}");

    let listed = run_json(url, &["site", "list", "--json"]);
    let ids: Vec<&str> =
        listed["sites"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["demo", "times"]);
    let text = said(&run(url, &["site", "list"]));
    assert!(text.contains("rule 1: everyone: 3 free articles a month"), "{text}");
    for shown in [listed.to_string(), text] {
        assert!(!shown.contains(site["secret_key"].as_str().unwrap()), "a secret is shown once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_and_their_keys_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    sites_and_keys(&sqlite_url(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_and_their_keys_on_postgres() {
    let database = PostgresDatabase::create().await;
    sites_and_keys(&database.url).await;
    database.drop().await;
}

#[tokio::test]
async fn migrating_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let database = PostgresDatabase::create().await;
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
    let count = std::fs::read_dir(migrations).unwrap().count();
    for url in [sqlite_url(folder.path()), database.url.clone()] {
        assert_eq!(said(&run(&url, &["migrate"])), format!("Applied {count} migrations.\n"));
        assert_eq!(said(&run(&url, &["migrate"])), "The database is up to date.\n");
    }
    database.drop().await;
}

#[test]
fn a_policy_is_shown_and_set_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    crate::server::add_site(&url);
    let file = folder.path().join("policy.json");
    let policy = json!({"rules": [{"audience": "everyone", "limit": 2, "window": "P7D"}]});
    std::fs::write(&file, policy.to_string()).unwrap();
    let path = file.to_str().unwrap();
    assert!(run(&url, &["site", "policy", "news", path]).status.success());
    assert_eq!(run_json(&url, &["site", "policy", "news"]), policy);

    std::fs::write(&file, r#"{"rules": [{"limit": 0, "window": "P30D"}]}"#).unwrap();
    assert!(complaint(&run(&url, &["site", "policy", "news", path])).contains("limit"));
    assert_eq!(run_json(&url, &["site", "policy", "news"]), policy, "left as it was");
    let set = |value| run(&url, &["site", "set", "news", "--on-failure", value]);
    assert!(set("open").status.success());
    let mut open = policy.clone();
    open["on_failure"] = "open".into();
    assert_eq!(run_json(&url, &["site", "policy", "news"]), open);
    assert!(String::from_utf8_lossy(&set("ajar").stderr).contains("must be `error`"));
    assert!(set("error").status.success());
    assert_eq!(run_json(&url, &["site", "policy", "news"]), policy);
    let missing = complaint(&run(&url, &["site", "policy", "nowhere"]));
    assert!(missing.contains("there is no site `nowhere`"), "{missing}");
}

#[test]
fn a_look_is_shown_and_changed_and_refused_where_readers_could_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    crate::server::add_site(&url);
    let look = |more: &[&str]| run(&url, &[&["site", "look", "news"], more].concat());
    let plain = json!({
        "site": "news", "accent": "#1a4f8b", "accent_dark": "#9cc4f5", "font": "serif",
        "language": null, "logo": null,
    });
    let show = ["site", "look", "news", "--json"];
    assert_eq!(run_json(&url, &show), plain);

    let file = folder.path().join("logo.svg");
    std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let path = file.to_str().unwrap();
    let change =
        ["--accent", "#98351f", "--font", "sans", "--language", "fr", "--logo", path, "--json"];
    let expected = json!({
        "site": "news", "accent": "#98351f", "accent_dark": "#cfa096", "font": "sans",
        "language": "fr", "logo": "image/svg+xml",
    });
    assert_eq!(run_json(&url, &[&show[..3], &change].concat()), expected);
    assert_eq!(run_json(&url, &show), expected, "and kept");

    for (wrong, why) in [
        (&["--accent", "#ffcc00"][..], "text needs 4.5 at least, and #"),
        (&["--accent", "red"], "`red` is no color such as `#1a4f8b`"),
        (&["--accent-dark", "#9cc4f5"], "--accent <COLOR>"),
        (&["--language", "de"], "must be `en`, `fr` or `any`"),
        (&["--font", "comic"], "serif, sans, system"),
        (&["--logo", "/nowhere"], "/nowhere: No such file"),
    ] {
        let output = look(wrong);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{said}");
    }
    std::fs::write(&file, vec![b'<'; 70_000]).unwrap();
    let large = complaint(&look(&["--logo", path]));
    assert!(large.contains("has 70000 bytes; at most 65536"), "{large}");
    assert_eq!(run_json(&url, &show), expected, "left as it was");

    assert!(look(&["--no-logo", "--language", "any"]).status.success());
    let bare = run_json(&url, &show);
    assert_eq!((&bare["logo"], &bare["language"]), (&Value::Null, &Value::Null));
    let missing = complaint(&run(&url, &["site", "look", "nowhere"]));
    assert!(missing.contains("there is no site `nowhere`"), "{missing}");
}

#[test]
fn every_mistake_in_the_settings_is_printed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, "[server]\nlisten = \"0.0.0.0:80\"\nlissten = 1\n").unwrap();
    let output = pressgate("mysql://user:hunter2@host/name", &[])
        .env("PRESSGATE_CONFIG", &file)
        .env_remove("PRESSGATE__SERVER__LISTEN")
        .env("PRESSGATE__METER__QUEUE_MAX", "none")
        .output()
        .unwrap();
    let complaint = complaint(&output);
    for part in [
        "`server.lissten` is no setting",
        "`server.listen` must be a loopback address",
        "`database.url` must be",
        "PRESSGATE__METER__QUEUE_MAX",
        "my.toml",
    ] {
        assert!(complaint.contains(part), "{part} is not in {complaint}");
    }
    assert!(!complaint.contains("hunter2"), "a password is not printed");
    let missing = pressgate("sqlite://x.db", &[]).env("PRESSGATE_CONFIG", "/nowhere.toml").output();
    assert!(self::complaint(&missing.unwrap()).contains("/nowhere.toml"));
}

#[tokio::test]
async fn an_address_in_use_and_a_database_out_of_reach_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let taken = [("PRESSGATE__SERVER__LISTEN", server.address())];
    let refused = complaint(&pressgate(&url, &taken).output().unwrap());
    assert!(refused.contains(&format!("cannot listen on {}", server.address())), "{refused}");

    let nobody = "postgres://user:hunter2@127.0.0.1:1/name";
    let refused = complaint(&run(nobody, &["migrate"]));
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn no_argument_and_no_setting_holds_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    for name in ["New\nline", "\u{1b}[31mred", "\u{85}"] {
        let arguments = ["site", "add", "news", "--name", name, "--origin", "https://news.example"];
        let refused = run(&url, &arguments);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("argument 5 must be text without control characters"), "{said}");
        assert!(!said.contains(name), "it is shown escaped: {said}");
    }
    let setting = [("PRESSGATE__MAIL__FROM_NAME", "News\u{7f}")];
    let refused = pressgate(&url, &setting).arg("migrate").output().unwrap();
    let said = complaint(&refused);
    assert!(said.contains("`mail.from_name` must be text without control characters"), "{said}");
}

#[tokio::test]
async fn a_probe_tells_a_container_whether_the_service_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let mut server = Server::start(pressgate(&url, &[]));
    let listen = [("PRESSGATE__SERVER__LISTEN", server.address())];
    let probe = || pressgate(&url, &listen).arg("probe").output().unwrap();
    server.eventually_says("/health/ready", 200).await;
    assert!(probe().status.success());
    let address = server.address().to_owned();
    server.kill();
    let listen = [("PRESSGATE__SERVER__LISTEN", address.as_str())];
    complaint(&pressgate(&url, &listen).arg("probe").output().unwrap());
}

#[tokio::test]
async fn rotated_keys_are_published_while_the_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[("PRESSGATE__SITES__REFRESH_SECS", "1")]));
    let rotated = run(&url, &["keys", "rotate"]);
    assert!(said(&rotated).starts_with("New keys "), "{}", said(&rotated));
    let count = async || {
        let url = format!("http://{}/.well-known/jwks.json", server.address());
        let jwks: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        jwks["keys"].as_array().unwrap().len()
    };
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while count().await != 4 {
        assert!(tokio::time::Instant::now() < deadline, "the new key is not published");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
