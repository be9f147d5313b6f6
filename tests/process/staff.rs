//! Staff and the audit log on the command line.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use crate::{
    server::{pressgate, run, run_json, sqlite_url},
    support::PostgresDatabase,
};

const LIVE: [(&str, &str); 6] = [
    ("PRESSGATE__MODE", "live"),
    ("PRESSGATE__SERVER__PUBLIC_URL", "https://pay.example"),
    ("PRESSGATE__KEYS__MASTER", "q1LGgSPcZ0mC7ZSkZQ3nK4nOaXW8YV5tR2uJ6hE0fBw="),
    ("PRESSGATE__DATABASE__MIGRATE_ON_START", "true"),
    ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
    ("PRESSGATE__MAIL__FROM_ADDRESS", "news@pay.example"),
];
const PASSWORD: &str = "gate swims under slow bells";

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command complains of; it must have failed, and shown nothing.
fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn add(
    url: &str,
    settings: &[(&str, &str)],
    email: &str,
    more: &[&str],
    stdin: &[u8],
) -> Output {
    let arguments = ["staff", "add", "--email", email, "--password-stdin"];
    let mut child = pressgate(url, settings)
        .args([&arguments[..], more].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

fn actions(url: &str, settings: &[(&str, &str)]) -> Vec<String> {
    let output = pressgate(url, settings).args(["audit", "list", "--json"]).output().unwrap();
    let log: Value = serde_json::from_str(&said(&output)).unwrap();
    let entries = log["entries"].as_array().unwrap();
    entries.iter().rev().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

fn accounts_and_their_traces(url: &str) {
    let live = |arguments: &[&str]| pressgate(url, &LIVE).args(arguments).output().unwrap();
    let stdin = format!("{PASSWORD}\n");
    let more = ["--role", "support", "--json"];
    let added = add(url, &LIVE, "Anna@news.example", &more, stdin.as_bytes());
    let anna: Value = serde_json::from_str(&said(&added)).unwrap();
    assert_eq!((&anna["email"], &anna["role"]), (&json!("anna@news.example"), &json!("support")));
    let totp = anna["totp_url"].as_str().unwrap();
    assert!(totp.starts_with("otpauth://totp/Pressgate:anna%40news.example?secret="), "{totp}");
    let codes = anna["recovery_codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    let twice = complaint(&add(url, &LIVE, "ANNA@news.example", &more, stdin.as_bytes()));
    assert!(twice.contains("with this address already"), "{twice}");

    assert_eq!(said(&live(&["staff", "role", "anna@news.example", "admin"])).lines().count(), 1);
    let same = complaint(&live(&["staff", "role", "anna@news.example", "admin"]));
    assert!(same.contains("is admin already"), "{same}");
    said(&live(&["staff", "disable", "anna@news.example"]));
    complaint(&live(&["staff", "disable", "anna@news.example"]));
    let listed = said(&live(&["staff", "list", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let found = &listed["staff"][0];
    assert_eq!((&found["role"], &found["second_factor"]), (&json!("admin"), &json!(true)));
    assert!(found["disabled_at"].is_string());
    said(&live(&["staff", "enable", "anna@news.example"]));
    let reset = said(&live(&["staff", "reset-totp", "anna@news.example"]));
    assert!(reset.contains("otpauth://totp/") && !reset.contains(totp), "{reset}");
    assert_eq!(reset.lines().filter(|line| line.trim().len() == 11).count(), 10, "{reset}");
    let nobody = complaint(&live(&["staff", "disable", "ben@news.example"]));
    assert!(nobody.contains("no account of staff ben@news.example"), "{nobody}");

    let words = ["staff.added", "staff.role_changed", "staff.disabled", "staff.enabled"];
    assert_eq!(actions(url, &LIVE), [&words[..], &["staff.totp_reset"]].concat());
    let verified = said(&live(&["audit", "verify"]));
    assert!(verified.starts_with("5 entries, unbroken. "), "{verified}");
    let shown = said(&live(&["audit", "list"]));
    let change = r#"from {"role":"support"} to {"role":"admin"}"#;
    assert!(shown.contains(change), "{shown}");
    let log = shown + &said(&live(&["audit", "list", "--json"]));
    for secret in ["anna@", PASSWORD, "argon2", codes[0].as_str().unwrap()] {
        assert!(!log.contains(secret), "the log holds neither addresses nor secrets: {log}");
    }
}

#[tokio::test]
async fn accounts_of_staff_leave_traces_that_cannot_be_removed_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    accounts_and_their_traces(&url);
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let sql = "DROP TRIGGER audit_log_is_not_deleted; DELETE FROM audit_log WHERE seq = 3";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let broken = pressgate(&url, &LIVE).args(["audit", "verify"]).output().unwrap();
    assert!(complaint(&broken).contains("entry 3 is missing"));
}

#[tokio::test]
async fn accounts_of_staff_leave_traces_that_cannot_be_removed_on_postgres() {
    let database = PostgresDatabase::create().await;
    accounts_and_their_traces(&database.url);
    let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let sql = "DROP TRIGGER audit_log_only_grows ON audit_log; DELETE FROM audit_log WHERE seq = 5";
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let broken = pressgate(&database.url, &LIVE).args(["audit", "verify"]).output().unwrap();
    assert!(complaint(&broken).contains("entries 5 to 5 are missing from its end"));
    database.drop().await;
}

#[test]
fn an_account_that_must_not_be_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    said(&run(&url, &["migrate"]));
    let long = vec![b'a'; 1_000_000];
    for (stdin, rule) in [
        (&b"short\n"[..], "the password must have at least 8 characters"),
        (b"", "the password must have at least 8 characters"),
        (b"password123\n", "the password is too common"),
        (b"anna@news.example\n", "the password is too common"),
        (b"caf\xe9 under slow bells\n", "the password is not text in UTF-8"),
        (&long, "the password must have at most 256 characters"),
    ] {
        let refused = complaint(&add(&url, &[], "anna@news.example", &["--role", "admin"], stdin));
        assert!(refused.contains(rule), "{refused}");
    }
    let stdin = format!("{PASSWORD}\n");
    for (email, more, rule) in [
        ("anna", &["--role", "admin"][..], "must be an address such as"),
        ("anna@news.example", &["--role", "root"], "must be `viewer`, `support` or `admin`"),
        ("anna@news.example", &[], "--role"),
    ] {
        let refused = complaint(&add(&url, &[], email, more, stdin.as_bytes()));
        assert!(refused.contains(rule), "{refused}");
    }
    let known = add(&url, &LIVE, "admin@demo.example", &["--role", "admin"], stdin.as_bytes());
    assert!(complaint(&known).contains("the sandbox's address"));
    assert_eq!(run_json(&url, &["staff", "list", "--json"]), json!({"staff": []}));
    assert!(said(&run(&url, &["audit", "verify"])).starts_with("0 entries, unbroken"));
}

#[test]
fn a_sandbox_makes_a_second_factor_when_asked_and_knows_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let with = |email: &str, more: &[&str]| {
        let more = [&["--role", "viewer", "--json"], more].concat();
        let output = add(&url, &[], email, &more, PASSWORD.as_bytes());
        serde_json::from_str::<Value>(&said(&output)).unwrap()
    };
    assert_eq!(with("anna@news.example", &[])["totp_url"], Value::Null);
    assert!(with("ben@news.example", &["--totp"])["totp_url"].is_string());
    let rotated = said(&run(&url, &["keys", "rotate"]));
    assert!(rotated.starts_with("New keys "), "{rotated}");
    assert_eq!(actions(&url, &[]), ["staff.added", "staff.added", "keys.rotated"]);

    // A command with another key would break the log for good.
    let other = pressgate(&url, &LIVE).args(["staff", "disable", "anna@news.example"]).output();
    let refused = complaint(&other.unwrap());
    assert!(refused.contains("was written with another master key"), "{refused}");
    assert!(said(&run(&url, &["audit", "verify"])).starts_with("3 entries, unbroken"));
}
