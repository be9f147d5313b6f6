//! What becomes of a request's body that was refused before it was read. Whatever is left of it would be
//! taken for the next request on the connection, so it is either read to its end, within bounds, or the
//! answer says `Connection: close` (RFC 9112, section 9.6).
//!
//! A connection that is closed while the client still sends is reset by the operating system, and the
//! answer with it may be lost. So the writing side is closed first, and what still comes in is read and
//! thrown away for a moment ([`Lingering`]).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use super::body::BODY_MAX;

/// Most bytes of a refused body that are read so that its connection can be used again.
const DRAIN_MAX: usize = BODY_MAX;
/// Longest wait for them. The answer waits too.
const DRAIN_WAIT: Duration = Duration::from_millis(500);
/// Longest time, and most bytes, for which a closing connection reads what still comes in.
const LINGER_WAIT: Duration = Duration::from_secs(2);
const LINGER_MAX: usize = 16 * 1024 * 1024;

/// Where a request's body is.
#[derive(Debug)]
enum Place {
    /// With the handler.
    Held,
    /// Read to its end.
    Ended,
    /// Dropped before its end.
    Left(Incoming),
}

/// The body that a handler gets. It leaves what it did not read behind.
struct Tracked {
    body: Option<Incoming>,
    place: Arc<Mutex<Place>>,
    activity: Activity,
}

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Unread(Arc<Mutex<Place>>);

/// The body for a handler, and what will be left of it; nothing of one that is empty.
pub(super) fn track(body: Incoming, activity: &Activity) -> (Body, Option<Unread>) {
    if body.is_end_stream() {
        return (Body::empty(), None);
    }
    let place = Arc::new(Mutex::new(Place::Held));
    activity.body_is_open(true);
    let activity = activity.clone();
    let tracked = Tracked { body: Some(body), place: Arc::clone(&place), activity };
    (Body::new(tracked), Some(Unread(place)))
}

fn put(place: &Mutex<Place>, now: Place) -> Place {
    std::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), now)
}

impl hyper::body::Body for Tracked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if frame.is_none() {
            self.body = None;
            self.activity.body_is_open(false);
            put(&self.place, Place::Ended);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            let is_ended = body.is_end_stream();
            self.activity.body_is_open(false);
            put(&self.place, if is_ended { Place::Ended } else { Place::Left(body) });
        }
    }
}

impl Unread {
    /// Reads what is left, where that is little and on its way; whether the connection can be used again.
    /// `is_awaited`: the client sends it only when it is asked to go on, and so will not.
    pub(super) async fn finish(self, is_awaited: bool) -> bool {
        match put(&self.0, Place::Ended) {
            Place::Ended => true,
            Place::Held => false,
            Place::Left(body) => {
                let most = u64::try_from(DRAIN_MAX).unwrap_or(u64::MAX);
                !is_awaited
                    && body.size_hint().lower() <= most
                    && timeout(DRAIN_WAIT, drain(body)).await.unwrap_or(false)
            }
        }
    }
}

/// Whether `body` ends within the bound.
async fn drain(mut body: Incoming) -> bool {
    let mut left = DRAIN_MAX;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { return false };
        left = rest;
    }
    true
}

/// What happens on a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Something was ever received.
    used: AtomicBool,
    /// Bytes were received that belong to no answered request.
    unanswered: AtomicBool,
    /// A request is with the service.
    in_service: AtomicBool,
    /// Its body is not read to the end, and may still be.
    body_open: AtomicBool,
}

impl Activity {
    /// A request's head was read.
    pub(super) fn begin(&self) {
        self.0.in_service.store(true, Ordering::Relaxed);
    }

    /// The request is answered; `is_read`: to its end.
    pub(super) fn end(&self, is_read: bool) {
        self.0.in_service.store(false, Ordering::Relaxed);
        if is_read {
            self.0.unanswered.store(false, Ordering::Relaxed);
        }
    }

    fn received(&self, is_something: bool) {
        self.0.unanswered.store(is_something, Ordering::Relaxed);
        if is_something {
            self.0.used.store(true, Ordering::Relaxed);
        }
    }

    fn body_is_open(&self, is_open: bool) {
        self.0.body_open.store(is_open, Ordering::Relaxed);
    }

    /// Whether the next thing to happen is up to the client: it has begun a request, and not ended it.
    pub(super) fn is_receiving(&self) -> bool {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if is(&self.0.in_service) { is(&self.0.body_open) } else { is(&self.0.unanswered) }
    }

    /// Whether nothing was ever received.
    pub(super) fn is_unused(&self) -> bool {
        !self.0.used.load(Ordering::Relaxed)
    }
}

/// A connection that does not hang up on a client that is still sending.
pub(super) struct Lingering {
    stream: TcpStream,
    activity: Activity,
    /// Since it closed its writing side: when it gives up, and how many bytes it still takes.
    closing: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Lingering {
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity, closing: None }
    }

    /// Reads and throws away, until the client is done or the bounds are reached.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some((until, left)) = &mut self.closing else { return Poll::Ready(()) };
        let mut thrown_away = [0; 8 * 1024];
        while *left > 0 && until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            let length = buffer.filled().len();
            if read.is_err() || length == 0 {
                break;
            }
            *left = left.saturating_sub(length);
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.activity.received(buffer.filled().len() > before);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if !self.activity.0.unanswered.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
            self.closing = Some((Box::pin(sleep(LINGER_WAIT)), LINGER_MAX));
        }
        self.poll_linger(context).map(Ok)
    }
}
