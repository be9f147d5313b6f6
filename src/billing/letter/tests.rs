//! Every letter is whole, safe, and says what it must.

use aws_lc_rs::digest::{SHA256, digest};
use iso_currency::Currency;

use super::*;
use crate::{
    language::Language,
    mail::letter::{Look, Rendered},
};

const ACCOUNT: &str = "https://pay.example/account?x=1&y=<z>";

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn letter(news: News) -> BillingLetter {
    let link = |name: &str| format!("https://pay.example/mail/{name}?token=<z>");
    let links =
        SubscriptionLinks { cancel: link("cancel"), card: link("card"), resume: link("resume") };
    let links = (!matches!(news, News::Complimentary { .. })).then_some(links);
    BillingLetter { plan: Localized::for_all("Monthly <b>"), account: ACCOUNT.into(), links, news }
}

fn written(news: News) -> Rendered {
    written_in(Language::English, news)
}

fn written_in(language: Language, news: News) -> Rendered {
    let words = Words::new(language, "UTC");
    letter(news).content(&words).render(&Look::plain("The <Fathom>")).unwrap()
}

fn beginnings() -> Vec<News> {
    let monthly = Price { amount: usd(290), interval: Interval::Month };
    let ends = at("2026-12-23T04:05:06Z");
    let next = Upcoming { price: monthly, at: at("2027-01-23T04:05:06.7Z") };
    let period = Period { start: ends, end: next.at };
    let receipt = || Receipt { total: usd(290), invoice: "2026-000001".into(), period };
    let withdraw_until = Some(at("2026-12-08T00:00:00Z"));
    vec![
        News::TrialStarted { ends, price: monthly, first_charge: Some(ends), withdraw_until },
        News::Subscribed { receipt: receipt(), next, withdraw_until },
        News::Renewed {
            receipt: receipt(),
            next: Some(next),
            after_trial: true,
            withdraw_until: None,
        },
        News::Renewed { receipt: receipt(), next: None, after_trial: false, withdraw_until: None },
        News::TrialEnding { ends, price: monthly, charged: true },
        News::RenewalComing {
            next: Upcoming { price: Price { amount: usd(1990), interval: Interval::Year }, ..next },
        },
        News::YearlyReminder { next },
        News::PriceChange {
            old: monthly,
            new: Price { amount: usd(350), ..monthly },
            from: next.at,
        },
        News::CardExpiring { last4: "4242".into(), month: (2027, 1), next },
        News::PaymentRecovered { receipt: receipt(), next },
        News::Resumed { next },
        News::Unpaused { receipt: Some(receipt()), next },
        News::Switched {
            from: Localized::for_all("<i>"),
            at: ends,
            charge: usd(1845),
            credit: usd(145),
            next,
        },
        News::SwitchScheduled { to: Localized::for_all("<i>"), next },
        News::DaysGiven { days: 7, until: next.at, next: Some(next) },
    ]
}

fn endings() -> Vec<News> {
    let now = at("2026-12-23T04:05:06Z");
    let grace_until = at("2027-01-06T04:05:06Z");
    let next_try = Some(at("2026-12-24T04:05:06Z"));
    let amount = usd(290);
    let url = "https://bank.example/confirm?x=<y>".to_owned();
    vec![
        News::PaymentFailed { amount, grace_until, next_try, hard: false },
        News::PaymentStillFailing { amount, grace_until, next_try: None },
        News::ConfirmPayment { amount, url, until: grace_until },
        News::Ended { at: now, because: EndedBecause::PaymentFailed },
        News::Ended { at: now, because: EndedBecause::TrialOver },
        News::CancelScheduled { at: now, access_until: grace_until, in_trial: false },
        News::CancelScheduled { at: now, access_until: grace_until, in_trial: true },
        News::CanceledNow { at: now, refund: Some(usd(145)) },
        News::Withdrawn { at: now, refund: Some(amount) },
        News::Paused { at: now, credit: Some(usd(145)) },
        News::Refunded { amount, invoice: "<2026-000001>".into() },
        News::RefundSettled { amount },
        News::RefundPaidOut { amount },
        News::Complimentary { until: Some(grace_until) },
    ]
}

/// The same news under other circumstances.
fn variants() -> Vec<News> {
    let (at, amount) = (at("2026-12-23T04:05:06Z"), usd(290));
    let price = Price { amount, interval: Interval::Month };
    vec![
        News::TrialStarted { ends: at, price, first_charge: None, withdraw_until: None },
        News::TrialEnding { ends: at, price, charged: false },
        News::PaymentFailed { amount, grace_until: at, next_try: None, hard: true },
        News::CanceledNow { at, refund: None },
        News::Paused { at, credit: None },
        News::Unpaused { receipt: None, next: Upcoming { price, at } },
        News::Complimentary { until: None },
        News::DaysGiven { days: 1, until: at, next: None },
    ]
}

fn all() -> Vec<News> {
    beginnings().into_iter().chain(endings()).collect()
}

