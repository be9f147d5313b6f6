//! `docs/events.md` shows every event as it is, and no other.

use std::collections::{BTreeMap, BTreeSet};

use iso_currency::Currency;
use serde_json::Value;
use uuid::Uuid;

use super::{
    event::{Actor, Event, VERSION},
    subscription::{
        model::{EndReason, Purpose},
        tests::active,
    },
    timeline::envelope,
};
use crate::{clock::Timestamp, money::Money};

const MANUAL: &str = include_str!("../../docs/events.md");
const SOURCE: &str = include_str!("event.rs");

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

/// One of each, as the manual's examples; of those with a field that may be left out, both.
fn samples() -> Vec<Event> {
    let trial_end = at("2026-12-23T04:05:06Z");
    let scheduled = |reason, comment: Option<&str>| Event::CancelScheduled {
        at: trial_end,
        reason,
        comment: comment.map(str::to_owned),
    };
    let (monthly, annual) = (|| "monthly".to_owned(), || "annual".to_owned());
    vec![
        Event::Created { expires_at: at("2026-11-24T03:05:06Z") },
        Event::TrialStarted { until: trial_end },
        Event::TrialRepeated,
        Event::Activated { amount: usd(1_990) },
        Event::Renewed { amount: usd(290), after_trial: false, switched_from: None },
        Event::Renewed { amount: usd(290), after_trial: true, switched_from: None },
        Event::Renewed { amount: usd(290), after_trial: false, switched_from: Some(annual()) },
        Event::PaymentFailed { hard: false, purpose: Purpose::Renewal },
        Event::ConfirmationWanted { purpose: Purpose::Start },
        Event::Recovered { amount: usd(290) },
        scheduled(EndReason::CanceledByReader, Some("too dear")),
        scheduled(EndReason::CanceledByStaff, None),
        Event::CancelRevoked,
        Event::Switched { from: monthly(), to: annual(), credit: Some(usd(145)) },
        Event::Switched { from: monthly(), to: annual(), credit: None },
        Event::SwitchScheduled { from: annual(), to: monthly(), at: at("2027-11-23T04:05:06Z") },
        Event::SwitchRevoked,
        Event::PriceChanged { from: usd(290), to: usd(350) },
        Event::Paused { credit: Some(usd(145)) },
        Event::Paused { credit: None },
        Event::Unpaused { amount: usd(290) },
        Event::Commented { comment: "I moved away.".to_owned() },
        Event::Extended { days: 7, until: at("2026-12-30T04:05:06Z") },
        Event::PaymentMethodChanged { last4: "4242".to_owned() },
        Event::Refunded { amount: usd(290), reason: "withdrawal".to_owned() },
        Event::RefundSettled { amount: usd(290), reason: "the card is gone".to_owned() },
        Event::RefundPaidOut { amount: usd(290), reason: "by transfer".to_owned() },
        Event::NoticeSent { notice: "trial_ending" },
        Event::Ended { at: at("2027-01-06T04:05:06Z"), reason: EndReason::PaymentFailed },
    ]
}

/// The examples below each heading of an event.
fn examples() -> BTreeMap<String, Vec<Value>> {
    let chapters = MANUAL.split("\n### ").skip(1).map(|chapter| {
        let (heading, rest) = chapter.split_once('\n').unwrap();
        let blocks = rest.split("```json\n").skip(1).map(|block| block.split("```").next());
        let examples = blocks.map(|json| serde_json::from_str(json.unwrap()).unwrap());
        (heading.to_owned(), examples.collect())
    });
    chapters.collect()
}

#[test]
fn the_manual_shows_every_event_with_its_version_and_fields() {
    let mut expected: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in samples() {
        let heading = format!("{} (version {VERSION})", event.kind());
        expected.entry(heading).or_default().push(event.detail());
    }
    assert_eq!(examples(), expected);
}

/// A new event is in `samples`, and so in the manual.
#[test]
fn no_event_is_missing_here() {
    let named = SOURCE.split("\"subscription.").skip(1).map(|rest| rest.split('"').next().unwrap());
    let named: BTreeSet<String> = named.map(|name| format!("subscription.{name}")).collect();
    let shown: BTreeSet<String> = samples().iter().map(|event| event.kind().to_owned()).collect();
    assert_eq!(shown, named);
}

#[test]
fn the_manual_shows_how_an_event_is_handed_on() {
    let block = MANUAL.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: Value = serde_json::from_str(block).unwrap();
    let id = |text: &str| text.parse::<Uuid>().unwrap();
    let mut subscription = active("monthly", at("2026-12-23T04:05:06Z"));
    subscription.id = id("01900000-0000-7000-8000-000000000002");
    subscription.reader = id("01900000-0000-7000-8000-000000000003");
    let renewed = Event::Renewed { amount: usd(290), after_trial: false, switched_from: None };
    let told = (&subscription, &renewed);
    let event_id = id("01900000-0000-7000-8000-000000000001");
    let now = at("2026-12-23T04:05:06Z");
    assert_eq!(envelope(event_id, told, Actor::System, now), shown);
    for reason in EndReason::ALL {
        assert!(MANUAL.contains(&format!("`{}`", reason.as_str())), "{reason:?}");
    }
}
