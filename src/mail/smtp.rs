//! Handing mails to an SMTP server (RFC 5321). lettre speaks the protocol.
//!
//! lettre's pool is not used: it keeps a connection on which we gave up waiting, and whoever came
//! next would take the late answer for their own. Here a [`Connection`] serves one round and is
//! dropped after anything that leaves doubt.
//!
//! Servers like to repeat addresses in what they say, so nothing of it is kept but the codes.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use axum::http::Uri;
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::{address::Address, outbox::StoredMail};
use crate::clock::Timestamp;

/// The server wants a login or another one: that is about us and not about a mail.
const LOGIN_WANTED: [u16; 4] = [530, 534, 535, 538];
/// Longest wait for a polite end.
const GOODBYE: Duration = Duration::from_secs(1);

/// How the connection is kept from being read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// After asking for it; a server that does not offer it gets nothing.
    StartTls,
    /// Not at all; to this machine only.
    None,
}

/// How mails are handed over.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub tls: Tls,
    /// Who we are there.
    pub credentials: Option<(String, SecretString)>,
    /// Longest time to connect, and to hand over one mail.
    pub timeout: Duration,
}

/// The server cannot be used as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    /// TLS cannot be had.
    #[error("mail.host: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// The sender's address cannot be written.
    #[error("mail.from_address: {0}")]
    From(#[from] lettre::address::AddressError),
}

/// Why a mail was not sent. The texts hold no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server cannot be used, or not by us; no mail would go.
    #[error("{0}")]
    Server(String),
    /// It did not take this mail now.
    #[error("{0}")]
    Later(String),
    /// It will never take this mail.
    #[error("{0}")]
    Refused(String),
}

/// A server that mails can be handed to.
pub struct Smtp {
    settings: SmtpSettings,
    from: Mailbox,
    /// Our name in `EHLO` and in each `Message-ID`.
    domain: String,
    tls: Option<TlsParameters>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An open connection, ready for mails.
pub struct Connection<'a> {
    smtp: &'a Smtp,
    wire: AsyncSmtpConnection,
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("smtp", self.smtp).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Mails from `from` with that name, one line without control characters, by a service at `public_url`.
    ///
    /// # Errors
    /// [`InvalidSmtp`].
    pub fn new(
        settings: &SmtpSettings,
        (from, name): (&Address, &str),
        public_url: &str,
    ) -> Result<Self, InvalidSmtp> {
        let tls = match settings.tls {
            Tls::None => None,
            Tls::Implicit | Tls::StartTls => {
                Some(TlsParameters::new(settings.host.clone()).map_err(InvalidSmtp::Tls)?)
            }
        };
        let from = Mailbox::new(Some(name.to_owned()), from.key().parse()?);
        let domain = public_url.parse::<Uri>().ok();
        let domain = domain.as_ref().and_then(Uri::host).unwrap_or("localhost").to_owned();
        Ok(Self { settings: settings.clone(), from, domain, tls })
    }

    /// Connects, and logs in where that is set.
    ///
    /// # Errors
    /// [`SendError::Server`].
    pub async fn connect(&self) -> Result<Connection<'_>, SendError> {
        let opened = tokio::time::timeout(self.settings.timeout, self.open()).await;
        let wire = opened.map_err(|_| SendError::Server(NO_ANSWER.to_owned()))?;
        let wire = wire.map_err(|error| SendError::Server(in_words(&error)))?;
        Ok(Connection { smtp: self, wire })
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let SmtpSettings { host, port, tls, credentials, timeout } = &self.settings;
        let hello = match self.domain.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Domain(self.domain.clone()),
        };
        let from_the_start = self.tls.clone().filter(|_| *tls == Tls::Implicit);
        let place = (host.as_str(), *port);
        let mut wire = AsyncSmtpConnection::connect_tokio1(
            place,
            Some(*timeout),
            &hello,
            from_the_start,
            None,
        )
        .await?;
        if let (Tls::StartTls, Some(tls)) = (tls, &self.tls) {
            wire.starttls(tls.clone(), &hello).await?;
        }
        if let Some((user, password)) = credentials {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(user.clone(), password);
            wire.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(wire)
    }

    /// The same mail each time that it is tried: its date and its id are those of its row.
    fn message(&self, mail: &StoredMail) -> Result<Message, Box<dyn std::error::Error>> {
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted"); // RFC 3834
        let parts =
            MultiPart::alternative_plain_html(mail.body_text.clone(), mail.body_html.clone());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.recipient.parse()?))
            .subject(mail.subject.clone())
            .date(system_time(mail.created_at))
            .message_id(Some(format!("<{}@{}>", mail.id, self.domain)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        if let Some(url) = &mail.unsubscribe_url {
            let [url, post] = one_click(url).ok_or("no address that a header can hold")?;
            message = message.raw_header(url).raw_header(post);
        }
        Ok(message.multipart(parts)?)
    }
}

