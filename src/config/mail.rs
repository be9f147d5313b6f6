//! `[mail]`.

use std::net::IpAddr;

use secrecy::SecretString;

use super::{Mode, layers::Settings};
use crate::mail::{
    address::Address,
    smtp::{SmtpSettings, Tls},
    worker::Sending,
};

/// `[mail]`.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom mails come.
    pub from_address: Address,
    /// In whose name.
    pub from_name: String,
    /// How they are sent; `None` in a sandbox that only keeps them.
    pub smtp: Option<SmtpSettings>,
    /// How often, over how many connections and how fast.
    pub sending: Sending,
}

/// Reads `[mail]`.
pub(super) fn read(settings: &mut Settings, mode: Option<Mode>) -> Option<Mail> {
    let is_live = mode == Some(Mode::Live);
    let from_address = settings.parse_with("mail.from_address", |text| {
        let address = Address::parse(text).map_err(|error| error.to_string())?;
        if is_live && address.key().ends_with("@demo.example") {
            return Err("must be an address of your own, which readers can answer".to_owned());
        }
        Ok(address)
    });
    let from_name = settings.parse_with("mail.from_name", |text| {
        let is_plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
        if is_plain && text.chars().count() <= 100 {
            Ok(text.to_owned())
        } else {
            Err("must be one short line".to_owned())
        }
    });
    let sends = settings.parse_with("mail.transport", |text| match text {
        "smtp" => Ok(true),
        "sandbox" if is_live => Err("must be `smtp`: the sandbox's mailbox sends nothing".into()),
        "sandbox" => Ok(false),
        _ => Err("must be `smtp` or `sandbox`".to_owned()),
    });
    let check = settings.seconds("mail.check_secs", 1..=300);
    let batch_max = settings.number("mail.batch_max", 1..=1_000);
    let connections = settings.number("mail.connections", 2..=64);
    let per_second_max = settings.number("mail.per_second_max", 0..=10_000);
    let sending = Sending { check, connections, batch_max, per_second_max };
    let smtp = if sends? { Some(read_smtp(settings)?) } else { None };
    Some(Mail { from_address: from_address?, from_name: from_name?, smtp, sending })
}

fn read_smtp(settings: &mut Settings) -> Option<SmtpSettings> {
    let host = settings.parse_with("mail.host", |text| {
        let is_name = idna::domain_to_ascii_strict(text).is_ok_and(|name| !name.is_empty());
        if is_name || text.parse::<IpAddr>().is_ok() {
            Ok(text.to_owned())
        } else {
            Err("must name the server that takes mails, such as `smtp.example`".to_owned())
        }
    });
    let is_here = matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "::1"));
    let tls = settings.parse_with("mail.tls", |text| match text {
        "implicit" => Ok(Tls::Implicit),
        "starttls" => Ok(Tls::StartTls),
        "none" if is_here => Ok(Tls::None),
        "none" => Err("may be `none` only to this machine: mails hold links that log in".into()),
        _ => Err("must be `implicit`, `starttls` or `none`".to_owned()),
    });
    let user = settings.text("mail.user");
    let password = settings.parse_with("mail.password", |text| {
        if text.is_empty() == user.is_empty() {
            Ok(SecretString::from(text))
        } else {
            Err("must be set where `mail.user` is, and only there".to_owned())
        }
    });
    let port = settings.number("mail.port", 1..=65_535);
    let timeout = settings.seconds("mail.timeout_secs", 1..=60);
    Some(SmtpSettings {
        port,
        credentials: if user.is_empty() { None } else { Some((user, password?)) },
        timeout,
        host: host?,
        tls: tls?,
    })
}
