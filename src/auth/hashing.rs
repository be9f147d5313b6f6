//! Hashing passwords with Argon2id: slow on purpose, so a few at a time, away from the threads that
//! answer requests, with a bounded queue before it.
//!
//! Take a [`Turn`] while holding no connection to the database: waiting for one takes a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::password_hash;
use tokio::sync::oneshot;

use super::{
    argon2id::Argon2id,
    hash_queue::{HashQueue, Ticket, TurnRequest},
    password::{Attempt, InvalidPassword, Password},
};
use crate::{
    http::problem::{ApiError, FieldError},
    ids::{Ids, NoRandomness},
};

/// How passwords are hashed, and how many at a time.
#[derive(Debug, Clone, Copy)]
pub struct HashLimits {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Hashes computed at once.
    pub threads: usize,
    /// Requests that may wait for their turn, besides those of staff.
    pub queue_max: usize,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many wait already.
    #[error("more passwords are waiting to be checked than this instance takes")]
    Busy,
    /// The text cannot be a new password.
    #[error(transparent)]
    Refused(#[from] InvalidPassword),
    /// What is stored is no hash of ours.
    #[error("a stored password hash cannot be used: {0}")]
    Stored(&'static str),
    /// The hash could not be computed; out of memory, say.
    #[error("a password could not be hashed: {0}")]
    Failed(password_hash::Error),
    /// The work was cut off, by a panic or by the end of the program.
    #[error("the hashing of a password was cut off")]
    CutOff,
    /// No salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Unavailable("overloaded", error.to_string().into()),
            HashError::Refused(rule) => {
                let error = FieldError::new("password", rule.code(), rule.to_string());
                Self::InvalidFields(vec![error])
            }
            error => Self::internal(error),
        }
    }
}

/// Whether a password is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It is not, or there is none.
    No,
    /// It is.
    Yes,
    /// It is, and its hash is weaker than what is made now: store [`Turn::rehash`] instead.
    YesButOld,
}

/// Hashes passwords. Cheap to clone; clones share their threads and their queue.
#[derive(Debug, Clone)]
pub struct Hasher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    argon2id: Argon2id,
    threads: usize,
    state: Mutex<State>,
}

/// As long as a request waits, all threads are in use.
#[derive(Debug)]
struct State {
    running: usize,
    queue: HashQueue<oneshot::Sender<Permit>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hasher {
    /// A hasher with `limits`.
    ///
    /// # Errors
    /// [`HashError`] when the limits allow no hash, or there is no randomness.
    pub fn start(limits: HashLimits, ids: Ids) -> Result<Self, HashError> {
        Ok(Self(Arc::new(Shared {
            argon2id: Argon2id::new(limits, ids)?,
            threads: limits.threads.max(1),
            state: Mutex::new(State { running: 0, queue: HashQueue::new(limits.queue_max) }),
        })))
    }

    /// Waits for a thread to be free, in the order of [`HashQueue`].
    ///
    /// # Errors
    /// [`HashError::Busy`]: at once where no place is left, or as soon as the place goes to a
    /// network that holds fewer.
    pub async fn turn(&self, request: TurnRequest) -> Result<Turn, HashError> {
        let mut place = {
            let mut state = self.0.state();
            if state.running < self.0.threads {
                state.running += 1;
                return Ok(self.turn_with(Permit(Arc::clone(&self.0))));
            }
            let (sender, granted) = oneshot::channel();
            // One that is dropped learns it from its end of the channel.
            let pushed = state.queue.push(request, sender);
            let (ticket, _dropped) = pushed.map_err(|_full| HashError::Busy)?;
            Place { shared: Arc::clone(&self.0), ticket, granted }
        };
        let permit = (&mut place.granted).await.map_err(|_dropped| HashError::Busy)?;
        Ok(self.turn_with(permit))
    }

    fn turn_with(&self, permit: Permit) -> Turn {
        Turn { hasher: self.clone(), permit: Some(permit) }
    }

    /// How many hashes were computed, those for unknown accounts included.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.0.argon2id.computed()
    }
}

/// A place in the queue, which is left when its request is given up.
struct Place {
    shared: Arc<Shared>,
    ticket: Ticket,
    granted: oneshot::Receiver<Permit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left = self.shared.state().queue.cancel(self.ticket);
    }
}

/// One of the threads. Dropped, it goes to the next who waits.
struct Permit(Arc<Shared>);

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            let next = state.queue.pop();
            if next.is_none() {
                state.running -= 1;
            }
            next
        };
        if let Some(next) = next {
            // A request that was given up meanwhile drops it here, for the next but one.
            let _unused = next.send(Self(Arc::clone(&self.0)));
        }
    }
}

/// The right to use one thread. The work keeps it to its end, even when nobody waits for the
/// outcome any more: a request that is given up frees nothing early.
#[derive(Debug)]
pub struct Turn {
    hasher: Hasher,
    /// `None` while work runs, and for good when its caller gave up on it.
    permit: Option<Permit>,
}

impl Turn {
    /// [`Password::parse`], off the threads that answer requests.
    ///
    /// # Errors
    /// [`HashError::Refused`], or [`HashError::CutOff`].
    pub async fn parse(&mut self, text: &str, forbidden: &[&str]) -> Result<Password, HashError> {
        // A text of any length was read already; only one that can be a password is copied.
        let text = Password::attempt(text).ok_or(InvalidPassword::TooLong)?;
        let forbidden: Vec<String> = forbidden.iter().map(|&word| word.to_owned()).collect();
        let parsed = self.work(move |_| {
            let forbidden: Vec<&str> = forbidden.iter().map(String::as_str).collect();
            Password::parse(text.expose(), &forbidden)
        });
        Ok(parsed.await??)
    }

    /// A hash to store: a PHC string.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&mut self, password: &Password) -> Result<String, HashError> {
        let password = password.clone();
        self.work(move |argon2id| argon2id.hash(password.expose())).await?
    }

    /// A hash to store in place of an old one, of the password that was just verified.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn rehash(&mut self, verified: &Attempt) -> Result<String, HashError> {
        let verified = verified.clone();
        self.work(move |argon2id| argon2id.hash(verified.expose())).await?
    }

    /// Whether `attempt` is the password whose hash is `stored`. `None`, for an account that does
    /// not exist or has no password, takes the same work and is never right.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(
        &mut self,
        attempt: &Attempt,
        stored: Option<&str>,
    ) -> Result<Verified, HashError> {
        let (attempt, stored) = (attempt.clone(), stored.map(str::to_owned));
        self.work(move |argon2id| argon2id.verify(attempt.expose(), stored.as_deref())).await?
    }

    async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Argon2id) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let permit = self.permit.take().ok_or(HashError::CutOff)?;
        let shared = Arc::clone(&self.hasher.0);
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&shared.argon2id);
            (done, permit)
        });
        let (done, permit) = working.await.map_err(|_| HashError::CutOff)?;
        self.permit = Some(permit);
        Ok(done)
    }
}

#[cfg(test)]
#[path = "hashing_tests.rs"]
mod tests;
