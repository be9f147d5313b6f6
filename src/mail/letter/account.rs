//! The letters about accounts. Pure.
//!
//! Each says what happened, what to do, and what it means if it was not you.

use time::Duration;

use super::{Content, moment};
use crate::{clock::Timestamp, mail::address::Address};

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
    /// The account was erased.
    AccountErased {
        /// When.
        at: Timestamp,
    },
}

impl<'a> From<&'a Letter> for Content<'a> {
    fn from(letter: &'a Letter) -> Self {
        match letter {
            Letter::ConfirmAddress { link } => Content::told("Confirm your address", SIGNED_UP)
                .link("Confirm and log in", link)
                .after(DAY)
                .after("If it was not you, do nothing: without it there is no account.")
                .within(A_DAY),
            Letter::AccountExists { link } => {
                Content::told("You already have an account", SIGNED_UP_AGAIN)
                    .link("Log in", link)
                    .after(ONCE)
                    .after(AS_IT_WAS)
                    .within(A_QUARTER)
            }
            Letter::LogIn { link } => {
                Content::told("Your link to log in", "Here is the link you asked for.")
                    .link("Log in", link)
                    .after(ONCE)
                    .after("If you did not ask for it, do nothing.")
                    .within(A_QUARTER)
            }
            Letter::GoOnSubscribing { link } => Content::told("Go on subscribing", GO_ON)
                .link("Log in and go on", link)
                .after(ONCE)
                .after("If it was not you, do nothing: nothing was ordered.")
                .within(A_QUARTER),
            Letter::OpenAccount { link } => Content::told("Open your account", OPEN)
                .link("Open my account", link)
                .after(DAY)
                .after(NOT_YOURS)
                .within(A_DAY),
            Letter::NoAccount { link } => {
                Content::told("There is no account with this address", NO_ACCOUNT)
                    .link("Make an account", link)
                    .after("If it was not you, do nothing.")
            }
            Letter::ResetPassword { link } => {
                Content::told("Set a new password", "Here is the link to set a new password.")
                    .link("Set a new password", link)
                    .after(ONCE)
                    .after(AS_IT_WAS)
                    .within(A_QUARTER)
            }
            Letter::PasswordChanged { at } => {
                Content::told("Your password was changed", password_changed(*at))
                    .after(RESET_AT_ONCE)
            }
            Letter::ConfirmAddressChange { link, new_address } => {
                Content::told("Shall we write to another address?", address_change(new_address))
                    .link("Agree", link)
                    .after(DAY)
                    .after("If it was not you, do not agree, and change your password.")
                    .within(A_DAY)
            }
            Letter::ConfirmNewAddress { link } => {
                Content::told("Shall we write to this address?", NEW_ADDRESS)
                    .link("Agree", link)
                    .after(DAY)
                    .after("If it was not you, do nothing.")
                    .within(A_DAY)
            }
            Letter::AddressTaken => {
                Content::told("This address has an account already", TAKEN).after(AS_IT_WAS)
            }
            Letter::AddressChanged => {
                let what = "From now on we write to your other address.";
                Content::told("Your address was changed", what)
                    .after("If it was not you, tell us at once.")
            }
            Letter::TokenReused { device, at } => {
                Content::told("We logged a device out", token_reused(device, *at))
                    .after(LOOK_AT_DEVICES)
            }
            Letter::AccountErased { at } => Content::told("Your account was erased", erased(*at))
                .after("This is the last mail about it."),
        }
    }
}

/// How long links that log in work. A link that is over helps nobody.
const A_QUARTER: Duration = Duration::minutes(15);
/// How long links that only confirm work.
const A_DAY: Duration = Duration::hours(24);
const SIGNED_UP: &str = "Somebody, hopefully you, asked for an account with this address and chose \
    a password.";
const SIGNED_UP_AGAIN: &str = "Somebody, hopefully you, asked for an account with this address. \
    There is one already, so here is a way into it.";
const GO_ON: &str = "Somebody, hopefully you, wants to subscribe with this address. It has an account \
    already, so log in by this link, and go on where you were.";
const OPEN: &str = "You have subscribed with this address. One click says that it is yours; then you \
    can read on every device, see your receipts, and cancel whenever you like.";
const NOT_YOURS: &str = "If it was not you, do nothing. Nobody can log in without this mail.";
const NO_ACCOUNT: &str = "Somebody, hopefully you, tried to log in with this address, but it has \
    no account. Perhaps yours is with another address; or make one.";
const NEW_ADDRESS: &str =
    "Somebody, hopefully you, asked us to use this address for their account.";
const TAKEN: &str = "Somebody, hopefully you, asked us to use this address for another account. It \
    has one of its own, so we cannot.";
const ONCE: &str = "The link works once, within 15 minutes.";
const DAY: &str = "The link works once, within 24 hours.";
const AS_IT_WAS: &str = "If it was not you, do nothing: your account is as it was.";
const RESET_AT_ONCE: &str = "If it was not you, set a new password at once: the login page sends \
    you a link.";
const LOOK_AT_DEVICES: &str = "Log in again. If your account lists devices that you do not know, \
    change your password.";

fn password_changed(at: Timestamp) -> String {
    format!("It was changed on {}. Every device was logged out.", moment(at))
}

fn address_change(new: &Address) -> String {
    format!(
        "Somebody who is logged in to your account asked us to write to {} from now on. We do so \
         when both addresses have agreed.",
        new.typed()
    )
}

fn token_reused(device: &str, at: Timestamp) -> String {
    format!(
        "On {} somebody used a copy of the key that kept this device logged in: {device}. So we \
         logged it out.",
        moment(at)
    )
}

fn erased(at: Timestamp) -> String {
    format!(
        "It was erased on {}, with everything that we held about you. Only what the law makes us \
         keep about payments stays, without your name.",
        moment(at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::letter::Rendered;

    fn all() -> Vec<Letter> {
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
            Letter::OpenAccount { link: link() },
            Letter::PasswordChanged { at },
            Letter::ConfirmAddressChange { link: link(), new_address: new_address.clone() },
            Letter::ConfirmNewAddress { link: link() },
            Letter::AddressTaken,
            Letter::AddressChanged,
            Letter::TokenReused { device: "<script>alert(1)</script>".into(), at },
            Letter::AccountErased { at },
        ]
    }

    #[test]
    fn every_letter_is_whole_and_safe() {
        let mut subjects = std::collections::HashSet::new();
        for letter in all() {
            let content = Content::from(&letter);
            let Rendered { subject, text, html } = content.render("The <Fathom>").unwrap();
            assert!(!subject.is_empty() && subjects.insert(subject.clone()), "{subject}");
            assert!(subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            assert!(!html.contains("<script") && !html.contains("<Fathom"), "{html}");
            assert!(!html.contains("<z>") && !html.contains("http://"), "{html}");
            assert!(text.contains("The <Fathom>") && !text.contains("&lt;"), "{text}");
            assert!(!text.contains("\n\n\n"), "{text:?}");
            let link = text.lines().find(|line| line.starts_with("https://"));
            assert_eq!(link.is_some(), content.action.is_some(), "{text}");
            assert!(
                link.is_none_or(|link| link == "https://pay.example/login/link?token=pgl_x&y=<z>")
            );
        }
    }
}
