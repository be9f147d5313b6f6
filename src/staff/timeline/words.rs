//! The entries of a timeline in the words of the office. Pure.

use std::collections::BTreeMap;

use super::entry::{Entry, What};
use crate::{
    access::{decision::Reason, log::past::Logged},
    auth::session::model::EndReason,
    language::Words,
    reader::device_name,
    staff::plain,
};

/// What people call things that are kept by their ids.
#[derive(Debug, Default)]
pub struct Names {
    /// The addresses of those of staff who are asked for.
    pub staff: BTreeMap<String, String>,
    /// The plans of the catalog.
    pub plans: BTreeMap<String, String>,
    /// Its products.
    pub products: BTreeMap<String, String>,
    /// Its newsletters.
    pub lists: BTreeMap<String, String>,
}

fn name<'a>(names: &'a BTreeMap<String, String>, id: &'a str) -> &'a str {
    names.get(id).map_or(id, String::as_str)
}

impl Names {
    /// Who did it.
    #[must_use]
    pub fn actor(&self, actor: &str) -> String {
        match actor.split_once(':') {
            Some(("staff", id)) if self.staff.contains_key(id) => name(&self.staff, id).to_owned(),
            _ if actor == "command" => "the command line".to_owned(),
            _ => plain::actor(actor),
        }
    }
}

/// What happened, in a sentence.
#[must_use]
pub fn told(entry: &Entry, words: &Words, names: &Names) -> String {
    match &entry.what {
        What::Event(told) => plain::event(told, words),
        What::Agreed { plan, .. } => {
            format!("Agreed to the words beside the button for {}", name(&names.plans, plan))
        }
        What::Given { product, until, reason } => {
            let given =
                format!("Given {} until {}", name(&names.products, product), words.day(*until));
            because(given, Some(reason))
        }
        What::TakenBack { product, reason } => {
            because(format!("Took back {}", name(&names.products, product)), Some(reason))
        }
        What::Charge { status, purpose, amount, attempt, code } => {
            let what = format!("{} for {}", words.money(*amount), purpose_of(purpose));
            charge(status, &what, (*attempt, code.as_deref()))
        }
        What::Refund { status, amount } => {
            let amount = words.money(*amount);
            match status.as_str() {
                "succeeded" => format!("{amount} went back to the card"),
                "failed" => format!("{amount} could not go back to the card"),
                _ => format!("{amount} is on its way back to the card"),
            }
        }
        What::Invoice { number, status, total, .. } => {
            let total = words.money(*total);
            match number {
                Some(number) => format!("Invoice {number} of {total}: {status}"),
                None => format!("Invoice of {total}: {status}, not issued"),
            }
        }
        What::Mail { subject, status } => match status.as_str() {
            "sent" => format!("Mail “{subject}”"),
            "dead" => format!("Mail “{subject}” could not be sent"),
            "kept" => format!("Mail “{subject}”, kept in the sandbox"),
            _ => format!("Mail “{subject}” waits to be sent"),
        },
        What::Clicked { subject } => format!("A link in the mail “{subject}” was used"),
        What::Begun => "The account was begun".to_owned(),
        What::Confirmed => "The address was confirmed by a mail".to_owned(),
        What::LoggedIn { device, reads_only: false } => {
            format!("Logged in: {}", device_name::of(words, device))
        }
        What::LoggedIn { device, reads_only: true } => {
            format!(
                "Began to read before the mail was answered: {}",
                device_name::of(words, device)
            )
        }
        What::LoggedOut { device, reason } => {
            format!("{}: {}", logged_out(*reason), device_name::of(words, device))
        }
        What::ListsAsked { lists, confirmed_at } => {
            let lists: Vec<String> =
                lists.iter().map(|id| name(&names.lists, id).to_owned()).collect();
            let lists = words.list(&lists);
            match confirmed_at {
                Some(at) if *at == entry.at => format!("Chose the newsletters {lists}"),
                Some(at) => {
                    format!("Asked for the newsletters {lists}; confirmed {}", words.moment(*at))
                }
                None => format!("Asked for the newsletters {lists}; not confirmed yet"),
            }
        }
        What::ListLeft { list } => format!("Left the newsletter {}", name(&names.lists, list)),
        What::Noted { text } => format!("Noted: “{text}”"),
        What::Act { action, reason } => because(act(action), reason.as_deref()),
        What::Decided(logged) => decided(logged),
    }
}