impl Connection<'_> {
    /// Hands over one mail.
    ///
    /// # Errors
    /// [`SendError`]; go on only with what [`Connection::after`] gives.
    pub async fn send(&mut self, mail: &StoredMail) -> Result<(), SendError> {
        let unwritable = |_| SendError::Refused("it cannot be written as a mail".to_owned());
        let message = self.smtp.message(mail).map_err(unwritable)?;
        let timeout = self.smtp.settings.timeout;
        let sent = tokio::time::timeout(timeout, self.hand_over(&message)).await;
        sent.unwrap_or_else(|_| Err(SendError::Later(NO_ANSWER.to_owned())))
    }

    /// Step by step, to know whether the server speaks of us or of the mail.
    async fn hand_over(&mut self, message: &Message) -> Result<(), SendError> {
        let envelope = message.envelope();
        let from = Mail::new(envelope.from().cloned(), Vec::new());
        let of_us = |error| SendError::Server(in_words(&error));
        let of_mail = |error| of_mail(&error);
        self.wire.command(from).await.map_err(of_us)?;
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            self.wire.command(to).await.map_err(of_mail)?;
        }
        self.wire.command(Data).await.map_err(of_mail)?;
        self.wire.message(&message.formatted()).await.map_err(of_mail)?;
        Ok(())
    }

    /// Makes ready for the next mail after `outcome`; `None` when the connection is no good.
    pub async fn after(mut self, outcome: &Result<(), SendError>) -> Option<Self> {
        match outcome {
            Ok(()) => Some(self),
            // An answer that is still under way must not be taken for that to the next mail.
            Err(SendError::Server(_) | SendError::Later(_)) => None,
            Err(SendError::Refused(_)) => {
                let reset = tokio::time::timeout(GOODBYE, self.wire.command(Rset)).await;
                matches!(reset, Ok(Ok(_))).then_some(self)
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Whether it is heard or not, we are done.
        let _ = tokio::time::timeout(GOODBYE, self.wire.quit()).await;
    }
}

/// Longest address in a header: a line of a mail has at most 998 bytes (RFC 5322, section 2.1.1).
const UNSUBSCRIBE_URL_MAX: usize = 900;
const NO_ANSWER: &str = "no answer in time";

/// The headers by which programs for mail leave a list with one POST (RFC 8058). `None` for what is
/// no address of the web, or could end a header.
fn one_click(url: &str) -> Option<[HeaderValue; 2]> {
    let is_url = url.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some());
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,".contains(&byte));
    if !is_url || !is_plain || url.len() > UNSUBSCRIBE_URL_MAX {
        return None;
    }
    let [name, post] =
        ["List-Unsubscribe", "List-Unsubscribe-Post"].map(HeaderName::new_from_ascii_str);
    // Nothing to encode, and an address must not be folded.
    let url = format!("<{url}>");
    let url = HeaderValue::dangerous_new_pre_encoded(name, url.clone(), url);
    Some([url, HeaderValue::new(post, "List-Unsubscribe=One-Click".to_owned())])
}

fn of_mail(error: &lettre::transport::smtp::Error) -> SendError {
    let code = error.status().map(u16::from);
    let why = in_words(error);
    if code.is_some_and(|code| LOGIN_WANTED.contains(&code)) {
        SendError::Server(why)
    } else if error.is_permanent() {
        SendError::Refused(why)
    } else {
        SendError::Later(why)
    }
}

/// What went wrong, without the server's own words.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    let said = std::error::Error::source(error).map(ToString::to_string);
    match error.status() {
        Some(code) => match said.as_deref().and_then(enhanced_code) {
            Some(enhanced) => format!("the server said {code} {enhanced}"),
            None => format!("the server said {code}"),
        },
        None if error.is_timeout() => NO_ANSWER.to_owned(),
        None if error.is_response() => "the server's answer was no SMTP".to_owned(),
        // From here on the words are those of this machine.
        None => error.to_string(),
    }
}

/// A code such as `5.1.1` at the beginning of what a server said (RFC 3463).
fn enhanced_code(said: &str) -> Option<&str> {
    let code = said.split_whitespace().next()?;
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.parse::<u16>().is_ok();
    let is_code = code.split('.').count() == 3 && code.split('.').all(is_number);
    is_code.then_some(code)
}

