//! A refund that waits for a second person. Pure.

use time::Duration;
use uuid::Uuid;

use crate::{clock::Timestamp, money::Money};

/// For how long one waits; then nothing comes of it any more.
pub const LASTS: Duration = Duration::days(7);

/// Money of an invoice that somebody of staff wants to give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: Uuid,
    /// Of which subscription.
    pub subscription: Uuid,
    /// Whose.
    pub reader: Uuid,
    /// Of which invoice.
    pub invoice: Uuid,
    /// How much; above zero.
    pub amount: Money,
    /// Whether the subscription ends at once, too.
    pub cancels: bool,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub requested_by: Uuid,
    /// When.
    pub requested_at: Timestamp,
    /// What came of it.
    pub stands: Stands,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// It waits.
    Waiting,
    /// The second person agreed, and the money goes back.
    Approved(Decision),
    /// The second person did not.
    Declined(Decision),
    /// Nobody decided in time.
    Expired,
}

impl Stands {
    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved(_) => "approved",
            Self::Declined(_) => "declined",
            Self::Expired => "expired",
        }
    }

    /// Who decided, if anybody did.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Approved(decision) | Self::Declined(decision) => Some(decision),
            Self::Waiting | Self::Expired => None,
        }
    }
}

/// The word of the second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who; never whoever asked.
    pub by: Uuid,
    /// When.
    pub at: Timestamp,
    /// Why; may be empty.
    pub reason: String,
}

/// What the second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The money goes back.
    Approve,
    /// It does not.
    Decline,
}

/// Why a request was not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// By whoever asked.
    #[error("somebody else must decide this: nobody is their own second person")]
    Own,
    /// It was decided the other way.
    #[error("this was decided already, in the other way")]
    Decided,
    /// Too late.
    #[error("this waited for more than 7 days; ask again")]
    Expired,
}

impl Request {
    /// From then on it is too late to decide.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.requested_at.plus(LASTS)
    }

    /// How it stands at `now`: what has waited for too long is over, also where nobody has written
    /// that down.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        let is_over = self.stands == Stands::Waiting && now >= self.expires_at();
        if is_over { Self { stands: Stands::Expired, ..self } } else { self }
    }

    /// Whether `other` asks for the very same.
    #[must_use]
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let what = |it: &Self| (it.requested_by, it.invoice, it.amount, it.cancels);
        self.subscription == other.subscription && what(self) == what(other)
    }

    /// Decides it. Says, too, whether that is new: twice is once.
    ///
    /// # Errors
    /// [`Undecided`].
    pub fn decide(self, answer: Answer, word: Decision) -> Result<(Self, bool), Undecided> {
        if word.by == self.requested_by {
            return Err(Undecided::Own);
        }
        let now = self.as_of(word.at);
        let stands = match (&now.stands, answer) {
            (Stands::Approved(_), Answer::Approve) | (Stands::Declined(_), Answer::Decline) => {
                return Ok((now, false));
            }
            (Stands::Approved(_) | Stands::Declined(_), _) => return Err(Undecided::Decided),
            (Stands::Expired, _) => return Err(Undecided::Expired),
            (Stands::Waiting, Answer::Approve) => Stands::Approved(word),
            (Stands::Waiting, Answer::Decline) => Stands::Declined(word),
        };
        Ok((Self { stands, ..now }, true))
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;

    const ANNA: Uuid = Uuid::from_u128(1);
    const BERT: Uuid = Uuid::from_u128(2);

    fn asked() -> Timestamp {
        Timestamp::parse("2026-11-23T04:05:06Z").unwrap()
    }

    fn waiting() -> Request {
        Request {
            id: Uuid::nil(),
            subscription: Uuid::nil(),
            reader: Uuid::nil(),
            invoice: Uuid::nil(),
            amount: Money { amount: 5_001, currency: Currency::USD },
            cancels: false,
            reason: "a mistake of ours".to_owned(),
            requested_by: ANNA,
            requested_at: asked(),
            stands: Stands::Waiting,
        }
    }

    fn word(by: Uuid, after: Duration) -> Decision {
        Decision { by, at: asked().plus(after), reason: String::new() }
    }

    #[test]
    fn the_whole_table() {
        use Answer::{Approve, Decline};
        let day = Duration::days(1);
        let stood = |answer| waiting().decide(answer, word(BERT, day)).unwrap().0;
        let last = LASTS - Duration::microseconds(1);
        for (request, answer, by, after, expected) in [
            (waiting(), Approve, BERT, day, Ok(("approved", true))),
            (waiting(), Decline, BERT, day, Ok(("declined", true))),
            (waiting(), Approve, ANNA, day, Err(Undecided::Own)),
            (waiting(), Decline, ANNA, day, Err(Undecided::Own)),
            (waiting(), Approve, BERT, last, Ok(("approved", true))),
            (waiting(), Approve, BERT, LASTS, Err(Undecided::Expired)),
            (waiting(), Decline, BERT, LASTS, Err(Undecided::Expired)),
            (stood(Approve), Approve, BERT, day, Ok(("approved", false))),
            (stood(Approve), Approve, BERT, LASTS * 2, Ok(("approved", false))),
            (stood(Approve), Decline, BERT, day, Err(Undecided::Decided)),
            (stood(Decline), Decline, BERT, day, Ok(("declined", false))),
            (stood(Decline), Approve, BERT, day, Err(Undecided::Decided)),
            (stood(Decline), Approve, ANNA, day, Err(Undecided::Own)),
        ] {
            let case = format!("{request:?} {answer:?} {by} {after}");
            let decided = request.decide(answer, word(by, after));
            let decided = decided.map(|(request, is_new)| (request.stands.as_str(), is_new));
            assert_eq!(decided, expected, "{case}");
        }
    }

    #[test]
    fn the_same_is_asked_by_the_same_person_for_the_same_money() {
        let one = waiting();
        assert!(one.asks_the_same(&Request { id: BERT, reason: "again".into(), ..waiting() }));
        for other in [
            Request { requested_by: BERT, ..waiting() },
            Request { invoice: BERT, ..waiting() },
            Request { cancels: true, ..waiting() },
            Request { subscription: BERT, ..waiting() },
            Request { amount: Money { amount: 1, ..one.amount }, ..waiting() },
        ] {
            assert!(!one.asks_the_same(&other), "{other:?}");
        }
    }
}
