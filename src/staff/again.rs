//! Writing to a reader once more: only what is true now, and a fresh link in place of an old one.

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{model::Action, store as audit},
    auth::{
        limit_store::{self, LimitKey},
        limits::Policy,
    },
    billing::{
        engine::{Again, Offer},
        notice::NoticeKind,
    },
    reader::{model::Reader, store as readers},
};

/// Most letters that staff have written to one reader at once; each counts for so long.
const AT_ONCE: u32 = 5;
const EACH: Duration = Duration::minutes(12);

/// How often staff may have letters written to one reader: 5 in an hour.
pub(super) fn limit() -> Policy {
    Policy::new(AT_ONCE, EACH)
}

/// What can be written once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// A fresh link that logs in, or confirms the address.
    LogIn,
    /// What billing tells.
    Billing(Again),
}

impl Letter {
    /// In a form, and in the audit log.
    #[must_use]
    pub fn to_text(self) -> String {
        match self {
            Self::LogIn => "log_in".to_owned(),
            Self::Billing(Again::Receipt(invoice)) => format!("receipt:{invoice}"),
            Self::Billing(Again::Notice(subscription, kind)) => {
                format!("notice:{subscription}:{kind}")
            }
        }
    }

    /// Reads what [`Letter::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "log_in" {
            return Some(Self::LogIn);
        }
        let (what, of) = text.split_once(':')?;
        Some(Self::Billing(match (what, of.split_once(':')) {
            ("receipt", None) => Again::Receipt(of.parse().ok()?),
            ("notice", Some((subscription, kind))) => {
                Again::Notice(subscription.parse().ok()?, NoticeKind::from_name(kind)?)
            }
            _ => return None,
        }))
    }
}

impl Desk {
    /// A reader, and what of billing can be written once more.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn letters_for(&self, id: Uuid) -> Result<(Reader, Vec<Offer>), DeskError> {
        let mut tx = self.db.read().await?;
        let reader = readers::find(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        let offers = self.readers.billing.offers_again(&mut tx, id).await?;
        Ok((reader, offers))
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], also for what is not true any more; [`DeskError::TooMany`].
    pub async fn write_again(
        &self,
        acting: &Acting,
        id: Uuid,
        letter: Letter,
    ) -> Result<(), DeskError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let reader = readers::take(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        let key = LimitKey::again(&id.to_string());
        limit_store::take(&mut tx, key, limit(), now).await?;
        match letter {
            Letter::LogIn => self.readers.write_log_in(&mut tx, &reader, now)?,
            Letter::Billing(again) => {
                if !self.readers.billing.tell_again(&mut tx, id, again).await? {
                    return Err(DeskError::NotFound);
                }
            }
        }
        let entry = acting.entry(Action::ReaderWrittenAgain).on("reader", id);
        let entry = entry.after(json!({"letter": letter.to_text()}));
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_as_they_were_written() {
        let id = Uuid::from_u128(7);
        for letter in [
            Letter::LogIn,
            Letter::Billing(Again::Receipt(id)),
            Letter::Billing(Again::Notice(id, NoticeKind::TrialEnding)),
        ] {
            assert_eq!(Letter::parse(&letter.to_text()), Some(letter));
        }
        for text in ["", "receipt", "receipt:", "receipt:x", "notice:", "reset", "log_in:"] {
            assert_eq!(Letter::parse(text), None, "{text}");
        }
        let unknown = format!("notice:{id}:something");
        assert_eq!(Letter::parse(&unknown), None);
    }
}
