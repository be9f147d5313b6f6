//! `[mail]`.

use super::layers::Settings;
use crate::mail::address::Address;

/// `[mail]`.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom mails come.
    pub from_address: Address,
    /// In whose name.
    pub from_name: String,
}

/// Reads `[mail]`.
pub(super) fn read(settings: &mut Settings) -> Option<Mail> {
    let from_address = settings.parse_with("mail.from_address", |text| {
        Address::parse(text).map_err(|error| error.to_string())
    });
    let from_name = settings.parse_with("mail.from_name", |text| {
        let is_plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
        if is_plain && text.len() <= 100 {
            Ok(text.to_owned())
        } else {
            Err("must be one short line".to_owned())
        }
    });
    Some(Mail { from_address: from_address?, from_name: from_name? })
}
