//! The letters about accounts. Pure.
//!
//! Each says what happened, what to do, and what it means if it was not you.

use time::Duration;

use super::Content;
use crate::{clock::Timestamp, language::Words, mail::address::Address};

/// A letter, with the facts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// Somebody asked for an account with this address.
    ConfirmAddress {
        /// Makes the account.
        link: String,
    },
    /// Somebody asked for an account with this address, which has one.
    AccountExists {
        /// Logs in.
        link: String,
    },
    /// Somebody asked to log in by mail.
    LogIn {
        /// Logs in.
        link: String,
    },
    /// Somebody wants to subscribe with this address, which has an account.
    GoOnSubscribing {
        /// Logs in and leads on.
        link: String,
    },
    /// A person wants to begin a free trial with this address, which has had it.
    TrialWasUsed {
        /// To the offer.
        link: String,
    },
    /// Somebody has subscribed with this address: a provisional account waits for its reader.
    OpenAccount {
        /// Makes it a whole one.
        link: String,
    },
    /// Somebody asked to log in with this address, which has no account.
    NoAccount {
        /// Where an account can be made.
        link: String,
    },
    /// Somebody asked to set another password.
    ResetPassword {
        /// Lets set it.
        link: String,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// To the old address: shall mail go to another from now on?
    ConfirmAddressChange {
        /// Agrees.
        link: String,
        /// Where it would go.
        new_address: Address,
    },
    /// To the old address: staff were asked to let mail go to another from now on.
    AddressChangeByStaff {
        /// Objects.
        link: String,
        /// Where it would go.
        new_address: Address,
    },
    /// To the new address: shall an account's mail come here from now on?
    ConfirmNewAddress {
        /// Agrees.
        link: String,
    },
    /// To the new address, which has an account of its own.
    AddressTaken,
    /// To the old address: mail goes elsewhere now. It does not say where, since this mailbox may
    /// be another's by now.
    AddressChanged,
    /// A refresh token was used by two.
    TokenReused {
        /// The device that was logged out.
        device: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody gave notice with this address, and nothing runs that does not end already.
    NothingToCancel {
        /// When the notice came.
        at: Timestamp,
    },
    /// Somebody of the publisher's gives a product to this address, which has no account.
    Gift {
        /// Accepts it.
        link: String,
        /// What.
        product: String,
        /// For how many days.
        days: u32,
        /// Until when it waits.
        until: Timestamp,
    },
    /// What was given away was taken back.
    GuestAccessEnded {
        /// When.
        at: Timestamp,
    },
    /// The account was erased.
    AccountErased {
        /// When.
        at: Timestamp,
    },
}

impl Letter {
    /// What it says to somebody who is spoken to in these words.
    #[must_use]
    pub fn content(&self, words: &Words) -> Content {
        let content = |subject| Content::about(words, subject);
        let moment = |at: &Timestamp| ("at", words.moment(*at).into());
        match self {
            Self::ConfirmAddress { link } => content("letter-account-confirm-subject")
                .tell("letter-account-confirm")
                .link("letter-account-confirm-do", link)
                .works_for(A_DAY)
                .after("letter-account-confirm-not-you")
                .because("letter-why-asked"),
            Self::AccountExists { link } => content("letter-account-exists-subject")
                .tell("letter-account-exists")
                .link("letter-account-log-in-do", link)
                .works_for(A_QUARTER)
                .after("letter-account-as-it-was"),
            Self::LogIn { link } => content("letter-account-log-in-subject")
                .tell("letter-account-log-in")
                .link("letter-account-log-in-do", link)
                .works_for(A_QUARTER)
                .after("letter-account-log-in-not-you"),
            Self::GoOnSubscribing { link } => content("letter-account-go-on-subject")
                .tell("letter-account-go-on")
                .link("letter-account-go-on-do", link)
                .works_for(A_QUARTER)
                .after("letter-account-go-on-not-you"),
            Self::TrialWasUsed { link } => trial_was_used(words, link),
            Self::OpenAccount { link } => opening(words, link),
            Self::NoAccount { link } => content("letter-account-none-subject")
                .tell("letter-account-none")
                .link("letter-account-none-do", link)
                .after("letter-account-not-you")
                .because("letter-why-asked"),
            Self::ResetPassword { link } => content("letter-account-reset-subject")
                .tell("letter-account-reset")
                .link("letter-account-reset-do", link)
                .works_for(A_QUARTER)
                .after("letter-account-as-it-was"),
            Self::ConfirmAddressChange { link, new_address } => moving(words, link, new_address),
            Self::AddressChangeByStaff { link, new_address } => {
                moved_by_staff(words, link, new_address)
            }
            Self::ConfirmNewAddress { link } => confirming_new(words, link),
            Self::AddressTaken => content("letter-account-taken-subject")
                .tell("letter-account-taken")
                .after("letter-account-as-it-was"),
            Self::AddressChanged => content("letter-account-moved-subject")
                .tell("letter-account-moved")
                .after("letter-account-moved-not-you"),
            Self::PasswordChanged { at } => content("letter-account-password-subject")
                .tell_with("letter-account-password", &[moment(at)])
                .after("letter-account-password-not-you"),
            Self::TokenReused { device, at } => content("letter-account-reused-subject")
                .tell_with("letter-account-reused", &[moment(at), ("device", device.into())])
                .after("letter-account-reused-do"),
            Self::NothingToCancel { at } => content("letter-account-notice-subject")
                .tell_with("letter-account-notice", &[moment(at)])
                .after("letter-account-notice-elsewhere")
                .because("letter-why-asked"),
            Self::Gift { link, product, days, until } => {
                gift(words, link, (product, *days), *until)
            }
            Self::GuestAccessEnded { at } => content("letter-account-guest-over-subject")
                .tell_with("letter-account-guest-over", &[moment(at)])
                .after("letter-account-guest-over-nothing"),
            Self::AccountErased { at } => content("letter-account-erased-subject")
                .tell_with("letter-account-erased", &[moment(at)])
                .after("letter-account-erased-last")
                .because("letter-why-erased"),
        }
    }
}

fn opening(words: &Words, link: &str) -> Content {
    Content::about(words, "letter-account-open-subject")
        .tell("letter-account-open")
        .link("letter-account-open-do", link)
        .works_for(A_DAY)
        .after("letter-account-open-not-you")
        .because("letter-why-asked")
}

fn trial_was_used(words: &Words, link: &str) -> Content {
    Content::about(words, "letter-account-trial-subject")
        .tell("letter-account-trial")
        .link("letter-account-trial-do", link)
        .after("letter-account-go-on-not-you")
        .because("letter-why-asked")
}

fn moved_by_staff(words: &Words, link: &str, new_address: &Address) -> Content {
    let address = ("address", new_address.typed().into());
    Content::about(words, "letter-account-staff-move-subject")
        .tell_with("letter-account-staff-move", &[address])
        .link("letter-account-object", link)
        .works_for(A_DAY)
        .after("letter-account-staff-move-not-you")
}

fn confirming_new(words: &Words, link: &str) -> Content {
    Content::about(words, "letter-account-new-address-subject")
        .tell("letter-account-new-address")
        .link("letter-account-agree", link)
        .works_for(A_DAY)
        .after("letter-account-not-you")
        .because("letter-why-asked")
}

fn gift(words: &Words, link: &str, (product, days): (&str, u32), until: Timestamp) -> Content {
    Content::about(words, "letter-account-gift-subject")
        .tell("letter-account-gift")
        .fact("letter-account-gift-product", product)
        .fact("letter-account-gift-days", days.to_string())
        .at("letter-account-gift-until", until)
        .link("letter-account-gift-do", link)
        .after("letter-account-gift-nothing")
        .because("letter-why-asked")
}

impl Content {
    /// The same, saying for how long its link works. A link that is over helps nobody.
    fn works_for(self, life: Duration) -> Self {
        let says = if life == A_DAY { "letter-account-day" } else { "letter-account-once" };
        self.after(says).within(life)
    }
}

fn moving(words: &Words, link: &str, new: &Address) -> Content {
    Content::about(words, "letter-account-move-subject")
        .tell_with("letter-account-move", &[("address", new.typed().into())])
        .link("letter-account-agree", link)
        .works_for(A_DAY)
        .after("letter-account-move-not-you")
}

/// How long links that log in work.
const A_QUARTER: Duration = Duration::minutes(15);
/// How long links that only confirm work.
const A_DAY: Duration = Duration::hours(24);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        language::Language,
        mail::letter::{Look, Rendered},
    };

    pub(in crate::mail) fn all() -> Vec<Letter> {
        let link = || "https://pay.example/login/link?token=pgl_x&y=<z>".to_owned();
        let at = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let new_address = Address::parse("new@example.org").unwrap();
        vec![
            Letter::ConfirmAddress { link: link() },
            Letter::AccountExists { link: link() },
            Letter::LogIn { link: link() },
            Letter::NoAccount { link: link() },
            Letter::ResetPassword { link: link() },
            Letter::GoOnSubscribing { link: link() },
            Letter::TrialWasUsed { link: link() },
            Letter::OpenAccount { link: link() },
            Letter::PasswordChanged { at },
            Letter::ConfirmAddressChange { link: link(), new_address: new_address.clone() },
            Letter::AddressChangeByStaff { link: link(), new_address },
            Letter::ConfirmNewAddress { link: link() },
            Letter::AddressTaken,
            Letter::AddressChanged,
            Letter::TokenReused { device: "<script>alert(1)</script>".into(), at },
            Letter::NothingToCancel { at },
            Letter::Gift { link: link(), product: "<z>".to_owned(), days: 30, until: at },
            Letter::GuestAccessEnded { at },
            Letter::AccountErased { at },
        ]
    }

    #[test]
    fn every_letter_is_whole_and_safe() {
        for language in Language::ALL {
            let words = Words::new(language, "Europe/Paris");
            let mut subjects = std::collections::HashSet::new();
            for letter in all() {
                let content = letter.content(&words);
                let Rendered { subject, text, html } =
                    content.render(&Look::plain("The <Fathom>")).unwrap();
                assert!(!subject.is_empty() && subjects.insert(subject.clone()), "{subject}");
                assert!(!subject.chars().any(char::is_control), "{subject}");
                assert!(!html.contains("<script") && !html.contains("<Fathom"), "{html}");
                assert!(!html.contains("<z>") && !html.contains("http://"), "{html}");
                assert!(text.contains("The <Fathom>") && !text.contains("&lt;"), "{text}");
                assert!(!text.contains("\n\n\n"), "{text:?}");
                for part in [&subject, &text, &html] {
                    assert!(!part.contains("letter-"), "a message is missing: {part}");
                }
                let link = text.lines().find(|line| line.starts_with("https://"));
                let expected = "https://pay.example/login/link?token=pgl_x&y=<z>";
                assert_eq!(link, content.action.is_some().then_some(expected), "{text}");
            }
        }
    }

    #[test]
    fn letters_speak_their_readers_language_and_time() {
        let at = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let letter = Letter::PasswordChanged { at };
        let text =
            |words: Words| letter.content(&words).render(&Look::plain("Le Fil")).unwrap().text;
        let english = text(Words::default());
        assert!(english.starts_with(
            "It was changed on 23 November 2026 at 04:05:06 UTC. Every device was logged out.\n\n"
        ));
        let french = text(Words::new(Language::French, "Europe/Paris"));
        assert!(french.starts_with("Il a été modifié le 23 novembre 2026 à 05:05:06 CET. Tous "));
        assert!(french.ends_with(
            "-- \nLe Fil\nVous recevez ce message parce que vous avez un compte auprès de Le Fil.\n"
        ));
    }
}
