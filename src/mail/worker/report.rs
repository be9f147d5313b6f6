//! What becomes of a mail after it was tried. Pure.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    mail::{
        outbox::{ClaimedMail, RETRIES},
        smtp::SendError,
    },
};

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server has it.
    Sent,
    /// It is tried again then.
    Retry(Timestamp),
    /// It is due as before; this does not count as an attempt.
    Released,
    /// It is given up.
    Dead,
}

/// The fate of one claimed mail, to be written to the outbox.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) id: Uuid,
    /// Names the claim: another sender may have claimed the mail since.
    pub(super) leased_until: Timestamp,
    pub(super) attempt: i64,
    pub(super) fate: Fate,
    /// The reason; empty for a mail that was sent.
    pub(super) reason: String,
}

impl Report {
    /// The fate of `claimed`, which was tried at `now` over a connection on which the server
    /// `has_answered` for other mails.
    pub(super) fn new(
        claimed: &ClaimedMail,
        outcome: &Result<(), SendError>,
        has_answered: bool,
        now: Timestamp,
    ) -> Self {
        let attempt = claimed.mail.attempts;
        let (fate, reason) = match outcome {
            Ok(()) => (Fate::Sent, String::new()),
            Err(error) => (fate(error, (attempt, has_answered), now), error.to_string()),
        };
        Self { id: claimed.mail.id, leased_until: claimed.leased_until, attempt, fate, reason }
    }
}

/// A server that ends a connection after other mails has had enough of them for now, so the mail
/// was not at fault. One that ends it at the first mail may dislike that mail.
fn fate(error: &SendError, (attempt, has_answered): (i64, bool), now: Timestamp) -> Fate {
    let earlier_attempts = usize::try_from(attempt.saturating_sub(1)).unwrap_or(0);
    match error {
        SendError::Server(_) => Fate::Released,
        SendError::Closed(_) if has_answered => Fate::Released,
        SendError::Refused(_) => Fate::Dead,
        SendError::Closed(_) | SendError::Later(_) | SendError::NoAnswer(_) => {
            RETRIES.get(earlier_attempts).map_or(Fate::Dead, |wait| Fate::Retry(now.plus(*wait)))
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_mail_waits_longer_each_time_and_is_then_given_up() {
        let now = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let later = SendError::Later("the server said 451".to_owned());
        let waits = [1, 5, 30, 120, 360, 1_440].map(Duration::minutes);
        for (attempt, wait) in (1..).zip(waits) {
            assert_eq!(fate(&later, (attempt, true), now), Fate::Retry(now.plus(wait)));
        }
        assert_eq!(fate(&later, (7, true), now), Fate::Dead);
    }

    #[test]
    fn a_mail_pays_only_for_what_may_be_its_own_fault() {
        let now = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let retry = Fate::Retry(now.plus(Duration::minutes(1)));
        let why = || "why".to_owned();
        for (error, on_first, on_later) in [
            (SendError::Server(why()), Fate::Released, Fate::Released),
            (SendError::Closed(why()), retry, Fate::Released),
            (SendError::NoAnswer(why()), retry, retry),
            (SendError::Later(why()), retry, retry),
            (SendError::Refused(why()), Fate::Dead, Fate::Dead),
        ] {
            assert_eq!(fate(&error, (1, false), now), on_first, "{error:?}");
            assert_eq!(fate(&error, (1, true), now), on_later, "{error:?}");
        }
    }
}
