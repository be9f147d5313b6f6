//! What is written down of a decision, and which decisions are the same. Pure.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::code::SupportCode;
use crate::{
    access::decision::{ArticleAccess, Decision, Reason},
    auth::seal::MasterKey,
    billing::access::Standing,
    clock::Timestamp,
    metering::tally::{Fingerprint, Reading},
};

/// The same decision that counts nothing is one within this many seconds.
const SAME_SECS: i64 = 600;

/// The rule of the site's policy that applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its place in the policy, from 0.
    pub place: usize,
    /// In words, as it was then.
    pub text: Arc<str>,
    /// Where its reads count.
    pub pool: Arc<str>,
}

/// A decision on its way into the log.
#[derive(Debug, Clone)]
pub struct Decided {
    /// On which site.
    pub site: Box<str>,
    /// When.
    pub at: Timestamp,
    /// The browser that asked.
    pub visitor: Uuid,
    /// The reader who was logged in there, and what the reader had.
    pub reader: Option<(Uuid, Arc<Standing>)>,
    /// Which article, in a word that tells nobody.
    pub article: Fingerprint,
    /// How the site said it may be read.
    pub access: ArticleAccess,
    /// What was decided.
    pub reason: Reason,
    /// By which rule.
    pub rule: Option<Rule>,
    /// What the meter said, where it was asked.
    pub reading: Option<Reading>,
}

/// Whether a decision is worth a row. One that lets a reader read again is, where it may have
/// brought the reader's reads to another browser: without it the log would not know that browser's
/// count.
#[must_use]
pub fn is_kept(reason: Reason, is_reader: bool) -> bool {
    match reason {
        Reason::Metered => true,
        Reason::AlreadyRead => is_reader,
        reason => reason.decision() == Decision::Deny,
    }
}

impl Decided {
    /// What two decisions have in common that are one row: the same facts about the same people,
    /// within some minutes unless it is counted. A read is counted once, and so is itself.
    fn sameness(&self, state: &mut impl Hasher) {
        self.site.hash(state);
        self.visitor.hash(state);
        self.reader.as_ref().map(|(reader, _)| reader).hash(state);
        self.reason.as_str().hash(state);
        let count = self.reading.map(|it| (it.limit, it.used, it.resets_at));
        count.hash(state);
        self.rule.as_ref().map(|rule| &rule.pool).hash(state);
        let minutes = self.at.unix_seconds().div_euclid(SAME_SECS);
        match self.reason {
            Reason::Metered => (self.article, self.at.micros()).hash(state),
            // Which article was read again says nothing about the count.
            Reason::AlreadyRead => minutes.hash(state),
            _ => (self.article, minutes).hash(state),
        }
    }

    /// The same for those that are the same; cheap, and for this process only.
    #[must_use]
    pub fn likeness(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.sameness(&mut hasher);
        hasher.finish()
    }
}

/// Makes support codes.
#[derive(Debug, Clone)]
pub struct CodeKey(hmac::Key);

impl CodeKey {
    /// The key that belongs to `master`.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("support codes"))
    }

    /// The code of a decision: every process makes the same one of the same facts.
    #[must_use]
    pub fn code(&self, decided: &Decided) -> SupportCode {
        let mut text = Text(hmac::Context::with_key(&self.0));
        decided.sameness(&mut text);
        let tag = text.0.sign();
        let mut hash = [0; 8];
        hash.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        SupportCode::of_hash(hash)
    }
}

/// Hands what is hashed to the keyed hash.
struct Text(hmac::Context);

impl Hasher for Text {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::metering::tally::Verdict;

    fn wall() -> Decided {
        let at = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        Decided {
            site: "demo".into(),
            at,
            visitor: Uuid::from_u128(1),
            reader: None,
            article: Fingerprint::of("demo", "bread"),
            access: ArticleAccess::Metered,
            reason: Reason::MeterExhausted,
            rule: Some(Rule { place: 0, text: "everyone".into(), pool: "site/demo".into() }),
            reading: Some(Reading {
                verdict: Verdict::Exhausted,
                limit: 1,
                used: 1,
                resets_at: Some(at.plus(Duration::days(30))),
            }),
        }
    }

    #[test]
    fn a_wall_met_again_within_minutes_is_one_and_any_other_fact_makes_another() {
        let key = CodeKey(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let one = wall();
        let again = Decided { at: one.at.plus(Duration::minutes(3)), ..wall() };
        assert_eq!((key.code(&one), one.likeness()), (key.code(&again), again.likeness()));
        let reading = one.reading.map(|it| Reading { used: 2, ..it });
        for other in [
            Decided { at: one.at.plus(Duration::minutes(10)), ..wall() },
            Decided { article: Fingerprint::of("demo", "salt"), ..wall() },
            Decided { visitor: Uuid::from_u128(2), ..wall() },
            Decided { reader: Some((Uuid::from_u128(3), Arc::default())), ..wall() },
            Decided { site: "other".into(), ..wall() },
            Decided { reason: Reason::SubscriptionRequired, ..wall() },
            Decided { reading, ..wall() },
        ] {
            assert_ne!(key.code(&one), key.code(&other), "{other:?}");
            assert_ne!(one.likeness(), other.likeness(), "{other:?}");
        }
        let other_key = CodeKey(hmac::Key::new(hmac::HMAC_SHA256, b"another"));
        assert_ne!(key.code(&one), other_key.code(&one));
    }

    #[test]
    fn what_is_read_again_alone_or_paid_for_is_not_kept() {
        for reason in Reason::ALL {
            let alone = matches!(
                reason,
                Reason::Metered
                    | Reason::MeterExhausted
                    | Reason::SubscriptionRequired
                    | Reason::MeterUnavailable
            );
            assert_eq!(is_kept(reason, false), alone, "{reason:?}");
            assert_eq!(is_kept(reason, true), alone || reason == Reason::AlreadyRead);
        }
    }
}
