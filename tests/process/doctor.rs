//! `pressgate doctor` with real peers: one that answers, one that is gone, one that takes a connection
//! and says nothing.

use std::{
    net::TcpListener,
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;

use crate::{
    server::{Server, pressgate, run, sqlite_url},
    smtp::SmtpServer,
};

/// Far above every time limit of the command together.
const PATIENCE: Duration = Duration::from_mins(1);

fn installation() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    assert!(run(&url, &["migrate"]).status.success());
    drop(Server::start(pressgate(&url, &[])));
    (folder, url)
}

fn examine(mut command: Command) -> (Output, Value) {
    let began = Instant::now();
    let output = command.args(["doctor", "--json"]).output().unwrap();
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{output:?}"));
    (output, report)
}

/// Severity and message of a check.
fn check(report: &Value, name: &str) -> (String, String) {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {report}"));
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("severity"), text("message"))
}

/// `doctor` of an installation that sends its mails to `port`.
fn mailing(url: &str, port: u16, tls: &str, password: &str) -> (Output, Value) {
    let port = port.to_string();
    examine(pressgate(
        url,
        &[
            ("PRESSGATE__MAIL__TRANSPORT", "smtp"),
            ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
            ("PRESSGATE__MAIL__PORT", &port),
            ("PRESSGATE__MAIL__TLS", tls),
            ("PRESSGATE__MAIL__USER", "us"),
            ("PRESSGATE__MAIL__PASSWORD", password),
            ("PRESSGATE__MAIL__TIMEOUT_SECS", "1"),
        ],
    ))
}

async fn behind(url: &str, sql: &str) {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[test]
fn a_healthy_installation_has_no_errors() {
    let (_folder, url) = installation();
    let (output, report) = examine(pressgate(&url, &[]));
    assert!(output.status.success(), "{report}");
    assert_ne!(report["status"], "error");
    for name in [
        "service",
        "permissions",
        "schema",
        "clock",
        "signing_keys",
        "audit_log",
        "worker",
        "dead_mails",
        "notices",
        "ledger",
        "numbers",
        "open_files",
        "disk_space",
        "mail_server",
        "payment_gateway",
    ] {
        let (severity, message) = check(&report, name);
        assert!(severity != "error" && !message.is_empty(), "{name}: {message}");
    }
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check.as_object().unwrap().len(), 3, "{check}");
    }
}

#[tokio::test]
async fn the_mail_server_is_asked_as_mails_are_sent() {
    let (_folder, url) = installation();
    let smtp = SmtpServer::start(&json!({"login": ["us", "right"]}));
    let (output, report) = mailing(&url, smtp.port, "none", "right");
    let (severity, message) = check(&report, "mail_server");
    assert_eq!(severity, "ok", "{message}");
    assert!(output.status.success(), "{report}");
    assert!(smtp.mails().is_empty(), "nothing is sent");

    // It accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (port, tls, password, why) in [
        (smtp.port, "none", "wrong", "the server said 535"),
        (smtp.port, "starttls", "right", "STARTTLS"),
        (gone, "none", "right", "mail.host"),
        (silent_port, "none", "right", "no answer in time"),
        (silent_port, "implicit", "right", "no answer in time"),
    ] {
        let (output, report) = mailing(&url, port, tls, password);
        let (severity, message) = check(&report, "mail_server");
        assert_eq!(severity, "error", "{tls} {password}: {message}");
        assert!(message.contains(why), "{tls} {password}: {message}");
        assert_eq!((output.status.code(), &report["status"]), (Some(1), &json!("error")));
    }
}

#[test]
fn a_database_that_says_nothing_is_a_finding() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let (output, report) = examine(pressgate(&format!("postgres://us@127.0.0.1:{port}/x"), &[]));
    assert_eq!(output.status.code(), Some(1));
    let (severity, message) = check(&report, "database");
    assert_eq!(severity, "error", "{message}");
    assert_eq!(check(&report, "mail_server").0, "ok", "the rest is looked at all the same");
}

#[tokio::test]
async fn late_work_and_a_newer_schema_are_findings() {
    let (_folder, url) = installation();
    let mail =
        "INSERT INTO mail_outbox (id, recipient, subject, body_text, body_html, status, attempts,
                                         created_at, due_at, expires_at)
                VALUES (zeroblob(16), 'a@example.org', 's', 't', 'h', 'queued', 0, 0, 0, 1)";
    behind(&url, mail).await;
    let smtp = SmtpServer::start(&json!({"login": ["us", "right"]}));
    let (_, report) = mailing(&url, smtp.port, "none", "right");
    let (severity, message) = check(&report, "mail_queue");
    assert_eq!(severity, "error", "{message}");
    assert_eq!(check(&report, "worker").0, "ok");

    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', TRUE, x'00', 0)";
    behind(&url, newer).await;
    let (output, report) = examine(pressgate(&url, &[]));
    let (severity, message) = check(&report, "schema");
    assert_eq!((severity.as_str(), output.status.code()), ("error", Some(1)), "{message}");
    assert!(message.contains("a newer version was here"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_not_trusted_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(folder.path());
    let server = Server::start(pressgate(&url, &[]));
    let listen = [("PRESSGATE__SERVER__LISTEN", server.address())];
    let (_, report) = examine(pressgate(&url, &listen));
    assert_eq!(check(&report, "trusted_proxies").0, "ok", "{report}");

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..20 {
        let live = client.get(format!("http://{}/health/live", server.address()));
        let live = live.header("X-Forwarded-For", "198.51.100.1").send().await.unwrap();
        assert_eq!(live.status(), 200);
    }
    assert_eq!(server.metric("pressgate_http_untrusted_forwarded_for_total").await, 20);
    let (output, report) = examine(pressgate(&url, &listen));
    let (severity, message) = check(&report, "trusted_proxies");
    assert_eq!(severity, "warning", "{message}");
    assert!(message.starts_with("20 requests"), "{message}");
    assert!(output.status.success(), "a warning is no error");
    let strict = pressgate(&url, &listen).args(["doctor", "--strict"]).output().unwrap();
    assert_eq!(strict.status.code(), Some(2));
    let warned = server.log().matches("sent X-Forwarded-For and is not in").count();
    assert_eq!(warned, 5, "of the requests 1, 2, 4, 8 and 16: {}", server.log());
    assert!(!server.log().contains("198.51.100.1"), "what the header says is not logged");
}
