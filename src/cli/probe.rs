//! `pressgate probe`: a health check for containers that have no shell and no curl.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Failure;
use crate::config::Config;

const REQUEST: &[u8] =
    b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let answer = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(REQUEST).await?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await?;
        std::io::Result::Ok(start)
    };
    match timeout(Duration::from_secs(5), answer).await?? {
        start if start.ends_with(b" 200") => Ok(()),
        start => Err(format!("not ready: {}", String::from_utf8_lossy(&start)).into()),
    }
}
