//! The listener, on real sockets: slow clients, and stopping.

use std::{net::SocketAddr, time::Duration};

use pressgate::http::{
    client_ip::TrustedProxies,
    serve::{ServeLimits, serve},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{app::TestApp, place::Place};

/// The service of `t` with its own routes, listening; and what stops it.
async fn listening(
    t: &TestApp,
    limits: ServeLimits,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let service = t.state.service().unwrap();
    let serving = tokio::spawn(serve(listener, service, limits, async {
        let _ = stopped.await;
    }));
    (address, stop, serving)
}

fn limits() -> ServeLimits {
    ServeLimits {
        connections_max: 100,
        header_timeout: Duration::from_secs(1),
        drain_delay: Duration::ZERO,
        drain_timeout: Duration::from_secs(2),
        trusted_proxies: TrustedProxies::default(),
    }
}

const BODY: &str = r#"{"article": {"id": "a"}}"#;

/// A request whose body is still to come.
fn head() -> String {
    format!(
        "POST /v1/access HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_sandbox_demo\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    )
}

/// Everything until the other side closes; a reset is as good as an end.
async fn rest_of(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// A request on `stream` that has reached the service: its head and half its body are there.
async fn begin(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A first request shows that the connection was accepted.
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let expecting = head().replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(expecting.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("100 Continue") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    stream
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    let started = Instant::now();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST /v1/access HTTP/1.1\r\nHost: x\r\nX-Slow:").await.unwrap();
    let answer = rest_of(&mut slow).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!((1..5).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, stop, serving) = listening(&t, limits()).await;
    let mut in_flight = begin(address).await;
    stop.send(()).unwrap();
    // It accepts no more...
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), refused).await.unwrap();
    // ... but answers what it has begun.
    in_flight.write_all(BODY.as_bytes()).await.unwrap();
    let answer = rest_of(&mut in_flight).await;
    assert!(answer.contains("HTTP/1.1 200 OK") && answer.contains("\"metered\""), "{answer}");
    timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_arrives_does_not_keep_the_process_alive() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, stop, serving) = listening(&t, limits()).await;
    let mut hung = begin(address).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0; 12]).await.unwrap();

    let asked = Instant::now();
    stop.send(()).unwrap();
    // An idle connection is closed at once.
    rest_of(&mut idle).await;
    timeout(Duration::from_secs(6), serving).await.unwrap().unwrap();
    let took = asked.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(5), "{took:?}");
    hung.shutdown().await.ok();
}

