//! What happened and what comes next, in the words of the office. Pure.

use serde_json::Value;

use crate::{
    billing::{
        invoice::credit::{RefundState, SettledAs},
        subscription::model::{EndReason, State, Status, Subscription, Then},
        timeline::Told,
    },
    clock::Timestamp,
    language::Words,
    money::Money,
};

/// Why a subscription ended, to stand after "because".
#[must_use]
pub(super) fn cause(reason: EndReason) -> &'static str {
    match reason {
        EndReason::CanceledByReader => "the reader canceled",
        EndReason::CanceledByStaff => "staff canceled it",
        EndReason::Withdrawn => "the reader withdrew from the contract",
        EndReason::PaymentFailed => "it was not paid",
        EndReason::TrialEnded => "the trial ended with nothing to pay with",
        EndReason::NotConfirmed => "the first payment was not confirmed in time",
        EndReason::PaymentDeclined => "the first payment was declined",
        EndReason::Superseded => "another subscription took its place",
        EndReason::Erased => "the account was erased",
    }
}

/// Where a subscription stands.
#[must_use]
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::PastDue => "past due",
        status => status.as_str(),
    }
}

/// What comes next for a subscription, and when.
#[must_use]
pub(super) fn next(it: &Subscription, words: &Words) -> String {
    let day = |at| words.day(at);
    match (&it.state, it.then(), it.period()) {
        (State::Incomplete { expires_at, .. }, ..) => {
            format!("Waits for the reader's bank; expires {}", words.moment(*expires_at))
        }
        (State::PastDue { failure, .. }, ..) => {
            let grace = format!("reads until {}, then it ends", day(failure.grace_until));
            match failure.retry_at {
                Some(at) => format!("Charged again on {}; {grace}", day(at)),
                None => format!("Waits for another card; {grace}"),
            }
        }
        (State::Paused { since }, ..) => {
            format!("Paused since {}; waits to be resumed", day(*since))
        }
        (State::Canceled { at, reason } | State::Expired { at, reason }, ..) => {
            format!("Ended on {} because {}", day(*at), cause(*reason))
        }
        (_, Some(Then::Cancel { reason, .. }), Some(period)) => {
            format!("Ends on {} because {}", day(period.end), cause(*reason))
        }
        (_, _, Some(period)) => match it.next_charge() {
            Some((at, terms)) => {
                format!(
                    "Charges {} for {} on {}",
                    words.money(terms.plan.price),
                    terms.plan.name.in_language(words.language),
                    day(at)
                )
            }
            None => format!("Ends on {} unless a card is given", day(period.end)),
        },
        (_, _, None) => String::new(),
    }
}

/// How far a refund has come.
#[must_use]
pub(super) fn refund(state: &RefundState, words: &Words) -> String {
    match state {
        RefundState::Pending => "The gateway was not asked yet, or did not answer.".to_owned(),
        RefundState::Succeeded { at, reference } => {
            format!("On its way since {}; the gateway calls it {reference}.", words.day(*at))
        }
        RefundState::Failed { at, why, settled } => {
            let done = match settled {
                None => "It waits for somebody.",
                Some(SettledAs::Retried) => "Another was tried.",
                Some(SettledAs::Balance) => "It went to the balance.",
                Some(SettledAs::PaidOut) => "It was paid in another way.",
            };
            let why = if why.is_empty() { "no reason was kept" } else { why };
            format!("Refused on {}: {why}. {done}", words.day(*at))
        }
    }
}

/// Why a subscription is stuck, from what the service wrote down about it.
#[must_use]
pub(super) fn trouble(text: &str) -> &'static str {
    let has = |part: &str| text.contains(part);
    if has("holds an impossible value") {
        "A part of what is kept about it cannot be read. Somebody who runs the service must mend it."
    } else if has("catalog") {
        "The catalog lacks what it was sold by. Bring the plan back."
    } else if has("payments cannot be made") {
        "The gateway did not answer."
    } else if has("database") || has("pool") {
        "The database failed. That mostly passes: look again."
    } else {
        "The service came upon something that should not be. Show it to somebody who runs it."
    }
}

/// Who did it.
#[must_use]
pub(super) fn actor(text: &str) -> String {
    match text.split_once(':') {
        Some(("staff", id)) => format!("staff {id}"),
        _ if text == "system" => "the service".to_owned(),
        _ if text == "command" => "the command line".to_owned(),
        _ => format!("the {text}"),
    }
}