/// Every letter, also under other circumstances.
pub(crate) fn letters() -> Vec<BillingLetter> {
    all().into_iter().chain(variants()).map(letter).collect()
}

#[test]
fn every_letter_is_whole_and_safe() {
    for language in Language::ALL {
        let mut subjects = std::collections::HashSet::new();
        let mut templates = std::collections::HashSet::new();
        for news in all() {
            let template = news.template(&Words::new(language, "UTC"));
            let Rendered { subject, text, html } = written_in(language, news);
            assert!(!subject.is_empty() && subjects.insert(subject.clone()), "{subject}");
            assert!(templates.insert(template.clone()), "{template}");
            assert!(!subject.chars().any(char::is_control), "{subject}");
            for tag in ["<b>", "<i>", "<z>", "<y>", "<Fathom", "<2026", "http://"] {
                assert!(!html.contains(tag), "{tag} in {html}");
            }
            for part in [&subject, &text, &html] {
                assert!(!part.contains("letter-"), "a message is missing: {part}");
            }
            assert!(text.contains("The <Fathom>") && text.contains(": Monthly <b>\n"), "{text}");
            assert!(!text.contains("&lt;") && !text.contains("\n\n\n"), "{text:?}");
        }
    }
}

#[test]
fn every_letter_leads_where_it_helps() {
    for letter in letters() {
        let text = letter.content(&Words::default()).render(&Look::plain("x")).unwrap().text;
        let links = text.lines().filter(|line| line.contains("https://"));
        let path = |link: &str| link.split('?').next().unwrap().replace("https://", "");
        let links: Vec<String> = links.map(path).collect();
        let [account, cancel, card, resume] =
            ["account", "mail/cancel", "mail/card", "mail/resume"]
                .map(|it| format!("pay.example/{it}"));
        let expected = match letter.news.name() {
            "confirm_payment" => vec!["bank.example/confirm".to_owned(), card],
            "payment_failed" | "payment_still_failing" | "card_expiring" => {
                vec![card, account, cancel]
            }
            "trial_started" | "trial_ending" if text.contains("No card is known") => {
                vec![card, account, cancel]
            }
            "cancel_scheduled" | "cancel_scheduled_in_trial" => vec![account, resume],
            _ if text.contains("To cancel, ") && !text.contains("paused. ") => {
                vec![account, cancel]
            }
            _ => vec![account],
        };
        assert_eq!(links, expected, "{text}");
    }
}

#[test]
fn every_letter_says_how_to_leave_or_that_nothing_runs() {
    for news in all() {
        let ways = ["To cancel, ", "nothing to cancel", "do nothing", "You can subscribe again"];
        let is_over = matches!(
            news,
            News::CancelScheduled { .. }
                | News::Refunded { .. }
                | News::RefundSettled { .. }
                | News::RefundPaidOut { .. }
                | News::Renewed { next: None, .. }
        );
        let text = written(news).text;
        assert!(is_over || ways.iter().any(|way| text.contains(way)), "{text}");
    }
}

#[test]
fn letters_about_trials_say_so_in_their_subject() {
    for news in all() {
        let of_a_trial = news.name().contains("trial");
        let subject = written(news).subject;
        assert_eq!(subject.contains("trial"), of_a_trial, "{subject}");
    }
}

#[test]
fn money_and_moments_are_exact() {
    let ends = at("2026-12-23T04:05:06Z");
    let price = Price { amount: usd(290), interval: Interval::Month };
    let trial = News::TrialStarted { ends, price, first_charge: Some(ends), withdraw_until: None };
    let text = written(trial).text;
    let facts = "Plan: Monthly <b>\nPaid today: $0.00\n\
        The free trial ends: 23 December 2026 at 04:05:06 UTC\nPrice after it: $2.90 a month\n\
        First charge: 23 December 2026 at 04:05:06 UTC\n\n";
    assert!(text.contains(facts), "{text}");
    let without_card = News::TrialStarted { ends, price, first_charge: None, withdraw_until: None };
    let text = written(without_card).text;
    assert!(!text.contains("First charge") && text.contains("No card is known"), "{text}");
}

/// What was said is kept by name, version and language, so a text must not change under its version.
#[test]
fn a_changed_text_has_another_version() {
    for (language, pinned) in Language::ALL.into_iter().zip(PINNED) {
        let every = all().into_iter().chain(variants());
        let texts: Vec<String> = every.map(|news| written_in(language, news).text).collect();
        let digest = digest(&SHA256, texts.join("\n").as_bytes());
        let hex =
            digest.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let hint = "raise TEXTS, and pin the new digest";
        assert_eq!((TEXTS, hex.as_str()), (2, pinned), "{language:?}: {hint}");
    }
}

/// For each of [`Language::ALL`].
const PINNED: [&str; 2] = [
    "d6618f6cde3867b2bc23df1bcc5155e71c7eb486d411854521baa458c8cb8bed",
    "1eade389cf6cbfd664873cc6b3b473d3860652b349e8290a5941439934bc614d",
];
