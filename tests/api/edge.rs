//! The outermost layer, in front of small routers that misbehave.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{get, post},
};
use pressgate::{
    auth::limits::RetryAfter,
    http::{
        client_ip::{ClientIp, TrustedProxies},
        edge::{Edge, EdgeLimits},
        metrics::Metrics,
        problem::ApiError,
        serve::{ServeLimits, serve},
    },
    ids::Ids,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
};

use crate::app::{Answer, eventually};

fn edge(router: Router, requests_max: usize, timeout: Duration) -> (Edge, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let trusted_proxies = TrustedProxies::parse(&["127.0.0.1"]).unwrap();
    let limits = EdgeLimits { requests_max, timeout, trusted_proxies };
    (Edge::new(router, Ids::system().unwrap(), metrics.clone(), limits), metrics)
}

async fn ask(edge: &Edge, path: &str) -> Answer {
    Answer::of(edge.clone(), Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_panic_is_one_failed_request_and_nothing_more() {
    let router = Router::new()
        .route("/at-once", get(|| async { panic_with("a secret") }))
        .route(
            "/later",
            get(|| async {
                tokio::task::yield_now().await;
                panic_with("a secret")
            }),
        )
        .route("/well", get(|| async { "well" }));
    let (edge, metrics) = edge(router, 8, Duration::from_secs(5));
    for path in ["/at-once", "/later", "/at-once"] {
        let answer = ask(&edge, path).await;
        assert_eq!(answer.problem(), (500, "internal".to_owned()));
        assert!(!answer.text().contains("secret"));
        assert_eq!(ask(&edge, "/well").await.text(), "well");
    }
    assert!(metrics.render().contains("pressgate_http_panics_total 3"));
    for _ in 0..20 {
        ask(&edge, "/later").await;
    }
    assert_eq!(ask(&edge, "/well").await.status, 200, "a panic gives its place back");
}

#[expect(clippy::panic, reason = "this is what the edge must survive")]
fn panic_with(word: &'static str) -> &'static str {
    panic!("{word}")
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let router = Router::new()
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/body", post(|body: String| async move { body }));
    let (edge, _) = edge(router, 8, Duration::from_millis(50));
    let answer = ask(&edge, "/never").await;
    assert_eq!(answer.problem(), (503, "timeout".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");

    let never_sent = Body::from_stream(futures_util::stream::pending::<Result<String, String>>());
    let request = Request::post("/body").body(never_sent).unwrap();
    assert_eq!(Answer::of(edge, request).await.problem(), (503, "timeout".to_owned()));
}

#[tokio::test]
async fn a_browser_is_told_in_its_language_what_happened() {
    let router = Router::new()
        .route("/panic", get(|| async { panic_with("a secret") }))
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/v1/never", get(std::future::pending::<&'static str>));
    let (edge, _) = edge(router, 1, Duration::from_millis(50));
    let look = |path: &str, language: &str| {
        let request = Request::get(path).header("accept", "text/html,*/*;q=0.8");
        let request = request.header("accept-language", language.to_owned());
        Answer::of(edge.clone(), request.body(Body::empty()).unwrap())
    };
    let broken = look("/panic", "en").await;
    assert_eq!((broken.status, broken.header("cache-control")), (500, "no-store"));
    assert!(broken.text().contains("Something went wrong on our side"), "{}", broken.text());
    assert!(!broken.text().contains("secret"));
    let late = look("/never", "fr-CA,fr").await;
    assert_eq!((late.status, late.header("retry-after")), (503, "2"));
    assert!(late.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(
        late.text().contains("<html lang=\"fr\"") && late.text().contains("avant de le renvoyer")
    );
    let (_, busy) = tokio::join!(look("/never", "en"), look("/never", "en"));
    assert_eq!((busy.status, busy.header("retry-after")), (503, "2"));
    assert!(busy.text().contains("try again in a few seconds"), "{}", busy.text());
    // Programs are told as ever, also those that browsers run.
    assert_eq!(look("/v1/never", "en").await.problem(), (503, "timeout".to_owned()));
}

#[tokio::test]
async fn requests_beyond_the_bound_are_refused_at_once_while_health_answers() {
    let gate = Arc::new(Semaphore::new(0));
    let (held, waiting) = (Arc::clone(&gate), Arc::new(Semaphore::new(0)));
    let entered = Arc::clone(&waiting);
    let slow = move || async move {
        entered.add_permits(1);
        held.acquire().await.map_or("closed", |_| "done")
    };
    let router =
        Router::new().route("/slow", get(slow)).route("/health/live", get(|| async { "live" }));
    let (edge, metrics) = edge(router, 5, Duration::from_secs(20));
    let asks: Vec<_> = (0..64)
        .map(|_| {
            let edge = edge.clone();
            tokio::spawn(async move { ask(&edge, "/slow").await })
        })
        .collect();
    eventually("59 are refused", || async {
        metrics.render().contains("pressgate_http_requests_shed_total 59")
    })
    .await;
    assert_eq!(waiting.available_permits(), 5, "so many run");
    assert_eq!(ask(&edge, "/health/live").await.text(), "live");
    gate.add_permits(64);
    let mut answers = Vec::new();
    for asked in asks {
        answers.push(asked.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| answer.text() == "done").count(), 5);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.problem(), (503, "overloaded".to_owned()));
        assert_eq!(refused.header("retry-after"), "2");
    }
    assert_eq!(ask(&edge, "/slow").await.text(), "done", "there is room again");
}

#[tokio::test]
async fn what_was_tried_too_often_says_when_to_try_again() {
    let refuse = |micros| async move {
        Err::<(), ApiError>(RetryAfter(time::Duration::microseconds(micros)).into())
    };
    let router = Router::new()
        .route("/a-minute", get(move || refuse(60_000_000)))
        .route("/a-little-more", get(move || refuse(60_000_001)))
        .route("/a-moment", get(move || refuse(1)));
    let (edge, _) = edge(router, 8, Duration::from_secs(5));
    for (path, seconds) in [("/a-minute", "60"), ("/a-little-more", "61"), ("/a-moment", "1")] {
        let answer = ask(&edge, path).await;
        assert_eq!(answer.problem(), (429, "too_many_attempts".to_owned()));
        assert_eq!(answer.header("retry-after"), seconds, "{path}");
    }
}

#[tokio::test]
async fn who_asks_is_known_through_the_listener_and_a_trusted_proxy() {
    let who = |ClientIp(ip): ClientIp| async move { format!("{ip:?}") };
    let (edge, _) = edge(Router::new().route("/", get(who)), 8, Duration::from_secs(5));
    assert_eq!(ask(&edge, "/").await.text(), "None");

    let url = format!("http://{}/", listening(edge).await);
    let client = reqwest::Client::new();
    let asked = async |forwarded: &[&str]| {
        let request = client.get(&url);
        let add = |request: reqwest::RequestBuilder, line: &&str| {
            request.header("x-forwarded-for", *line)
        };
        let answer = forwarded.iter().fold(request, add).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert_eq!(asked(&[]).await, "Some(127.0.0.1)");
    assert_eq!(asked(&["1.1.1.1, 198.51.100.7"]).await, "Some(198.51.100.7)");
    assert_eq!(asked(&["198.51.100.7", "127.0.0.1"]).await, "Some(198.51.100.7)");
    assert_eq!(asked(&["rubbish"]).await, "Some(127.0.0.1)");
}

/// `edge` behind a listener on a real socket; the address.
async fn listening(edge: Edge) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let second = Duration::from_secs(1);
    let limits = ServeLimits {
        connections_max: 9,
        header_timeout: second,
        drain_delay: Duration::ZERO,
        drain_timeout: second,
        trusted_proxies: TrustedProxies::default(),
    };
    tokio::spawn(serve(listener, edge, limits, std::future::pending()));
    address
}

/// The status lines that come back for a request with a body of `length` bytes and a second request
/// behind it, and whether the first answer says that it is the last.
async fn refused_with_body(address: SocketAddr, length: usize) -> (Vec<String>, bool) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = "x".repeat(length);
    let first = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    let last = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    // What cannot be written any more was not wanted.
    let _ = stream.write_all(format!("{first}{last}").as_bytes()).await;
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text));
    read.await.unwrap().unwrap();
    let text = String::from_utf8(text).unwrap();
    let statuses = text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect();
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    (statuses, head.contains("\r\nconnection: close"))
}

#[tokio::test]
async fn a_body_that_was_refused_unread_does_not_spoil_the_connection() {
    let too_often = || async { Err::<(), ApiError>(RetryAfter(time::Duration::SECOND).into()) };
    let router = || Router::new().route("/", post(too_often));
    for (requests_max, status) in [(8, "429"), (0, "503")] {
        let (edge, _) = edge(router(), requests_max, Duration::from_secs(5));
        let address = listening(edge).await;
        for length in [1, 60_000] {
            let answered = refused_with_body(address, length).await;
            assert_eq!(answered, (vec![status.to_owned(); 2], false), "{length} bytes");
        }
        // More than the buffers on the way hold, so that the client still sends when it is answered.
        let answered = refused_with_body(address, 6 << 20).await;
        assert_eq!(answered, (vec![status.to_owned()], true));
    }
}