fn because(what: String, reason: Option<&str>) -> String {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{what}, because: “{reason}”"),
        None => what,
    }
}

fn purpose_of(purpose: &str) -> &str {
    match purpose {
        "start" => "the first period",
        "renewal" => "the next period",
        "switch" => "the switch",
        "unpause" => "going on after the pause",
        other => other,
    }
}

fn charge(status: &str, what: &str, (attempt, code): (i64, Option<&str>)) -> String {
    let tries = if attempt > 1 { format!(", try {attempt}") } else { String::new() };
    match (status, code) {
        ("succeeded", _) => format!("Card charged: {what}{tries}"),
        ("declined", Some(code)) => {
            format!("Card declined: {what}{tries} ({})", code.replace('_', " "))
        }
        ("declined", None) => format!("Card declined: {what}{tries}"),
        ("requires_action", _) => format!("The bank asks the reader first: {what}{tries}"),
        ("canceled", _) => format!("Charge called off: {what}{tries}"),
        _ => format!("Card asked, no answer yet: {what}{tries}"),
    }
}

fn logged_out(reason: EndReason) -> &'static str {
    match reason {
        EndReason::LoggedOut => "Logged out",
        EndReason::EndedByOwner => "Logged out from another device",
        EndReason::PasswordChanged => "Logged out by a new password",
        EndReason::TokenReused => "Logged out, as a copy of its token was used",
        EndReason::CodeReused => "Logged out, as the code that began it was used twice",
        EndReason::Erased => "Logged out with the account erased",
        EndReason::EndedByStaff => "Logged out by staff",
        EndReason::AccountChanged => "Logged out as the account changed",
    }
}

/// What staff did, by a word of the audit log.
fn act(action: &str) -> String {
    match action {
        "reader.viewed" => "Looked at this page".to_owned(),
        "reader.exported" => "Took out all data".to_owned(),
        "reader.sessions_ended" => "Logged the reader out everywhere".to_owned(),
        "reader.address_asked" => "Asked the new address whether mail may go there".to_owned(),
        "reader.address_changed" => "The address was changed, as the new one agreed".to_owned(),
        "reader.address_objected" => "The old address objected: nothing changes".to_owned(),
        "reader.address_canceled" => {
            "The change of address that staff asked for was canceled".to_owned()
        }
        "reader.address_confirmed" => "Took the address for confirmed".to_owned(),
        "reader.written_again" => "Wrote to the reader once more".to_owned(),
        "subscription.canceled" => "Canceled the subscription".to_owned(),
        "subscription.refunded" => "Gave money back".to_owned(),
        "subscription.extended" => "Gave days".to_owned(),
        "subscription.paused" => "Paused the subscription".to_owned(),
        "subscription.resumed" => "Resumed the subscription".to_owned(),
        "subscription.switched" => "Switched the plan".to_owned(),
        "subscription.switch_revoked" => "Took a planned switch back".to_owned(),
        "subscription.retried" => "Had the subscription looked at again".to_owned(),
        // A new word reads well enough: `reader.mail_resent` is "Reader: mail resent".
        other => match other.split_once('.') {
            Some((subject, verb)) => {
                let mut subject: Vec<char> = subject.chars().collect();
                subject.iter_mut().take(1).for_each(char::make_ascii_uppercase);
                format!("{}: {}", String::from_iter(subject), verb.replace('_', " "))
            }
            None => other.to_owned(),
        },
    }
}