/// What happened to a subscription, in a sentence.
#[must_use]
pub(super) fn event(told: &Told, words: &Words) -> String {
    let detail = Detail { of: &told.detail, words };
    let kind = told.event.strip_prefix("subscription.").unwrap_or(&told.event);
    match kind {
        "created" => {
            format!("Asked for; the reader must confirm it by {}", detail.at("expires_at"))
        }
        "trial_started" => format!("Free trial began, until {}", detail.at("until")),
        "trial_repeated" => "This address had a free trial of the product before".to_owned(),
        "activated" => format!("First payment of {} made", detail.money("amount")),
        "renewed" => renewed(&detail),
        "payment_failed" => {
            let payment = format!("Payment for the {} failed", detail.text("purpose"));
            if detail.is("hard") {
                format!("{payment} for good: this card will not pay")
            } else {
                format!("{payment}; it is tried again")
            }
        }
        "confirmation_wanted" => {
            format!("The bank asks the reader to confirm the {}", detail.text("purpose"))
        }
        "recovered" => format!("What was overdue was paid: {}", detail.money("amount")),
        "cancel_scheduled" => {
            let end = detail.at("at");
            let ends = format!("Canceled, to end on {end} because {}", detail.cause("reason"));
            match detail.of.get("comment").and_then(Value::as_str) {
                Some(comment) => format!("{ends}. The reader said: “{comment}”"),
                None => ends,
            }
        }
        "commented" => format!("The reader said why: “{}”", detail.text("comment")),
        "cancel_revoked" => "The cancellation was taken back".to_owned(),
        "switched" => switched(&detail),
        "switch_scheduled" => format!(
            "Will switch from {} to {} on {}",
            detail.text("from"),
            detail.text("to"),
            detail.at("at")
        ),
        "switch_revoked" => "The planned switch was taken back".to_owned(),
        "price_changed" => {
            format!("The price changed from {} to {}", detail.money("from"), detail.money("to"))
        }
        "paused" => match detail.of.get("credit") {
            Some(_) => format!("Paused; {} credited for the rest", detail.money("credit")),
            None => "Paused".to_owned(),
        },
        "unpaused" => format!("Goes on after a pause; {} paid", detail.money("amount")),
        "extended" => {
            format!("{} days given, until {}", detail.number("days"), detail.at("until"))
        }
        "payment_method_changed" => {
            format!("Paid by another card, ending in {}", detail.text("last4"))
        }
        "refunded" => {
            format!("{} given back: {}", detail.money("amount"), detail.text("reason"))
        }
        "refund_settled" => not_by_card(&detail, "went to the balance"),
        "refund_paid_out" => not_by_card(&detail, "was paid in another way"),
        "notice_sent" => {
            format!("Told by mail: {}", detail.text("notice").replace('_', " "))
        }
        "ended" => format!("Ended on {} because {}", detail.at("at"), detail.cause("reason")),
        other => other.replace('_', " "),
    }
}

fn not_by_card(detail: &Detail<'_>, done: &str) -> String {
    let (amount, reason) = (detail.money("amount"), detail.text("reason"));
    format!("{amount} could not go back to the card and {done}: {reason}")
}

fn switched(detail: &Detail<'_>) -> String {
    let switched = format!("Switched from {} to {}", detail.text("from"), detail.text("to"));
    match detail.of.get("credit") {
        Some(_) => format!("{switched}; {} credited", detail.money("credit")),
        None => switched,
    }
}

fn renewed(detail: &Detail<'_>) -> String {
    let amount = detail.money("amount");
    match (detail.is("after_trial"), detail.of.get("switched_from")) {
        (true, _) => format!("First payment after the trial: {amount}"),
        (false, Some(_)) => format!(
            "Switched from {}, as planned; next period paid: {amount}",
            detail.text("switched_from")
        ),
        (false, None) => format!("Next period paid: {amount}"),
    }
}

/// The facts of an event. What is not there reads as a dash: the rest is still worth reading.
struct Detail<'a> {
    of: &'a Value,
    words: &'a Words,
}

