//! What staff ask for, through the whole service without the network: how long an answer takes.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Request, header},
};
use http_body_util::BodyExt;
use pressgate::{app::AppState, http::edge::Edge};
use tower::ServiceExt;

use super::{dice::Dice, fill::Sample};

/// How often each is asked.
const TIMES: usize = 200;

struct Office {
    edge: Edge,
    /// Of a program.
    token: String,
    /// Of a browser.
    cookie: String,
}

/// What stands in `text` between `before` and the next quotation mark, or semicolon.
fn after<'a>(text: &'a str, before: &str) -> &'a str {
    let rest = text.split(before).nth(1).unwrap();
    rest.split(['"', ';']).next().unwrap()
}

/// Comes on duty as a browser does. Gives the cookie.
async fn come_on_duty(edge: &Edge) -> String {
    let form = Request::get("/staff/login").body(Body::empty()).unwrap();
    let form = edge.clone().oneshot(form).await.unwrap();
    let cookie = form.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = form.into_body().collect().await.unwrap().to_bytes();
    let token =
        after(std::str::from_utf8(&page).unwrap(), "name=\"form_token\" value=\"").to_owned();
    let body = format!(
        "form_token={token}&return_to=&email=admin%40demo.example&password=sandbox-admin&code="
    );
    let request = Request::post("/staff/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from(body))
        .unwrap();
    let came = edge.clone().oneshot(request).await.unwrap();
    assert_eq!(came.status(), 303, "the log-in of the office");
    let cookie = came.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

impl Office {
    async fn open(app: &AppState) -> Self {
        let edge = app.service().unwrap();
        let body = r#"{"email":"admin@demo.example","password":"sandbox-admin"}"#;
        let request =
            Request::post("/v1/staff/login").header(header::CONTENT_TYPE, "application/json");
        let answer = edge.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let came: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let token = came["access_token"].as_str().unwrap().to_owned();
        let cookie = come_on_duty(&edge).await;
        Self { edge, token, cookie }
    }

    async fn ask(&self, path: &str) -> (Duration, Vec<u8>) {
        let request = Request::get(format!("/v1/staff/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.time(path, request.body(Body::empty()).unwrap()).await
    }

    async fn look(&self, path: &str) -> (Duration, Vec<u8>) {
        let request = Request::get(path).header(header::COOKIE, self.cookie.as_str());
        self.time(path, request.body(Body::empty()).unwrap()).await
    }

    async fn time(&self, path: &str, request: Request<Body>) -> (Duration, Vec<u8>) {
        let began = Instant::now();
        let answer = self.edge.clone().oneshot(request).await.unwrap();
        let is_good = answer.status().is_success();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes().to_vec();
        assert!(is_good, "{path}: {}", String::from_utf8_lossy(&bytes));
        (began.elapsed(), bytes)
    }
}

fn report(what: &str, mut times: Vec<Duration>, bytes: usize) {
    times.sort_unstable();
    let at = |share: usize| {
        times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
    };
    println!(
        "| {what} | {:.1} | {:.1} | {:.1} | {} |",
        at(50),
        at(95),
        at(100),
        bytes / times.len()
    );
}

/// One letter of `text` mistaken.
fn mistyped(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = usize::try_from(dice.roll(letters.len() as u64)).unwrap();
    match dice.roll(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, 'q'),
        _ => letters[at] = 'q',
    }
    letters.into_iter().collect()
}

type Ask<'a> = Box<dyn Fn(&mut Dice) -> String + 'a>;

fn searches(sample: &Sample) -> Vec<(&'static str, Ask<'_>)> {
    let email = |dice: &mut Dice| {
        let at = usize::try_from(dice.roll(sample.emails.len() as u64)).unwrap();
        sample.emails[at].clone()
    };
    let name = move |dice: &mut Dice| email(dice).split('@').next().unwrap().to_owned();
    vec![
        ("search, an address", Box::new(move |dice| format!("search?q={}", email(dice)))),
        (
            "search, a mistyped address",
            Box::new(move |dice| {
                let email = email(dice);
                format!("search?q={}", mistyped(&email, dice))
            }),
        ),
        ("search, a name", Box::new(move |dice| format!("search?q={}", name(dice)))),
        (
            "search, a mistyped name",
            Box::new(move |dice| {
                let name = name(dice);
                format!("search?q={}", mistyped(&name, dice))
            }),
        ),
        (
            "search, four letters",
            Box::new(move |dice| {
                format!("search?q={}", name(dice).chars().take(4).collect::<String>())
            }),
        ),
        ("search, last four digits", Box::new(|dice| format!("search?q={:04}", dice.roll(10_000)))),
        (
            "search, a reference",
            Box::new(|dice| format!("search?q=ch_{}", dice.roll(sample.invoices.unsigned_abs()))),
        ),
        (
            "search, an id",
            Box::new(|dice| {
                let at = usize::try_from(dice.roll(sample.subscriptions.len() as u64)).unwrap();
                format!("search?q={}", sample.subscriptions[at])
            }),
        ),
        (
            "one subscription",
            Box::new(|dice| {
                let at = usize::try_from(dice.roll(sample.subscriptions.len() as u64)).unwrap();
                format!("subscriptions/{}", sample.subscriptions[at])
            }),
        ),
    ]
}

const LISTS: [&str; 16] = [
    "subscriptions",
    "subscriptions?status=active",
    "subscriptions?status=past_due&limit=200",
    "subscriptions?plan=annual&status=active",
    "subscriptions?plan=annual&status=paused",
    "subscriptions?site=demo&status=canceled",
    "subscriptions?payment_failed=true",
    "subscriptions?trial_ending_within=3",
    "subscriptions?sleeping=true",
    "subscriptions?sleeping=true&plan=annual&status=past_due",
    "subscriptions?end_reason=withdrawn",
    "subscriptions?end_reason=withdrawn&sort=created",
    "subscriptions?created_from=2024-01-01&created_to=2024-01-31",
    "subscriptions?sort=next_charge",
    "readers",
    "invoices?status=paid",
];

/// Pages of a list, one after the other.
async fn pages(office: &Office, list: &str) {
    let join = if list.contains('?') { '&' } else { '?' };
    let (mut times, mut bytes) = (Vec::new(), 0);
    let mut cursor = String::new();
    while times.len() < TIMES {
        let (time, answer) = office.ask(&format!("{list}{join}cursor={cursor}")).await;
        times.push(time);
        bytes += answer.len();
        let page: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
    }
    report(list, times, bytes);
}

/// The most memory that this process has held, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

async fn table(office: &Office) {
    // From here on the peak is the export's own.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak_mib();
    let request = Request::get("/v1/staff/subscriptions.csv")
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token));
    let request = request.body(Body::empty()).unwrap();
    let began = Instant::now();
    let mut body = office.edge.clone().oneshot(request).await.unwrap().into_body();
    let (mut rows, mut bytes) = (0_u32, 0);
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        bytes += data.len();
        rows += u32::try_from(data.split(|byte| *byte == b'\n').count() - 1).unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "CSV: {rows} rows, {bytes} bytes in {seconds:.1} s: {:.0} rows a second; the process held \
         {before} MiB before and at most {} MiB meanwhile",
        f64::from(rows) / seconds,
        peak_mib()
    );
}

