//! Writing lines on a thread of their own. A full pipe, a full disk or a reader that is gone costs
//! lines, which are counted, and never a request's time.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait to be written.
const LINES_MAX: usize = 8_192;
/// Most bytes that wait to be written.
const BYTES_MAX: usize = 4 * 1024 * 1024;

enum Job {
    Write(Vec<u8>),
    /// Answers once everything before it is written.
    Flush(SyncSender<()>),
}

/// Takes whole lines. Clones share one queue.
#[derive(Clone)]
pub(super) struct LineWriter {
    queue: SyncSender<Job>,
    waiting_bytes: Arc<AtomicUsize>,
    dropped: Counter,
}

/// Standard error without the lock of [`io::stderr`], which a writer that waits would hold against
/// everything else that prints there.
pub(super) fn standard_error() -> io::Result<File> {
    io::stderr().as_fd().try_clone_to_owned().map(File::from)
}

impl LineWriter {
    /// Starts the thread that writes to `out`. It ends with the process, or with the last clone.
    pub(super) fn start(out: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(LINES_MAX);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let writing = (Arc::clone(&waiting_bytes), dropped.clone());
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&jobs, out, &writing.0, &writing.1))?;
        Ok(Self { queue, waiting_bytes, dropped })
    }

    /// Waits until everything before is written, or `at_most`.
    pub(super) fn flush(&self, at_most: Duration) {
        let (done, written) = sync_channel(1);
        // Where the queue is full there is nothing to wait for.
        if self.queue.try_send(Job::Flush(done)).is_ok() {
            let _ = written.recv_timeout(at_most);
        }
    }
}

fn write_all(
    jobs: &Receiver<Job>,
    mut out: impl Write,
    waiting_bytes: &AtomicUsize,
    dropped: &Counter,
) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Write(line) => {
                if out.write_all(&line).is_err() {
                    dropped.inc();
                }
                waiting_bytes.fetch_sub(line.len(), Ordering::Relaxed);
            }
            Job::Flush(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}

impl Write for LineWriter {
    /// Takes a whole line, or drops it. Never fails: who logs cannot help it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let before = self.waiting_bytes.fetch_add(line.len(), Ordering::Relaxed);
        let has_room = before.saturating_add(line.len()) <= BYTES_MAX;
        if !has_room || self.queue.try_send(Job::Write(line.to_vec())).is_err() {
            self.waiting_bytes.fetch_sub(line.len(), Ordering::Relaxed);
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LineWriter {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// Writes once for each permission, and fails where it says so.
    struct Gated {
        allowed: mpsc::Receiver<bool>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.allowed.recv() {
                Ok(true) => self.written.lock().unwrap().write(bytes),
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (LineWriter, mpsc::Sender<bool>, Arc<Mutex<Vec<u8>>>) {
        let (allow, allowed) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let out = Gated { allowed, written: Arc::clone(&written) };
        (LineWriter::start(out, Counter::default()).unwrap(), allow, written)
    }

    #[test]
    fn a_stalled_reader_costs_lines_beyond_the_bound_and_no_time() {
        let (mut writer, allow, written) = gated();
        let line = vec![b'x'; 1_024];
        // Nothing is read: more than the queue holds is dropped, and nothing waits.
        for _ in 0..BYTES_MAX / line.len() + 100 {
            writer.write_all(&line).unwrap();
        }
        assert_eq!(writer.dropped.get(), 100);
        writer.flush(Duration::from_millis(1));
        assert!(written.lock().unwrap().is_empty());
        // It reads on: what was kept arrives, and there is room again.
        for _ in 0..=BYTES_MAX / line.len() {
            allow.send(true).unwrap();
        }
        writer.flush(Duration::from_secs(20));
        assert_eq!(written.lock().unwrap().len(), BYTES_MAX);
        writer.write_all(b"again").unwrap();
        writer.flush(Duration::from_secs(20));
        assert!(written.lock().unwrap().ends_with(b"again"));
        assert_eq!(writer.dropped.get(), 100);
    }

    #[test]
    fn a_reader_that_is_gone_costs_lines_and_nothing_else() {
        let (mut writer, allow, written) = gated();
        for is_there in [false, false, true] {
            allow.send(is_there).unwrap();
            writer.write_all(b"line\n").unwrap();
        }
        writer.flush(Duration::from_secs(20));
        assert_eq!(writer.dropped.get(), 2);
        assert_eq!(*written.lock().unwrap(), b"line\n");
    }
}
