//! `pressgate probe`: a health check for containers that have no shell and no curl.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Failure;
use crate::config::Config;

const WAIT_MAX: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read.
const ANSWER_MAX: u64 = 1024 * 1024;

/// What a service says of itself.
pub(super) enum Answer {
    /// It takes requests.
    Ready,
    /// It does not, and why.
    NotReady(String),
}

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    match ask(config.server.listen).await? {
        Answer::Ready => Ok(()),
        Answer::NotReady(why) => Err(format!("not ready: {why}").into()),
    }
}

/// Asks the service that listens at `address` whether it is ready.
pub(super) async fn ask(address: SocketAddr) -> Result<Answer, Failure> {
    Ok(read(&get(address, "/health/ready").await?))
}

/// What is answered to `GET path` at `address`: status line, headers and body, at most 1 MiB.
pub(super) async fn get(mut address: SocketAddr, path: &str) -> Result<String, Failure> {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let answer = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    Ok(timeout(WAIT_MAX, answer).await??)
}

fn read(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        return Answer::Ready;
    }
    let problem: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    Answer::NotReady(detail.unwrap_or(status).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_service_gives() {
        let not_ready = |answer: &str| match read(answer) {
            Answer::Ready => None,
            Answer::NotReady(why) => Some(why),
        };
        assert_eq!(not_ready("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ready\"}"), None);
        let problem = "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"detail\":\"it is stopping\"}";
        assert_eq!(not_ready(problem).unwrap(), "it is stopping");
        let other = "HTTP/1.1 502 Bad Gateway\r\n\r\n<html>";
        assert_eq!(not_ready(other).unwrap(), "HTTP/1.1 502 Bad Gateway");
        assert_eq!(not_ready("").unwrap(), "");
    }
}
