//! A running `pressgate`, and how to talk to it.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// The program, with the database at `url` and no settings but these.
pub(crate) fn pressgate(url: &str, settings: &[(&str, &str)]) -> Command {
    in_environment(Command::new(env!("CARGO_BIN_EXE_pressgate")), url, settings)
}

/// The program, run by a shell that says `first` before it.
pub(crate) fn pressgate_after(first: &str, url: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{first}; exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_pressgate"));
    in_environment(shell, url, &[])
}

/// The program, allowed to have so many files open: by itself, and at most.
pub(crate) fn pressgate_with_files((soft, hard): (u32, u32), url: &str) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={soft}:{hard}")).arg(env!("CARGO_BIN_EXE_pressgate"));
    in_environment(command, url, &[])
}

fn in_environment(mut command: Command, url: &str, settings: &[(&str, &str)]) -> Command {
    let ours = std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("PRESSGATE")));
    for (name, _) in ours {
        command.env_remove(name);
    }
    command
        .env("PRESSGATE__DATABASE__URL", url)
        .env("PRESSGATE__SERVER__LISTEN", "127.0.0.1:0")
        .env("PRESSGATE__LOG__FORMAT", "json")
        .envs(settings.iter().copied());
    command
}

/// Runs a command to its end.
pub(crate) fn run(url: &str, arguments: &[&str]) -> Output {
    pressgate(url, &[]).args(arguments).output().unwrap()
}

/// Runs a command that must succeed and print JSON.
pub(crate) fn run_json(url: &str, arguments: &[&str]) -> Value {
    let output = run(url, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Adds a site `news` with so high a limit that every read of a test is counted; its key.
pub(crate) fn add_site(url: &str) -> String {
    let arguments = ["site", "add", "news", "--name", "News", "--origin", "https://news.example"];
    let site = run_json(url, &[&arguments[..], &["--limit", "1000", "--json"]].concat());
    site["secret_key"].as_str().unwrap().to_owned()
}

pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("p.db").display())
}

/// A process that serves. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    address: String,
    client: reqwest::Client,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (found, address) = mpsc::channel();
        let kept = Arc::new(Mutex::new(String::new()));
        let keeps = Arc::clone(&kept);
        // Reads on for ever, so that the process never waits for somebody to read its log.
        std::thread::spawn(move || follow(log, &found, &keeps));
        let Ok(address) = address.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the program did not begin to listen")
        };
        Self { child, address, client: client(), log: kept }
    }

    /// A process whose log goes to `stderr`, so that it cannot say where it listens.
    pub(crate) async fn start_with_log_to(mut command: Command, stderr: Stdio) -> Self {
        // Free a moment ago; nothing else here asks for a port by its number.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        command.env("PRESSGATE__SERVER__LISTEN", format!("127.0.0.1:{port}"));
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        let (address, log) = (format!("http://127.0.0.1:{port}"), Arc::default());
        let server = Self { child, address, client: client(), log };
        server.eventually_says("/health/ready", 200).await;
        server
    }

    /// The other end of the pipe into which the process logs, where that was asked for.
    pub(crate) fn take_log_pipe(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// The value of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let url = format!("{}/metrics", self.address);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// A hand that outlives the borrow of this process.
    pub(crate) fn speaker(&self, key: &str) -> Speaker {
        let (address, client) = (self.address.clone(), self.client.clone());
        Speaker { address, client, key: key.to_owned() }
    }

    pub(crate) async fn status(&self, path: &str) -> Option<u16> {
        let url = format!("{}{path}", self.address);
        self.client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
    }

    pub(crate) async fn eventually_says(&self, path: &str, status: u16) {
        let deadline = Instant::now() + PATIENCE;
        while self.status(path).await != Some(status) {
            assert!(Instant::now() < deadline, "{path} did not become {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn dropped_lines(&self) -> u64 {
        self.metric("pressgate_log_lines_dropped_total").await
    }

    pub(crate) async fn eventually(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self).await {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `SIGKILL`: nothing of the process runs after this.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }

    /// Memory that the process has in use, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The lines about `name` in the process's own limits.
    pub(crate) fn limit_of(&self, name: &str) -> String {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        limits.lines().find(|line| line.starts_with(name)).unwrap().to_owned()
    }

    pub(crate) fn allow_files_of_any_size(&self) {
        let id = self.child.id().to_string();
        let raise = ["--pid", &id, "--fsize=unlimited:"];
        assert!(Command::new("prlimit").args(raise).status().unwrap().success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process did not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each request on a connection of its own shows plainly what became of it.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.timeout(PATIENCE).build().unwrap()
}

fn follow(mut log: impl BufRead, found: &mpsc::Sender<String>, kept: &Mutex<String>) {
    let mut line = String::new();
    while log.read_line(&mut line).is_ok_and(|length| length > 0) {
        if let Some((_, rest)) = line.split_once("listening on ") {
            let end = rest.find(|c: char| c == '"' || c.is_whitespace()).unwrap_or(rest.len());
            let _ = found.send(rest[..end].to_owned());
        }
        kept.lock().unwrap().push_str(&line);
        line.clear();
    }
}

/// A website that asks for decisions.
#[derive(Clone)]
pub(crate) struct Speaker {
    address: String,
    client: reqwest::Client,
    key: String,
}

impl Speaker {
    /// The status and the body of `POST path`; an error where there was no answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.address)).bearer_auth(&self.key);
        let answer = request.json(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    pub(crate) async fn read(
        &self,
        article: &str,
        visitor: &Value,
    ) -> reqwest::Result<(u16, Value)> {
        let body = json!({"article": {"id": article}, "visitor": visitor});
        self.post("/v1/access", &body).await
    }

    pub(crate) async fn visitor(&self) -> Value {
        let body = json!({"article": {"id": "x", "access": "free"}});
        self.post("/v1/access", &body).await.unwrap().1["visitor"].clone()
    }

    /// Why each of `articles` may be read by `visitor`, as a dry run that changes nothing.
    pub(crate) async fn reasons(&self, visitor: &Value, articles: &[String]) -> Vec<String> {
        let mut reasons = Vec::new();
        for some in articles.chunks(100) {
            let ask =
                |id: &String| json!({"article": {"id": id}, "visitor": visitor, "dry_run": true});
            let requests: Vec<Value> = some.iter().map(ask).collect();
            let body = json!({"requests": requests});
            let (status, answer) = self.post("/v1/access/batch", &body).await.unwrap();
            assert_eq!(status, 200, "{answer}");
            let answers = answer["answers"].as_array().unwrap();
            reasons.extend(answers.iter().map(|a| a["reason"].as_str().unwrap().to_owned()));
        }
        reasons
    }

    pub(crate) async fn used(&self, visitor: &Value) -> u64 {
        let body = json!({"article": {"id": "never"}, "visitor": visitor, "dry_run": true});
        self.post("/v1/access", &body).await.unwrap().1["meter"]["used"].as_u64().unwrap()
    }
}
