//! The one place that admits requests.
//!
//! A request that is worked on has one of a fixed number of places, by [`shares`](super::shares). While its
//! body is still on its way it has none of them: it waits in a room of its own, which bounds the
//! memory for unfinished bodies, and comes back for a place when it is whole. A body must keep a pace,
//! so a slow client costs nothing but its own time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::shares::{ShareRule, Shares, Tenant};

/// Longest time for a body, and how long one may say nothing at the beginning.
const BODY_MAX_WAIT: Duration = Duration::from_secs(5);
const BODY_FIRST_WAIT: Duration = Duration::from_secs(2);
/// Bytes a second that a body must keep up on average; each earns it time, up to the longest.
const BODY_RATE: u32 = 16 * 1024;

/// Sites' traffic comes through few servers of theirs, so one site may use nearly everything while no other
/// needs it. One network is one reader, or one household.
const SITE_FACTOR: usize = 8;
const NETWORK_FACTOR: usize = 2;
/// The part of the places that only sites have.
const FOR_SITES: usize = 4;

/// Places that are handed out.
#[derive(Debug)]
pub(super) struct Room(Mutex<Shares>);

/// One place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    tenant: Option<Tenant>,
}

impl Room {
    pub(super) fn new(rule: ShareRule) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Shares::new(rule))))
    }

    pub(super) fn enter(self: &Arc<Self>, tenant: Option<Tenant>) -> Option<Place> {
        locked(&self.0).take(tenant).then(|| Place { room: Arc::clone(self), tenant })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.room.0).give_back(self.tenant);
    }
}

/// Both rooms of the edge.
#[derive(Debug)]
pub(super) struct Admission {
    working: Arc<Room>,
    receiving: Arc<Room>,
}

impl Admission {
    /// Room for so many requests that are worked on, and as many whose bodies are on their way.
    pub(super) fn new(requests_max: usize) -> Self {
        let rule = ShareRule {
            places: requests_max,
            for_sites: requests_max / FOR_SITES,
            site_factor: SITE_FACTOR,
            network_factor: NETWORK_FACTOR,
        };
        Self { working: Room::new(rule), receiving: Room::new(rule) }
    }

    /// Admits a request of `tenant`.
    pub(super) fn enter(&self, tenant: Option<Tenant>) -> Option<Place> {
        self.working.enter(tenant)
    }
}

/// Why a request that was admitted is not carried on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Given {
    /// Its body came too slowly.
    #[error("the body came too slowly")]
    Late,
    /// When its body was there, or had to be waited for, no place was free.
    #[error("more requests are in flight than this instance takes")]
    Up,
}

#[derive(Debug)]
enum State {
    Working { _place: Place },
    Receiving { _place: Place },
    Given(Given),
}

/// A request's way through the rooms; shared by its handler and its body.
#[derive(Debug)]
pub(super) struct Turn {
    admission: Arc<Admission>,
    tenant: Option<Tenant>,
    state: Mutex<State>,
}

impl Turn {
    pub(super) fn new(admission: &Arc<Admission>, place: Place) -> Arc<Self> {
        let tenant = place.tenant;
        let state = Mutex::new(State::Working { _place: place });
        Arc::new(Self { admission: Arc::clone(admission), tenant, state })
    }

    /// Why the request was given up, if it was.
    pub(super) fn given_up(&self) -> Option<Given> {
        match &*locked(&self.state) {
            State::Given(given) => Some(*given),
            State::Working { .. } | State::Receiving { .. } => None,
        }
    }

    /// The body is not whole: the place goes to others meanwhile.
    fn step_out(&self) -> Result<(), Given> {
        self.step(|state| match state {
            State::Working { .. } => {
                let place = self.admission.receiving.enter(self.tenant);
                place.map_or(State::Given(Given::Up), |place| State::Receiving { _place: place })
            }
            other => other,
        })
    }

