//! A real mail server of somebody else's making, as a process of its own.
#![allow(dead_code, reason = "each test crate asks it something else")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// The server of `smtp_server.py`, which says what can be asked of it.
pub(crate) struct SmtpServer {
    child: Child,
    pub(crate) port: u16,
    told: Arc<Mutex<Vec<Value>>>,
}

impl SmtpServer {
    pub(crate) fn start(options: &Value) -> Self {
        let python = std::env::var("PRESSGATE_TEST_SMTP_PYTHON");
        let python = python.expect("run ./scripts/test, which installs a mail server");
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtp_server.py");
        let mut child = Command::new(python)
            .args(["-W", "ignore", program, &options.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in lines {
                into.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port, told }
    }

    /// The mails it took so far.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.all_with("rcpt_to")
    }

    /// To whom they were, in the order of the alphabet.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let to = |mail: &Value| mail["rcpt_to"][0].as_str().unwrap().to_owned();
        let mut all: Vec<String> = self.mails().iter().map(to).collect();
        all.sort();
        all
    }

    /// How often it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.all_with("connected").len()
    }

    pub(crate) async fn eventually_has(&self, count: usize) {
        self.eventually(|| self.mails().len() >= count).await;
    }

    pub(crate) async fn eventually_connected(&self, count: usize) {
        self.eventually(|| self.connections() >= count).await;
    }

    /// Until it has a mail and lets the sender wait for its answer.
    pub(crate) async fn eventually_waits(&self) {
        self.eventually(|| !self.all_with("is_late").is_empty()).await;
    }

    async fn eventually(&self, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "{:?}", self.told.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn all_with(&self, key: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|what| !what[key].is_null()).cloned().collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
