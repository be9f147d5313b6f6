//! A plain SMTP relay inside the test: it takes mails in the order in which they come, and makes as
//! much trouble as its rules say.
#![allow(dead_code, reason = "each test crate asks it something else")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the relay does to its clients.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// After so many mails over one connection it says 421 and hangs up.
    pub(crate) per_connection_max: Option<usize>,
    /// So many connections at once; others are greeted with 421.
    pub(crate) connections_max: Option<usize>,
    /// It hangs up when it hears of a recipient that begins with this.
    pub(crate) hangs_up_on: Option<&'static str>,
    /// It takes no mail until [`Relay::release`].
    pub(crate) holds: bool,
    /// So many connections, the first ones, never get a word.
    pub(crate) silent_first: usize,
}

#[derive(Debug, Default)]
struct Seen {
    taken: Mutex<Vec<String>>,
    begun: AtomicUsize,
    connected: AtomicUsize,
    open: AtomicUsize,
}

/// A relay on a free port of this machine.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    seen: Arc<Seen>,
    takes: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let (takes, may_take) = watch::channel(!rules.holds);
        let of_clients = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (seen, may_take) = (Arc::clone(&of_clients), may_take.clone());
                tokio::spawn(async move {
                    let earlier = seen.connected.fetch_add(1, Ordering::SeqCst);
                    if earlier < rules.silent_first {
                        std::future::pending::<()>().await;
                    }
                    let others = seen.open.fetch_add(1, Ordering::SeqCst);
                    let is_full = rules.connections_max.is_some_and(|max| others >= max);
                    // A client that hangs up is none of our concern.
                    let _ = serve(client, (rules, is_full), &seen, may_take).await;
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, seen, takes, accepting }
    }

    /// From now on mails are taken.
    pub(crate) fn release(&self) {
        self.takes.send_replace(true);
    }

    /// To whom the mails were that it took, in this order.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.seen.taken.lock().unwrap().clone()
    }

    /// How many mails it took.
    pub(crate) fn taken_count(&self) -> usize {
        self.seen.taken.lock().unwrap().len()
    }

    /// How many mails were begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.seen.begun.load(Ordering::SeqCst)
    }

    /// How often it was connected to.
    pub(crate) fn connected(&self) -> usize {
        self.seen.connected.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    client: TcpStream,
    (rules, is_full): (Rules, bool),
    seen: &Seen,
    mut may_take: watch::Receiver<bool>,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    if is_full {
        return client.write_all(b"421 4.7.0 Too many connections\r\n").await;
    }
    client.write_all(b"220 relay\r\n").await?;
    let (mut line, mut to, mut served) = (String::new(), String::new(), 0);
    loop {
        line.clear();
        if client.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-relay\r\n250 8BITMIME\r\n",
            "MAIL" if rules.per_connection_max.is_some_and(|max| served >= max) => {
                return client.write_all(b"421 4.7.0 Enough for one connection\r\n").await;
            }
            "MAIL" => {
                seen.begun.fetch_add(1, Ordering::SeqCst);
                b"250 OK\r\n"
            }
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                address.clone_into(&mut to);
                if rules.hangs_up_on.is_some_and(|start| to.starts_with(start)) {
                    return Ok(());
                }
                b"250 OK\r\n"
            }
            "DATA" => {
                client.write_all(b"354 Go on\r\n").await?;
                while line != ".\r\n" {
                    line.clear();
                    if client.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                }
                let _ = may_take.wait_for(|may| *may).await;
                served += 1;
                seen.taken.lock().unwrap().push(std::mem::take(&mut to));
                b"250 OK\r\n"
            }
            "QUIT" => return client.write_all(b"221 Bye\r\n").await,
            _ => b"250 OK\r\n",
        };
        client.write_all(answer).await?;
    }
}
