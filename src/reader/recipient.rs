//! How readers are written to. Pure.

use super::model::Reader;
use crate::{
    language::{Language, Words},
    mail::recipient::Recipient,
    site::directory::Snapshot,
};

impl Reader {
    /// The reader as somebody to write to: in their language, by the calendar of the site where
    /// the account was begun.
    #[must_use]
    pub fn recipient(&self, sites: &Snapshot) -> Recipient {
        let site = self.site.as_deref().and_then(|id| sites.site(id));
        let zone = site.as_ref().map_or("UTC", |site| &site.site.time_zone);
        let language = Language::choose(None, self.language, None);
        Recipient::new(&self.email, Words::new(language, zone))
    }
}