fn system_time(at: Timestamp) -> SystemTime {
    let micros = u64::try_from(at.micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_server_says_only_the_code_is_kept() {
        assert_eq!(enhanced_code("5.1.1 <anna@example.org> unknown"), Some("5.1.1"));
        for said in ["", "anna@example.org", "5.1 x", "5.1.1.1", "a.b.c", "5..1", "5.1.1234"] {
            assert_eq!(enhanced_code(said), None, "{said}");
        }
    }

    fn smtp(name: &str, public_url: &str) -> Smtp {
        let settings = SmtpSettings {
            host: "localhost".to_owned(),
            port: 25,
            tls: Tls::None,
            credentials: Some(("us".to_owned(), "secret-word".to_owned().into())),
            timeout: Duration::from_secs(1),
        };
        let from = Address::parse("news@pay.example").unwrap();
        Smtp::new(&settings, (&from, name), public_url).unwrap()
    }

    fn mail(recipient: &str, subject: &str, text: &str) -> StoredMail {
        let at = Timestamp::parse("2026-11-23T04:05:06.7Z").unwrap();
        StoredMail {
            id: uuid::Uuid::nil(),
            recipient: recipient.to_owned(),
            subject: subject.to_owned(),
            body_text: text.to_owned(),
            body_html: "<p>Hello</p>".to_owned(),
            unsubscribe_url: None,
            attempts: 1,
            created_at: at,
            expires_at: at,
        }
    }

    #[test]
    fn a_mail_is_the_same_each_time_and_says_that_a_program_wrote_it() {
        let written = smtp("Zürich, \"Täglich\" <x@y.org>\u{2028}", "https://pay.example:8443")
            .message(&mail("anna@xn--bcher-kva.example", "Hello", "Grüße\n\nhttps://x"))
            .unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        assert!(text.is_ascii(), "for servers of every age");
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        for header in [
            "To: anna@xn--bcher-kva.example",
            "Subject: Hello",
            "Date: Mon, 23 Nov 2026 04:05:06 +0000",
            "Message-ID: <00000000-0000-0000-0000-000000000000@pay.example>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.lines().any(|line| line == header), "{header}: {headers}");
        }
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        assert!(headers.contains("<news@pay.example>"), "{headers}");
    }

    #[test]
    fn a_list_can_be_left_with_one_post() {
        let url = format!("https://pay.example/newsletters/unsubscribe?token={}", "x".repeat(200));
        let mail =
            StoredMail { unsubscribe_url: Some(url.clone()), ..mail("a@b.org", "News", "x") };
        let written = smtp("News", "https://pay.example").message(&mail).unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        let lines: Vec<&str> = headers.lines().collect();
        assert!(lines.contains(&format!("List-Unsubscribe: <{url}>").as_str()), "{headers}");
        assert!(lines.contains(&"List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{headers}");
    }

    #[test]
    fn what_could_end_a_header_is_not_sent() {
        let long = format!("https://x.org/{}", "y".repeat(900));
        for url in [
            "",
            "x",
            "/x",
            "https://x.org/\r\nBcc: a@b.org",
            "https://x.org/ y",
            "https://x.org/>,<https://z.org/",
            "https://x.org/é",
            long.as_str(),
        ] {
            let unsubscribe_url = Some(url.to_owned());
            let mail = StoredMail { unsubscribe_url, ..mail("a@b.org", "News", "x") };
            assert!(smtp("News", "https://pay.example").message(&mail).is_err(), "{url}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let shown = format!("{:?}", smtp("News", "https://pay.example"));
        assert!(!shown.contains("secret-word"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_from_a_row_adds_a_header(subject in ".{0,80}", name in "\\PC{1,40}") {
            let smtp = smtp(&name, "https://pay.example");
            if let Ok(written) = smtp.message(&mail("a@b.org", &subject, "x")) {
                let text = String::from_utf8(written.formatted()).unwrap();
                let (headers, _) = text.split_once("\r\n\r\n").unwrap();
                let begun = headers.split("\r\n").filter(|line| !line.starts_with(' '));
                let mut names: Vec<_> =
                    begun.map(|line| line.split(':').next().unwrap().to_owned()).collect();
                names.sort();
                let expected = [
                    "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version",
                    "Message-ID", "Subject", "To",
                ];
                proptest::prop_assert_eq!(names, expected);
            }
        }
    }
}
