//! The same reads against a running service: a load, and a check of every answer.
//!
//! `expect` says what the answer must be, `client` asks, `found` counts what came back. A visitor
//! always goes to the same of several workers, so that one visitor's reads stay in order while
//! many visitors' run side by side.
//!
//! The service counts by its own clock, so all reads happen in one window, now. For windows longer
//! than the log's time that is what the log's own times would give.
mod client;
mod expect;
mod found;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use reqwest::Url;
use secrecy::SecretString;
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use self::{
    client::Client,
    expect::{Agreement, Ledger},
};
pub use found::Found;

use super::{
    ReplayArgs, ReplayError, each_read,
    input::Lines,
    sieve::{LoggedRead, Totals, VisitorKey},
};

/// Reads that wait for one worker.
const WAITING_MAX: usize = 64;
/// After so many reads without an answer, the rest is not sent: the service is down or the key
/// is wrong.
const FAILURES_MAX: u64 = 100;
/// The service takes no longer id, in characters.
const ARTICLE_ID_MAX: usize = 200;

/// Where to send the reads, and how.
#[derive(Debug, Clone)]
pub struct Load {
    client: Client,
    /// The limit that the service should have, where it was given.
    limit: Option<u32>,
    connections: u16,
}

impl Load {
    /// A load for the service at `address`.
    ///
    /// # Errors
    /// When the address takes no paths, or no client can be made.
    pub fn new(
        address: &Url,
        key: SecretString,
        limit: Option<u32>,
        connections: u16,
    ) -> Result<Self, ReplayError> {
        let client = Client::new(address, key, usize::from(connections))?;
        Ok(Self { client, limit, connections })
    }
}

/// A read on its way to a worker.
struct Sent {
    line: u64,
    visitor: VisitorKey,
    article: String,
}

/// Sends all reads of `lines` and checks the answers.
///
/// # Errors
/// When the log cannot be read. Wrong answers are no error here; see [`Found::verdict`].
pub async fn run(args: &ReplayArgs, lines: Lines, load: Load) -> Result<Found, ReplayError> {
    let agreement = Arc::new(Agreement::new(load.limit));
    let failures = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..load.connections {
        let (queue, reads) = mpsc::channel(WAITING_MAX);
        queues.push(queue);
        workers.spawn(
            Worker {
                client: load.client.clone(),
                agreement: Arc::clone(&agreement),
                failures: Arc::clone(&failures),
                visitors: HashMap::new(),
                found: Found::default(),
            }
            .work(reads),
        );
    }
    let feed = tokio::task::spawn_blocking({
        let args = args.clone();
        move || feed(&args, lines, &queues)
    });

    let mut found = Found::default();
    while let Some(worker) = workers.join_next().await {
        found.merge(worker?);
    }
    found.elapsed = started.elapsed();
    let (totals, too_long) = feed.await??;
    found.limit = agreement.limit();
    found.left_out_too_long = too_long;
    found.left_out_after_failure =
        totals.reads.saturating_sub(found.asked + found.left_out_too_long);
    found.totals = totals;
    Ok(found)
}

/// Reads the log on a thread of its own and hands every read to its visitor's worker. Returns what
/// the lines were, and how many reads have ids that the service does not take.
fn feed(
    args: &ReplayArgs,
    mut lines: Lines,
    queues: &[mpsc::Sender<Sent>],
) -> Result<(Totals, u64), ReplayError> {
    let mut sieve = args.sieve()?;
    let mut too_long = 0;
    each_read(args, &mut lines, &mut sieve, |read| {
        if read.article.chars().count() > ARTICLE_ID_MAX {
            too_long += 1;
        } else if let Some(queue) = queue_of(read, queues) {
            // A worker that is gone has given up; what it does not take is counted as left out.
            let _ = queue.blocking_send(Sent {
                line: read.line,
                visitor: read.visitor,
                article: read.article.clone().into_owned(),
            });
        }
    })?;
    Ok((sieve.totals, too_long))
}

fn queue_of<'a>(
    read: &LoggedRead<'_>,
    queues: &'a [mpsc::Sender<Sent>],
) -> Option<&'a mpsc::Sender<Sent>> {
    let place = read.visitor.0.checked_rem(queues.len() as u128)?;
    usize::try_from(place).ok().and_then(|place| queues.get(place))
}

/// Asks for one visitor after the other, and keeps what each has read.
struct Worker {
    client: Client,
    agreement: Arc<Agreement>,
    failures: Arc<AtomicU64>,
    visitors: HashMap<VisitorKey, Visitor>,
    found: Found,
}

#[derive(Default)]
struct Visitor {
    token: Option<String>,
    ledger: Ledger,
    /// A read got no answer, so nobody knows whether it was counted: the rest proves nothing.
    lost: bool,
}

impl Worker {
    async fn work(mut self, mut reads: mpsc::Receiver<Sent>) -> Found {
        while self.failures.load(Ordering::Relaxed) < FAILURES_MAX {
            let Some(read) = reads.recv().await else { break };
            self.ask(read).await;
        }
        self.found.visitors = self.visitors.len() as u64;
        self.found
    }

    async fn ask(&mut self, read: Sent) {
        let visitor = self.visitors.entry(read.visitor).or_default();
        if visitor.lost {
            return;
        }
        self.found.asked += 1;
        let asked = self.client.ask(&read.article, visitor.token.as_deref()).await;
        self.found.retries += asked.retries;
        match asked.answer {
            Ok(answer) => {
                self.found.took(asked.latency);
                let checked = visitor.ledger.check(&read.article, &answer, &self.agreement);
                self.found.compared(read.line, checked);
                visitor.token = answer.visitor.or(visitor.token.take());
            }
            Err(failure) => {
                visitor.lost = true;
                self.failures.fetch_add(1, Ordering::Relaxed);
                *self.found.failures.entry(failure).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
