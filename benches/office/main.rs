//! The back office with many readers: fills an empty database with the same data for the same seed,
//! and measures what staff ask for all day.
//!
//! `scripts/office-load` calls it; see there for the arguments.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program that measures prints, and ends when something fails"
)]

mod dice;
mod fill;
mod load;
mod measure;
mod numbers;

use std::{sync::Arc, time::Instant};

use pressgate::{
    app::AppState,
    clock::{ManualClock, Timestamp},
    config::{Config, Outside},
    ids::Ids,
};

/// When all of it takes place.
const NOW: &str = "2026-11-23T04:05:06Z";

/// How much there is.
#[derive(Debug, Clone, Copy)]
struct Size {
    readers: u64,
    subscriptions: u64,
    events: u64,
    seed: u64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments[0].clone();
    let number =
        |at: usize, default: u64| arguments.get(at).map_or(default, |text| text.parse().unwrap());
    let size = Size {
        readers: number(1, 1_000_000),
        subscriptions: number(2, 300_000),
        events: number(3, 20_000_000),
        seed: number(4, 1),
    };
    let settings =
        [("PRESSGATE__DATABASE__URL", url), ("PRESSGATE__BILLING__WORKER", "false".to_owned())];
    let env = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let config = Config::from_layers(&Outside { file: None, env }).unwrap();
    let now = Timestamp::parse(NOW).unwrap();
    let clock = Arc::new(ManualClock::at(now));
    let app = AppState::open(config, clock, Ids::system().unwrap()).await.unwrap();
    let began = Instant::now();
    let sample = fill::fill(&app, size, now).await;
    println!("{size:?} filled in {:.0} s", began.elapsed().as_secs_f64());
    measure::measure(&app, &sample, arguments.get(5).map(String::as_str)).await;
}
