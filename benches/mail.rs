//! How many mails a second leave for a relay on this machine, and how long a mail with a link to log
//! in takes among them.
//!
//! `cargo run --release --example mail -- 5000 4`: so many mails over so many connections, from a
//! SQLite file in the folder for temporary files; a third argument is another database, which must
//! be empty.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures prints, and ends when something fails"
)]

#[path = "../tests/support/relay.rs"]
mod relay;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pressgate::{
    app::AppState,
    clock::{Clock, SystemClock},
    config::{Config, Outside},
    ids::Ids,
    language::Words,
    mail::{address::Address, letter::Letter, recipient::Recipient},
};
use relay::{Relay, Rules};

const STEP: usize = 500;

/// Queues one letter to each of these addresses, in one transaction.
async fn queue(app: &AppState, clock: &dyn Clock, letter: &Letter, to: &[String]) {
    let mut tx = app.databases.main.write().await.unwrap();
    for address in to {
        let to = Recipient::new(&Address::parse(address).unwrap(), Words::default());
        let content = letter.content(&to.words);
        app.accounts.mail.enqueue(&mut tx, &to, content, clock.now()).unwrap();
    }
    tx.commit().await.unwrap();
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(5_000, |text| text.parse().unwrap());
    let connections = arguments.next().unwrap_or_else(|| "4".to_owned());
    let folder = std::env::temp_dir().join(format!("pressgate-mail-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = format!("sqlite://{}", folder.join("bench.db").display());
    let relay = Relay::start(Rules { holds: true, ..Rules::default() }).await;
    let settings = [
        ("DATABASE__URL", arguments.next().unwrap_or(file)),
        ("BILLING__WORKER", "false".to_owned()),
        ("MAIL__TRANSPORT", "smtp".to_owned()),
        ("MAIL__HOST", "127.0.0.1".to_owned()),
        ("MAIL__PORT", relay.port.to_string()),
        ("MAIL__TLS", "none".to_owned()),
        ("MAIL__CONNECTIONS", connections.clone()),
    ];
    let env = settings.map(|(key, value)| (format!("PRESSGATE__{key}"), value)).into();
    let config = Config::from_layers(&Outside { file: None, env }).unwrap();
    let clock = Arc::new(SystemClock::default());
    let app =
        AppState::open(config, Arc::clone(&clock) as _, Ids::system().unwrap()).await.unwrap();

    let addresses: Vec<String> = (0..count).map(|i| format!("reader-{i}@bench.example")).collect();
    let notice = Letter::NothingToCancel { at: clock.now() };
    for step in addresses.chunks(STEP) {
        queue(&app, &*clock, &notice, step).await;
    }
    let began = Instant::now();
    relay.release();
    until(|| relay.taken_count() >= count / 2).await;
    let asked = Instant::now();
    let login = Letter::LogIn { link: "https://pay.example/login/link?token=pgl_x".to_owned() };
    let anna = "anna@bench.example";
    queue(&app, &*clock, &login, &[anna.to_owned()]).await;
    until(|| relay.taken().iter().any(|to| to == anna)).await;
    let login_ms = asked.elapsed().as_secs_f64() * 1_000.0;
    until(|| relay.taken_count() > count).await;
    let seconds = began.elapsed().as_secs_f64();
    let sent = f64::from(u32::try_from(count).unwrap());
    println!(
        "{count} mails over {connections} connections in {seconds:.2} s: {:.0} a second",
        sent / seconds
    );
    println!("a link to log in, asked for meanwhile, was there after {login_ms:.1} ms");
    std::fs::remove_dir_all(&folder).unwrap();
}
