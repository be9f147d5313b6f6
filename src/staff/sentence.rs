//! Sentences about decisions, in the words and by the calendar of the office. Pure.

use crate::{
    access::{
        decision::{Decision, Reason},
        step::{Part, Step},
    },
    language::Words,
};

/// A piece of a sentence.
pub(super) struct Piece {
    pub(super) text: String,
    /// The same for programs, where it is an instant.
    pub(super) instant: Option<String>,
}

/// A sentence.
pub(super) type Sentence = Vec<Piece>;

/// What was decided.
#[must_use]
pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "opened",
        Decision::Deny => "walled",
    }
}

/// Why, to stand after "because".
fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::FreeArticle => "the article is free for all",
        Reason::Metered => "it is one of the free articles",
        Reason::AlreadyRead => "it was read before",
        Reason::Subscriber => "the reader's subscription is paid",
        Reason::Trial => "the reader is in the free trial",
        Reason::GracePeriod => "a payment is late, and the reader still reads for a while",
        Reason::Complimentary => "the publisher gave the reader access",
        Reason::MeterExhausted => "the free articles are used up",
        Reason::SubscriptionRequired => "only subscribers may read it",
        Reason::MeterUnavailable => "reads could not be counted",
    }
}

/// Steps as people read them.
#[must_use]
pub(super) fn sentences(steps: &[Step], words: &Words) -> Vec<Sentence> {
    let sentence = |step: &Step| step.parts().iter().map(|part| piece(part, words)).collect();
    steps.iter().map(sentence).collect()
}

fn piece(part: &Part, words: &Words) -> Piece {
    let text = match part {
        Part::Text(text) => text.clone().into_owned(),
        Part::At(at) => {
            return Piece { text: words.moment(*at), instant: Some(at.to_string()) };
        }
        Part::Meter(pool) => match pool.split_once('/') {
            Some(("site", site)) => format!("the meter of {site}"),
            Some(("pool", shared)) => format!("the shared meter {shared}"),
            _ => pool.clone(),
        },
        Part::Outcome(why) => format!("{}, because {}", decision(why.decision()), reason(*why)),
    };
    Piece { text, instant: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn every_part_is_plain_and_instants_are_exact_too() {
        let at = Timestamp::parse("2026-12-23T04:05:06Z").unwrap();
        for (part, text, instant) in [
            (Part::Text("as it is".into()), "as it is", None),
            (Part::At(at), "23 December 2026 at 04:05:06 UTC", Some("2026-12-23T04:05:06Z")),
            (Part::Meter("site/demo".to_owned()), "the meter of demo", None),
            (Part::Meter("pool/science".to_owned()), "the shared meter science", None),
            (
                Part::Outcome(Reason::MeterExhausted),
                "walled, because the free articles are used up",
                None,
            ),
            (
                Part::Outcome(Reason::Metered),
                "opened, because it is one of the free articles",
                None,
            ),
        ] {
            let said = piece(&part, &Words::default());
            assert_eq!((said.text.as_str(), said.instant.as_deref()), (text, instant));
        }
        for why in Reason::ALL {
            assert!(!reason(why).contains('_'), "{why:?}");
        }
    }
}