    /// The body is whole.
    fn step_in(&self) -> Result<(), Given> {
        self.step(|state| match state {
            State::Receiving { .. } => {
                let place = self.admission.working.enter(self.tenant);
                place.map_or(State::Given(Given::Up), |place| State::Working { _place: place })
            }
            other => other,
        })
    }

    fn give_up(&self, given: Given) {
        *locked(&self.state) = State::Given(given);
    }

    fn step(&self, next: impl FnOnce(State) -> State) -> Result<(), Given> {
        let mut state = locked(&self.state);
        *state = next(std::mem::replace(&mut *state, State::Given(Given::Up)));
        match &*state {
            State::Given(given) => Err(*given),
            State::Working { .. } | State::Receiving { .. } => Ok(()),
        }
    }
}

/// A body that steps out while it is waited for. Where it is there at once it costs nothing.
pub(super) struct Paced {
    body: Body,
    turn: Arc<Turn>,
    received: usize,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Paced {
    pub(super) fn wrap(body: Body, turn: &Arc<Turn>) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Self { body, turn: Arc::clone(turn), received: 0, waiting: None })
    }

    /// Waits for more, unless that took too long already.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Result<(), Given> {
        if self.waiting.is_none() {
            self.turn.step_out()?;
            let start = Instant::now();
            self.waiting = Some((start, Box::pin(sleep_until(deadline(start, self.received)))));
        }
        let is_late =
            self.waiting.as_mut().is_some_and(|(_, it)| it.as_mut().poll(context).is_ready());
        if is_late {
            self.turn.give_up(Given::Late);
            return Err(Given::Late);
        }
        Ok(())
    }

    fn note(&mut self, frame: &Frame<Bytes>) {
        self.received += frame.data_ref().map_or(0, Bytes::len);
        if let Some((start, sleep)) = &mut self.waiting {
            sleep.as_mut().reset(deadline(*start, self.received));
        }
    }
}

/// Until when a body must have brought more than `received` bytes.
fn deadline(start: Instant, received: usize) -> Instant {
    let earned = Duration::from_secs(1) * u32::try_from(received).unwrap_or(u32::MAX) / BODY_RATE;
    start + (BODY_FIRST_WAIT + earned).min(BODY_MAX_WAIT)
}

impl hyper::body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let paced = match &polled {
            Poll::Pending => self.poll_wait(context),
            Poll::Ready(None) => self.turn.step_in(),
            Poll::Ready(Some(Err(_))) => Ok(()),
            Poll::Ready(Some(Ok(frame))) => {
                self.note(frame);
                if self.body.is_end_stream() { self.turn.step_in() } else { Ok(()) }
            }
        };
        match paced {
            Ok(()) => polled,
            Err(given) => Poll::Ready(Some(Err(axum::Error::new(given)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_earns_its_time() {
        let start = Instant::now();
        for (received, millis) in
            [(0, 2_000), (1, 2_000), (16 * 1024, 3_000), (48 * 1024, 5_000), (1 << 20, 5_000)]
        {
            let wait = deadline(start, received).duration_since(start).as_millis();
            assert_eq!(wait, millis, "{received}");
        }
        assert_eq!(deadline(start, usize::MAX), start + BODY_MAX_WAIT);
    }

    #[tokio::test]
    async fn a_request_has_no_place_while_its_body_is_on_its_way() {
        let admission = Arc::new(Admission::new(1));
        let turn = Turn::new(&admission, admission.enter(None).unwrap());
        assert!(admission.enter(None).is_none());
        assert_eq!(turn.step_out(), Ok(()));
        let other = admission.enter(None).unwrap();
        assert_eq!(turn.step_in(), Err(Given::Up), "the place went to another");
        assert_eq!(turn.given_up(), Some(Given::Up));
        drop(other);
        let turn = Turn::new(&admission, admission.enter(None).unwrap());
        assert_eq!((turn.step_out(), turn.step_in()), (Ok(()), Ok(())));
        assert!(admission.enter(None).is_none());
        drop(turn);
        assert!(admission.enter(None).is_some());
    }
}
