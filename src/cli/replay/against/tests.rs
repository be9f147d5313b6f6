//! A small service with the same meter, honest or not, behind real HTTP.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    path::PathBuf,
    sync::Mutex,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::{
    cli::replay::run as replay,
    clock::Timestamp,
    metering::{
        tally::{Fingerprint, Read, Tally, Verdict, tally},
        window::Window,
    },
};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Passes one article too many.
    Generous,
    /// Names another limit now and then.
    Fickle,
    /// Counts right, and says nothing of what remains.
    Unmetered,
    /// Answers every third question only when asked again.
    Busy,
    /// Takes no key.
    Closed,
}

struct Service {
    manner: Manner,
    limit: u32,
    asked: u64,
    visitors: HashMap<String, Tally>,
    /// Questions that were refused once.
    refused: HashSet<String>,
}

type Shared = Arc<Mutex<Service>>;

async fn access(
    State(service): State<Shared>,
    headers: HeaderMap,
    Json(question): Json<Value>,
) -> Response {
    let mut service = service.lock().unwrap();
    service.asked += 1;
    if service.manner == Manner::Closed || headers["authorization"] != "Bearer sk_test" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let third = service.manner == Manner::Busy && service.asked.is_multiple_of(3);
    if third && service.refused.insert(question.to_string()) {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    let visitor = match &question["visitor"] {
        Value::String(token) => token.clone(),
        _ => format!("token-{}", service.asked),
    };
    let generous = u32::from(service.manner == Manner::Generous);
    let read = Read {
        article: Fingerprint::of("demo", question["article"]["id"].as_str().unwrap()),
        limit: service.limit + generous,
        window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
        at: Timestamp::UNIX_EPOCH,
        dry_run: false,
    };
    let (reading, change) = tally(service.visitors.get(&visitor), &read);
    service.visitors.extend(change.map(|change| (visitor.clone(), change)));
    let (decision, reason) = match reading.verdict {
        Verdict::Counted => ("allow", "metered"),
        Verdict::AlreadyRead => ("allow", "already_read"),
        Verdict::Exhausted => ("deny", "meter_exhausted"),
    };
    let fickle = u32::from(service.manner == Manner::Fickle && service.asked == 9);
    let limit = service.limit + fickle;
    let used = reading.used;
    let meter = json!({
        "limit": limit, "used": used, "remaining": limit.saturating_sub(used), "resets_at": null
    });
    let meter = if service.manner == Manner::Unmetered { Value::Null } else { meter };
    let body =
        json!({ "decision": decision, "reason": reason, "meter": meter, "visitor": visitor });
    Json(body).into_response()
}

async fn serve(manner: Manner) -> String {
    let service =
        Service { manner, limit: 2, asked: 0, visitors: HashMap::new(), refused: HashSet::new() };
    let router =
        Router::new().route("/v1/access", post(access)).with_state(Arc::new(Mutex::new(service)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/")
}

/// Five visitors who read four articles twice each, in turn, and one read with an endless path.
fn log() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut line = |visitor: u32, path: &str| {
        let at = "17/May/2015:10:05:03 +0000";
        let request = format!("GET {path} HTTP/1.1");
        writeln!(file, "10.0.0.{visitor} - - [{at}] \"{request}\" 200 1 \"-\" \"{AGENT}\"")
            .unwrap();
    };
    for round in 0..8 {
        for visitor in 0..5 {
            line(visitor, &format!("/article-{}", round / 2));
        }
    }
    line(1, &format!("/{}", "x".repeat(ARTICLE_ID_MAX)));
    file
}

fn args(file: PathBuf, url: &str) -> ReplayArgs {
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ReplayArgs,
    }
    let words =
        ["replay", "-", "--against", url, "--key", "sk_test", "--connections", "3", "--json"];
    ReplayArgs { file, ..Cli::try_parse_from(words).unwrap().args }
}

async fn check(manner: Manner) -> (Result<(), ReplayError>, Value) {
    let file = log();
    let url = serve(manner).await;
    let mut out = Vec::new();
    let result = replay(args(file.path().to_owned(), &url), &mut out).await;
    (result, serde_json::from_slice(&out).unwrap())
}

#[tokio::test]
async fn an_honest_service_answers_every_read_as_expected() {
    let (result, found) = check(Manner::Honest).await;
    result.unwrap();
    assert_eq!((&found["reads_sent"], &found["as_expected"]), (&json!(40), &json!(40)));
    assert_eq!((&found["visitors"], &found["limit"]), (&json!(5), &json!(2)));
    assert_eq!(
        (&found["left_out_too_long"], &found["left_out_after_failure"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test]
async fn a_service_that_counts_wrong_is_found_out() {
    let (result, found) = check(Manner::Generous).await;
    // The third and the fourth article of each of five visitors, twice: once too many, then one
    // more used than there are.
    assert!(matches!(result, Err(ReplayError::Differs { differences: 20, failures: 0 })));
    assert_eq!(found["as_expected"], 20);
    assert_eq!(
        found["differences_first"][0],
        json!({
            "line": 21,
            "expected": "deny (meter_exhausted), 2 of 2 used, 0 left",
            "answered": "allow (metered), 3 of 2 used, 0 left"
        })
    );
    assert_eq!(found["differences_first"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_service_that_changes_its_limit_is_found_out() {
    let (result, found) = check(Manner::Fickle).await;
    assert!(matches!(result, Err(ReplayError::Differs { differences: 1, failures: 0 })));
    assert_eq!(found["limit"], 2);
}

#[tokio::test]
async fn a_service_without_a_meter_is_found_out() {
    let (result, _) = check(Manner::Unmetered).await;
    assert!(matches!(result, Err(ReplayError::Differs { differences: 40, failures: 0 })));
}

#[tokio::test]
async fn another_limit_than_the_asked_for_is_found_out() {
    let file = log();
    let url = serve(Manner::Honest).await;
    let args = ReplayArgs { limit: "3".parse().ok(), ..args(file.path().to_owned(), &url) };
    let result = replay(args, &mut Vec::new()).await;
    assert!(matches!(result, Err(ReplayError::Differs { differences: 40, failures: 0 })));
}

#[tokio::test]
async fn a_busy_service_is_asked_again_and_nothing_is_lost() {
    let (result, found) = check(Manner::Busy).await;
    result.unwrap();
    assert_eq!(found["as_expected"], 40);
    assert_ne!(found["retries"], 0);
}

#[tokio::test]
async fn a_wrong_key_ends_it_and_says_so() {
    let (result, found) = check(Manner::Closed).await;
    assert!(matches!(result, Err(ReplayError::Differs { differences: 0, failures: 5 })));
    assert_eq!(found["failures_by_reason"], json!({"401 Unauthorized": 5}));
    assert_eq!((&found["reads_sent"], &found["left_out_after_failure"]), (&json!(5), &json!(35)));
}

#[tokio::test]
async fn a_service_that_is_down_is_no_connection() {
    let file = log();
    let mut out = Vec::new();
    let args = ReplayArgs { json: false, ..args(file.path().to_owned(), "http://127.0.0.1:1") };
    assert!(replay(args, &mut out).await.is_err());
    assert!(String::from_utf8(out).unwrap().contains("5  not answered: no connection"));
}

#[tokio::test]
async fn a_check_without_a_read_does_not_pass() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = serve(Manner::Honest).await;
    let result = replay(args(file.path().to_owned(), &url), &mut Vec::new()).await;
    assert!(matches!(result, Err(ReplayError::NothingSent)));
}