fn decided(logged: &Logged) -> String {
    let site = &logged.site;
    let used = logged
        .count
        .as_ref()
        .map(|count| format!("{} of {} free articles used", count.used, count.limit));
    let used = used.unwrap_or_else(|| "no free articles there".to_owned());
    match logged.reason {
        Reason::Metered => format!("Read a free article on {site}: {used}"),
        Reason::AlreadyRead => format!("Read an article again on {site}: {used}"),
        Reason::MeterExhausted => format!("Met the wall on {site}: {used}"),
        Reason::SubscriptionRequired => format!("Met the wall on {site}: for subscribers only"),
        Reason::MeterUnavailable => format!("Met the wall on {site}: reads could not be counted"),
        reason => format!("Read on {site}: {}", reason.as_str().replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;
    use uuid::Uuid;

    use super::*;
    use crate::{clock::Timestamp, language::Language, money::Money};

    fn say(what: What) -> String {
        let at = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let entry = Entry { place: (at, Uuid::nil()), at, actor: "reader".to_owned(), what };
        let one = |id: &str, name: &str| BTreeMap::from([(id.to_owned(), name.to_owned())]);
        let names = Names {
            staff: one("7", "anna@office.example"),
            plans: one("monthly", "Monthly"),
            products: one("all", "All titles"),
            lists: one("daily", "The Daily"),
        };
        told(&entry, &Words::new(Language::English, "UTC"), &names)
    }

    fn money(amount: i64) -> Money {
        Money { amount, currency: Currency::USD }
    }

    fn charge(status: &str, attempt: i64, code: Option<&str>) -> What {
        What::Charge {
            status: status.to_owned(),
            purpose: "renewal".to_owned(),
            amount: money(290),
            attempt,
            code: code.map(str::to_owned),
        }
    }

    #[test]
    fn every_entry_is_a_sentence() {
        let text = str::to_owned;
        let at = |text| Timestamp::parse(text).unwrap();
        let firefox = || text("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko Firefox/150.0");
        for (what, expected) in [
            (
                What::Agreed { subscription: Uuid::nil(), plan: text("monthly") },
                "Agreed to the words beside the button for Monthly",
            ),
            (
                What::Given {
                    product: text("all"),
                    until: at("2026-12-01T00:00:00Z"),
                    reason: text("an outage"),
                },
                "Given All titles until 1 December 2026, because: “an outage”",
            ),
            (charge("succeeded", 1, None), "Card charged: $2.90 for the next period"),
            (
                charge("declined", 2, Some("insufficient_funds")),
                "Card declined: $2.90 for the next period, try 2 (insufficient funds)",
            ),
            (charge("pending", 1, None), "Card asked, no answer yet: $2.90 for the next period"),
            (
                What::Refund { status: text("pending"), amount: money(100) },
                "$1.00 is on its way back to the card",
            ),
            (
                What::Invoice {
                    id: Uuid::nil(),
                    number: Some(text("2026-000001")),
                    status: text("paid"),
                    total: money(290),
                },
                "Invoice 2026-000001 of $2.90: paid",
            ),
            (
                What::Mail { subject: text("<b>Welcome"), status: text("dead") },
                "Mail “<b>Welcome” could not be sent",
            ),
            (
                What::LoggedIn { device: firefox(), reads_only: false },
                "Logged in: Firefox on Linux",
            ),
            (
                What::LoggedOut { device: firefox(), reason: EndReason::EndedByStaff },
                "Logged out by staff: Firefox on Linux",
            ),
            (
                What::ListsAsked { lists: vec![text("daily"), text("gone")], confirmed_at: None },
                "Asked for the newsletters The Daily and gone; not confirmed yet",
            ),
            (What::ListLeft { list: text("daily") }, "Left the newsletter The Daily"),
            (What::Noted { text: text("called") }, "Noted: “called”"),
            (
                What::Act { action: text("subscription.paused"), reason: Some(text("a holiday")) },
                "Paused the subscription, because: “a holiday”",
            ),
            (
                What::Act { action: text("reader.something_new"), reason: None },
                "Reader: something new",
            ),
        ] {
            assert_eq!(say(what), expected);
        }
    }

    #[test]
    fn mails_are_told_by_where_they_stand() {
        let subject = || "Your link to log in".to_owned();
        for (status, expected) in [
            ("sent", "Mail “Your link to log in”"),
            ("queued", "Mail “Your link to log in” waits to be sent"),
            ("kept", "Mail “Your link to log in”, kept in the sandbox"),
        ] {
            assert_eq!(say(What::Mail { subject: subject(), status: status.to_owned() }), expected);
        }
        let clicked = say(What::Clicked { subject: subject() });
        assert_eq!(clicked, "A link in the mail “Your link to log in” was used");
    }

    #[test]
    fn actors_are_called_by_what_people_know() {
        let staff = BTreeMap::from([("7".to_owned(), "anna@office.example".to_owned())]);
        let names = Names { staff, ..Names::default() };
        for (actor, expected) in [
            ("staff:7", "anna@office.example"),
            ("staff:8", "staff 8"),
            ("command", "the command line"),
            ("system", "the service"),
            ("reader", "the reader"),
        ] {
            assert_eq!(names.actor(actor), expected);
        }
    }
}
