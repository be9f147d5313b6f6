//! How readers are written to. Pure.

use super::model::Reader;
use crate::{
    language::{Language, Words},
    mail::{letter::Look, recipient::Recipient},
    site::directory::Snapshot,
};

impl Reader {
    /// The reader as somebody to write to: in the name of the site where the account was begun, by
    /// its calendar, and in the language that it speaks or else in theirs.
    #[must_use]
    pub fn recipient(&self, sites: &Snapshot, public_url: &str) -> Recipient {
        let site = self.site.as_deref().and_then(|id| sites.site(id));
        let only = site.as_ref().and_then(|site| site.look.language);
        let zone = site.as_ref().map_or("UTC", |site| &site.site.time_zone);
        let words = Words::new(Language::choose(only, self.language, None), zone);
        let look = site.as_ref().map(|site| Look::of_site(site, public_url));
        Recipient { address: self.email.clone(), words, look }
    }
}
