//! A client that keeps its connection as HTTP allows: it uses it again until an answer ends it.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// A connection from one of this machine's own addresses.
pub(crate) async fn connect_from(own: &str, address: &str) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{own}:0").parse().unwrap())?;
    socket.connect(address.parse().unwrap()).await
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Answered with this status.
    Answered(u16),
    /// No connection was accepted for it.
    NotTaken,
    /// It went out on a connection that the server had accepted, and was not answered.
    Broken(String),
}

/// A connection, kept from one request to the next.
pub(crate) struct Kept {
    address: String,
    stream: Option<TcpStream>,
    /// Answers that ended their connection by `Connection: close`.
    pub(crate) closes: usize,
    /// Whether bodies follow their heads after a moment.
    pub(crate) in_two: bool,
}

impl Kept {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, closes: 0, in_two: false }
    }

    /// Sends `request`, on the kept connection where there is one.
    pub(crate) async fn send(&mut self, request: &str) -> Sent {
        let is_kept = self.stream.is_some();
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(&self.address).await {
                Ok(stream) => stream,
                Err(_) => return Sent::NotTaken,
            },
        };
        let failed = |what: String| {
            // The operating system completes a connection before the server accepts it.
            if is_kept { Sent::Broken(what) } else { Sent::NotTaken }
        };
        let written = match request.find("\r\n\r\n").filter(|_| self.in_two) {
            Some(end) => {
                let (head, body) = request.split_at(end + 4);
                let written = stream.write_all(head.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                match written {
                    Ok(()) => stream.write_all(body.as_bytes()).await,
                    failed => failed,
                }
            }
            None => stream.write_all(request.as_bytes()).await,
        };
        if let Err(error) = written {
            return failed(format!("could not be sent: {error}"));
        }
        let (head, body) = match read_answer(&mut stream).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return failed("the connection was closed".to_owned()),
            Err(error) => return failed(format!("no answer: {error}")),
        };
        if body.is_none() {
            return Sent::Broken(format!("the answer was cut off: {head}"));
        }
        if head.to_ascii_lowercase().contains("\r\nconnection: close") {
            self.closes += 1;
            // Nothing follows, and the end is a clean one.
            match stream.read(&mut [0]).await {
                Ok(0) => {}
                other => return Sent::Broken(format!("after the last answer: {other:?}")),
            }
        } else {
            self.stream = Some(stream);
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Sent::Answered(status.unwrap_or_else(|| panic!("{head}")))
    }
}

/// The head of an answer and its whole body, or `None` for one that was cut off; nothing at all
/// where the connection ended before the first byte.
async fn read_answer(stream: &mut TcpStream) -> std::io::Result<Option<(String, Option<Vec<u8>>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            let head = String::from_utf8_lossy(&bytes).into_owned();
            return Ok((!bytes.is_empty()).then_some((head, None)));
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let length = length.unwrap_or_else(|| panic!("{head}"));
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(Some((head, None)));
        }
    }
    Ok(Some((head, Some(body))))
}