/// A page, again and again.
async fn drawn(office: &Office, what: &str, mut path: impl FnMut() -> String) {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let (time, answer) = office.look(&path()).await;
        times.push(time);
        bytes += answer.len();
    }
    report(what, times, bytes);
}

/// Asks for everything, or for the table `only`, and prints how long it took.
pub(crate) async fn measure(app: &AppState, sample: &Sample, only: Option<&str>) {
    let office = Office::open(app).await;
    if only == Some("csv") {
        return table(&office).await;
    }
    println!("| what | median ms | 95 % | most | bytes |\n| --- | --- | --- | --- | --- |");
    let mut dice = Dice(99);
    for (what, ask) in searches(sample) {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let (time, answer) = office.ask(&ask(&mut dice)).await;
            times.push(time);
            bytes += answer.len();
        }
        report(what, times, bytes);
    }
    let mut reader = sample.readers.iter().cycle();
    drawn(&office, "one reader, the page", || format!("/staff/readers/{}", reader.next().unwrap()))
        .await;
    drawn(&office, "Today, the page", || "/staff".to_owned()).await;
    drawn(&office, "numbers of 30 days, the page", || "/staff/numbers".to_owned()).await;
    let years = "/staff/numbers?from=2023-11-24&to=2026-11-23";
    drawn(&office, "numbers of three years, the page", || years.to_owned()).await;
    for list in LISTS {
        pages(&office, list).await;
    }
    table(&office).await;
}
