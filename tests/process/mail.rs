//! The real program with a mail server that it must trust first.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{
    server::{Server, pressgate, sqlite_url},
    smtp::SmtpServer,
};

/// A certificate for `localhost` that only those trust who are told to.
fn make_certificate(folder: &Path) -> (String, String) {
    let file = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// A service that sends its mails to `localhost:port`, and is asked for one.
async fn start_and_ask(folder: &Path, port: u16, tls: &str, trusted: Option<&str>) -> Server {
    let port = port.to_string();
    let settings = [
        ("PRESSGATE__MAIL__TRANSPORT", "smtp"),
        ("PRESSGATE__MAIL__HOST", "localhost"),
        ("PRESSGATE__MAIL__PORT", &port),
        ("PRESSGATE__MAIL__TLS", tls),
        ("PRESSGATE__MAIL__USER", "us"),
        ("PRESSGATE__MAIL__PASSWORD", "right"),
        ("PRESSGATE__MAIL__CHECK_SECS", "1"),
    ];
    let mut command = pressgate(&sqlite_url(folder), &settings);
    if let Some(file) = trusted {
        command.env("SSL_CERT_FILE", file);
    }
    let service = Server::start(command);
    let body = json!({"email": "anna@example.org", "password": "correct horse battery"});
    let speaker = service.speaker("sk_sandbox_demo");
    assert_eq!(speaker.post("/v1/readers", &body).await.unwrap().0, 202);
    service
}

async fn mails_go_only_to_whom_we_trust(tls: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = make_certificate(folder.path());
    let login = ["us", "right"];
    let smtp = SmtpServer::start(
        &json!({"tls": tls, "certificate": certificate, "key": key, "login": login}),
    );
    let doubtful = start_and_ask(folder.path(), smtp.port, tls, None).await;
    smtp.eventually_connected(2).await;
    assert!(smtp.mails().is_empty(), "a stranger's certificate");
    drop(doubtful);

    // With a database of its own: whoever is killed in the middle of a mail keeps its claim for
    // five minutes.
    let another = tempfile::tempdir().unwrap();
    let _trusting = start_and_ask(another.path(), smtp.port, tls, Some(&certificate)).await;
    smtp.eventually_has(1).await;
    for mail in smtp.mails() {
        assert_eq!((&mail["is_private"], &mail["login"]), (&json!(true), &json!("us")));
        assert_eq!(mail["headers"]["subject"], "Confirm your address");
    }
}

#[tokio::test]
async fn over_tls_from_the_first_byte() {
    mails_go_only_to_whom_we_trust("implicit").await;
}

#[tokio::test]
async fn over_tls_that_is_asked_for() {
    mails_go_only_to_whom_we_trust("starttls").await;
}

#[tokio::test]
async fn never_where_tls_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = SmtpServer::start(&json!({"login": ["us", "right"]}));
    let _service = start_and_ask(folder.path(), smtp.port, "starttls", None).await;
    smtp.eventually_connected(2).await;
    assert!(smtp.mails().is_empty());
}