#[tokio::test]
async fn the_whole_application_stops_and_can_start_again() {
    let t = TestApp::start(Place::sqlite()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = t.state.clone();
    let serving = tokio::spawn(async move {
        state.serve(listener, async { drop(stopped.await) }).await.unwrap();
    });
    let visitor = t.read("a", &serde_json::Value::Null).await["visitor"].clone();
    stop.send(()).unwrap();
    timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    assert_eq!(t.get("/health/ready").await.status, 503);
    let again = t.another_process().await;
    assert_eq!(again.outcome("a", &visitor).await.0, "already_read");
    assert_eq!(again.outcome("b", &visitor).await.0, "meter_exhausted");
}

/// What came back on one connection: the status lines, and whether the first said that it is the last.
async fn talk(address: SocketAddr, sent: &[u8]) -> (Vec<String>, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // What cannot be written any more was not wanted.
    let _ = stream.write_all(sent).await;
    let text = rest_of(&mut stream).await;
    let statuses = text.split("HTTP/1.1 ").skip(1).map(|it| it[..3].to_owned()).collect();
    let first = text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    (statuses, first.contains("\r\nconnection: close"))
}

/// A request of this beginning with a body of `length` bytes, and behind it a second one, the last.
fn two_requests(first: &str, length: usize, is_chunked: bool) -> Vec<u8> {
    let body = "x".repeat(length);
    let framed = if is_chunked {
        format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
    } else {
        format!("Content-Length: {length}\r\n\r\n{body}")
    };
    let last = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    format!("{first}\r\nHost: x\r\n{framed}{last}").into_bytes()
}

/// Each way to be refused before the body was read, by its status.
const REFUSALS: [(&str, &str); 7] = [
    ("401", "POST /v1/access HTTP/1.1\r\nContent-Type: application/json"),
    ("401", "POST /v1/subscriptions HTTP/1.1\r\nIdempotency-Key: a\r\nAuthorization: Bearer x"),
    ("404", "POST /v1/nothing HTTP/1.1\r\nContent-Type: application/json"),
    ("404", "POST /v1/access%00 HTTP/1.1\r\nContent-Type: application/json"),
    ("405", "PUT /v1/access HTTP/1.1\r\nContent-Type: application/json"),
    ("415", "POST /v1/auth/login HTTP/1.1\r\nContent-Type: text/plain"),
    ("200", "GET /health/live HTTP/1.1\r\nX-Body: nobody asked for it"),
];

#[tokio::test]
async fn a_refusal_of_a_small_body_leaves_the_connection_usable() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    for (status, first) in REFUSALS {
        for (length, is_chunked) in [(1, false), (60_000, false), (1, true), (60_000, true)] {
            let (statuses, closes) = talk(address, &two_requests(first, length, is_chunked)).await;
            assert_eq!(statuses, [status, "200"], "{first} with {length}, {is_chunked}");
            assert!(!closes, "{first} with {length}, {is_chunked}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_a_large_body_says_that_the_connection_ends() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    let too_large = "POST /v1/auth/login HTTP/1.1\r\nContent-Type: application/json";
    for (status, first) in REFUSALS.into_iter().chain([("413", too_large)]) {
        for is_chunked in [false, true] {
            // More than the buffers between client and server hold, so that the client still sends when
            // it is answered. It reads the answer all the same.
            let sent = two_requests(first, 6 << 20, is_chunked);
            let (statuses, closes) = talk(address, &sent).await;
            assert_eq!((statuses, closes), (vec![status.to_owned()], true), "{first}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_withheld_is_not_waited_for_nor_asked_for() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    for expect in ["", "Expect: 100-continue\r\n"] {
        let head = format!(
            "POST /v1/access HTTP/1.1\r\nHost: x\r\n{expect}Content-Type: application/json\r\n\
             Content-Length: 9\r\n\r\n"
        );
        let (statuses, closes) = talk(address, head.as_bytes()).await;
        assert_eq!((statuses, closes), (vec!["401".to_owned()], true), "{expect}");
    }
}

#[tokio::test]
async fn a_header_is_long_enough_for_browsers_and_no_longer() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    let with_cookie = |length: usize| {
        let cookie = "c".repeat(length);
        format!(
            "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a={cookie}\r\n\r\n"
        )
    };
    for length in [1, 16 << 10, 32 << 10] {
        assert_eq!(talk(address, with_cookie(length).as_bytes()).await.0, ["200"], "{length}");
    }
    let many = (0..150).fold(String::new(), |many, i| many + &format!("X-{i}: y\r\n"));
    let many = format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    for too_long in [with_cookie(80 << 10), with_cookie(1 << 20), many] {
        let length = too_long.len();
        assert_eq!(
            talk(address, too_long.as_bytes()).await,
            (vec!["431".to_owned()], true),
            "{length}"
        );
    }
}

async fn connect_from(own: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{own}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

#[tokio::test]
async fn one_address_cannot_have_all_connections_unless_it_is_a_proxy() {
    let t = TestApp::start(Place::sqlite()).await;
    let proxies = TrustedProxies::parse(&["127.0.0.1"]).unwrap();
    for (trusted_proxies, served) in [(TrustedProxies::default(), 16), (proxies, 18)] {
        let limits = ServeLimits { connections_max: 18, trusted_proxies, ..limits() };
        let (address, _stop, _serving) = listening(&t, limits).await;
        let mut open = Vec::new();
        for _ in 0..18 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let is_served = stream.read_exact(&mut [0; 12]).await.is_ok();
            open.extend(is_served.then_some(stream));
        }
        assert_eq!(open.len(), served);
        if served < 18 {
            let mut other = connect_from("127.0.0.2", address).await;
            let last = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            other.write_all(last).await.unwrap();
            assert!(rest_of(&mut other).await.starts_with("HTTP/1.1 200"));
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_refused() {
    let t = TestApp::start(Place::sqlite()).await;
    let (address, _stop, _serving) = listening(&t, limits()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head().as_bytes()).await.unwrap();
    stream.write_all(&BODY.as_bytes()[..5]).await.unwrap();
    let answer = rest_of(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"body_late\""), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close"), "{answer}");
}
