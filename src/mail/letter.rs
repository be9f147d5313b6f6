//! What we write to people, and how it reads. Pure.
//!
//! Each letter says what happened, what to do, and what it means if it was not you. Subjects are
//! fixed texts, so that nothing from outside can reach a header.

use std::borrow::Cow;

use askama::Template;
use time::{Duration, format_description::StaticFormatDescription, macros::format_description};

use super::address::Address;
use crate::clock::Timestamp;

const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year] at [hour]:[minute] UTC");

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

/// A letter as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: &'static str,
    /// For those who read text.
    pub text: String,
    /// For those who read HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/templates/letter.html", config = ".config/askama.toml")]
struct HtmlPart<'a> {
    content: &'a Content<'a>,
    publisher: &'a str,
}

struct Content<'a> {
    subject: &'static str,
    /// What happened.
    before: Cow<'static, str>,
    /// What the link does, and the link.
    action: Option<(&'static str, &'a str)>,
    /// How long it works, and what if it was not you.
    after: &'static [&'static str],
}

impl Content<'_> {
    fn text(&self, publisher: &str) -> String {
        let mut paragraphs = vec![self.before.to_string()];
        if let Some((label, link)) = self.action {
            // A link that stands alone is a link in every program for mail.
            paragraphs.extend([format!("{label}:"), link.to_owned()]);
        }
        paragraphs.extend(self.after.iter().map(ToString::to_string));
        // Two dashes and a space: what follows is the signature (RFC 3676, section 4.3).
        paragraphs.push(format!("-- \n{publisher}\n"));
        paragraphs.join("\n\n")
    }

    fn after(self, after: &'static [&'static str]) -> Self {
        Self { after, ..self }
    }
}

impl Letter {
    /// How long after it was written it may still be sent. A link that is over helps nobody.
    #[must_use]
    pub fn keeps_for(&self) -> Duration {
        match self {
            Self::LogIn { .. } | Self::AccountExists { .. } | Self::ResetPassword { .. } => {
                Duration::minutes(15)
            }
            Self::ConfirmAddress { .. }
            | Self::ConfirmAddressChange { .. }
            | Self::ConfirmNewAddress { .. } => Duration::hours(24),
            _ => Duration::days(7),
        }
    }

    /// The letter in the name of `publisher`.
    ///
    /// # Errors
    /// When a template cannot be written out.
    pub fn render(&self, publisher: &str) -> askama::Result<Rendered> {
        let content = self.content();
        Ok(Rendered {
            subject: content.subject,
            text: content.text(publisher),
            html: HtmlPart { content: &content, publisher }.render()?,
        })
    }

    fn content(&self) -> Content<'_> {
        match self {
            Self::ConfirmAddress { link } => {
                with_link("Confirm your address", SIGNED_UP, ("Confirm and log in", link))
                    .after(&[DAY, "If it was not you, do nothing: without it there is no account."])
            }
            Self::AccountExists { link } => {
                with_link("You already have an account", SIGNED_UP_AGAIN, ("Log in", link))
                    .after(&[ONCE, AS_IT_WAS])
            }
            Self::LogIn { link } => with_link(
                "Your link to log in",
                "Here is the link you asked for.",
                ("Log in", link),
            )
            .after(&[ONCE, "If you did not ask for it, do nothing."]),
            Self::NoAccount { link } => {
                let subject = "There is no account with this address";
                with_link(subject, NO_ACCOUNT, ("Make an account", link))
                    .after(&["If it was not you, do nothing."])
            }
            Self::ResetPassword { link } => {
                let before = "Here is the link to set a new password.";
                with_link("Set a new password", before, ("Set a new password", link))
                    .after(&[ONCE, AS_IT_WAS])
            }
            Self::PasswordChanged { at } => {
                told("Your password was changed", password_changed(*at)).after(&[RESET_AT_ONCE])
            }
            Self::ConfirmAddressChange { link, new_address } => {
                let subject = "Shall we write to another address?";
                with_link(subject, address_change(new_address), ("Agree", link))
                    .after(&[DAY, "If it was not you, do not agree, and change your password."])
            }
            Self::ConfirmNewAddress { link } => {
                with_link("Shall we write to this address?", NEW_ADDRESS, ("Agree", link))
                    .after(&[DAY, "If it was not you, do nothing."])
            }
            Self::AddressTaken => {
                told("This address has an account already", TAKEN).after(&[AS_IT_WAS])
            }
            Self::AddressChanged => {
                told("Your address was changed", "From now on we write to your other address.")
                    .after(&["If it was not you, tell us at once."])
            }
            Self::TokenReused { device, at } => {
                told("We logged a device out", token_reused(device, *at)).after(&[LOOK_AT_DEVICES])
            }
            Self::AccountErased { at } => told("Your account was erased", erased(*at))
                .after(&["This is the last mail about it."]),
        }
    }
}

const SIGNED_UP: &str = "Somebody, hopefully you, asked for an account with this address and chose \
    a password.";
const SIGNED_UP_AGAIN: &str = "Somebody, hopefully you, asked for an account with this address. \
    There is one already, so here is a way into it.";
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

fn with_link<'a>(
    subject: &'static str,
    before: impl Into<Cow<'static, str>>,
    (label, link): (&'static str, &'a str),
) -> Content<'a> {
    Content { subject, before: before.into(), action: Some((label, link)), after: &[] }
}

fn told(subject: &'static str, what: impl Into<Cow<'static, str>>) -> Content<'static> {
    Content { subject, before: what.into(), action: None, after: &[] }
}

fn moment(at: Timestamp) -> String {
    at.date_time().format(&MOMENT).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let Rendered { subject, text, html } = letter.render("The <Fathom>").unwrap();
            assert!(!subject.is_empty() && subjects.insert(subject), "{subject}");
            assert!(subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            assert!(!html.contains("<script") && !html.contains("<Fathom"), "{html}");
            assert!(!html.contains("<z>") && !html.contains("http://"), "{html}");
            assert!(text.contains("The <Fathom>") && !text.contains("&lt;"), "{text}");
            assert!(!text.contains("\n\n\n"), "{text:?}");
            let link = text.lines().find(|line| line.starts_with("https://"));
            assert_eq!(link.is_some(), letter.content().action.is_some(), "{text}");
            assert!(
                link.is_none_or(|link| link == "https://pay.example/login/link?token=pgl_x&y=<z>")
            );
        }
    }
}