impl Detail<'_> {
    fn or_dash(text: Option<String>) -> String {
        text.unwrap_or_else(|| "–".to_owned())
    }

    fn text(&self, field: &str) -> String {
        Self::or_dash(self.of.get(field).and_then(Value::as_str).map(str::to_owned))
    }

    fn number(&self, field: &str) -> String {
        Self::or_dash(self.of.get(field).and_then(Value::as_i64).map(|number| number.to_string()))
    }

    fn is(&self, field: &str) -> bool {
        self.of.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    fn at(&self, field: &str) -> String {
        let at = self.of.get(field).and_then(Value::as_str).and_then(Timestamp::parse);
        Self::or_dash(at.map(|at| self.words.day(at)))
    }

    fn money(&self, field: &str) -> String {
        let money = self.of.get(field).cloned().map(serde_json::from_value::<Money>);
        Self::or_dash(money.and_then(Result::ok).map(|money| self.words.money(money)))
    }

    fn cause(&self, field: &str) -> String {
        let reason = self.of.get(field).and_then(Value::as_str).and_then(EndReason::parse);
        Self::or_dash(reason.map(|reason| cause(reason).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::{event::Event, subscription::model::Purpose},
        language::Language,
    };

    fn told(event: &Event) -> String {
        let told = Told {
            id: Uuid::nil(),
            subscription: Uuid::nil(),
            at: Timestamp::UNIX_EPOCH,
            actor: "system".to_owned(),
            event: event.kind().to_owned(),
            detail: event.detail(),
        };
        super::event(&told, &Words::new(Language::English, "UTC"))
    }

    #[test]
    fn every_event_is_told_with_all_its_facts() {
        let at = Timestamp::parse("2027-01-31T10:00:00Z").unwrap();
        let money = |amount| Money { amount, currency: Currency::USD };
        let reason = EndReason::CanceledByReader;
        let (from, to) = (|| "monthly".to_owned(), || "annual".to_owned());
        for (event, expected) in [
            (
                Event::Created { expires_at: at },
                "Asked for; the reader must confirm it by 31 January 2027",
            ),
            (Event::TrialStarted { until: at }, "Free trial began, until 31 January 2027"),
            (Event::Activated { amount: money(290) }, "First payment of $2.90 made"),
            (
                Event::ConfirmationWanted { purpose: Purpose::Start },
                "The bank asks the reader to confirm the start",
            ),
            (Event::Recovered { amount: money(290) }, "What was overdue was paid: $2.90"),
            (
                Event::CancelScheduled { at, reason, comment: None },
                "Canceled, to end on 31 January 2027 because the reader canceled",
            ),
            (
                Event::CancelScheduled { at, reason, comment: Some("too dear".to_owned()) },
                "Canceled, to end on 31 January 2027 because the reader canceled. The reader said: “too dear”",
            ),
            (Event::Commented { comment: "<b>".to_owned() }, "The reader said why: “<b>”"),
            (Event::CancelRevoked, "The cancellation was taken back"),
            (
                Event::Switched { from: from(), to: to(), credit: Some(money(100)) },
                "Switched from monthly to annual; $1.00 credited",
            ),
            (
                Event::Switched { from: from(), to: to(), credit: None },
                "Switched from monthly to annual",
            ),
            (
                Event::SwitchScheduled { from: from(), to: to(), at },
                "Will switch from monthly to annual on 31 January 2027",
            ),
            (Event::SwitchRevoked, "The planned switch was taken back"),
            (
                Event::PriceChanged { from: money(290), to: money(390) },
                "The price changed from $2.90 to $3.90",
            ),
            (Event::Paused { credit: Some(money(90)) }, "Paused; $0.90 credited for the rest"),
            (Event::Paused { credit: None }, "Paused"),
            (Event::Unpaused { amount: money(290) }, "Goes on after a pause; $2.90 paid"),
            (Event::Extended { days: 7, until: at }, "7 days given, until 31 January 2027"),
            (
                Event::PaymentMethodChanged { last4: "4242".to_owned() },
                "Paid by another card, ending in 4242",
            ),
            (
                Event::Refunded { amount: money(290), reason: "double".to_owned() },
                "$2.90 given back: double",
            ),
            (
                Event::RefundSettled { amount: money(290), reason: "gone".to_owned() },
                "$2.90 could not go back to the card and went to the balance: gone",
            ),
            (
                Event::RefundPaidOut { amount: money(290), reason: "by transfer".to_owned() },
                "$2.90 could not go back to the card and was paid in another way: by transfer",
            ),
            (Event::TrialRepeated, "This address had a free trial of the product before"),
            (Event::NoticeSent { notice: "trial_ending" }, "Told by mail: trial ending"),
            (Event::Ended { at, reason }, "Ended on 31 January 2027 because the reader canceled"),
        ] {
            assert_eq!(told(&event), expected);
        }
    }

    #[test]
    fn payments_of_periods_are_told_apart() {
        let amount = Money { amount: 290, currency: Currency::USD };
        for (event, expected) in [
            (
                Event::Renewed { amount, after_trial: false, switched_from: None },
                "Next period paid: $2.90",
            ),
            (
                Event::Renewed { amount, after_trial: true, switched_from: None },
                "First payment after the trial: $2.90",
            ),
            (
                Event::Renewed {
                    amount,
                    after_trial: false,
                    switched_from: Some("annual".to_owned()),
                },
                "Switched from annual, as planned; next period paid: $2.90",
            ),
            (
                Event::PaymentFailed { hard: false, purpose: Purpose::Renewal },
                "Payment for the renewal failed; it is tried again",
            ),
            (
                Event::PaymentFailed { hard: true, purpose: Purpose::Switch },
                "Payment for the switch failed for good: this card will not pay",
            ),
        ] {
            assert_eq!(told(&event), expected);
        }
    }

    #[test]
    fn a_row_that_lacks_a_fact_is_still_told() {
        let words = Words::new(Language::English, "UTC");
        for (kind, expected) in [
            ("subscription.renewed", "Next period paid: –"),
            ("subscription.something_new", "something new"),
            ("", ""),
        ] {
            let told = Told {
                id: Uuid::nil(),
                subscription: Uuid::nil(),
                at: Timestamp::UNIX_EPOCH,
                actor: String::new(),
                event: kind.to_owned(),
                detail: Value::Null,
            };
            assert_eq!(event(&told, &words), expected);
        }
    }

    #[test]
    fn actors_are_named() {
        assert_eq!(actor("system"), "the service");
        assert_eq!(actor("reader"), "the reader");
        assert_eq!(actor("command"), "the command line");
        assert_eq!(actor("staff:0190"), "staff 0190");
    }
}
