//! How a mail is written down (RFC 5322). lettre does the writing.

use std::time::{Duration, SystemTime};

use axum::http::Uri;
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use super::Smtp;
use crate::{clock::Timestamp, mail::outbox::StoredMail};

/// Longest address in a header: a line of a mail has at most 998 bytes (RFC 5322, section 2.1.1).
const UNSUBSCRIBE_URL_MAX: usize = 900;

impl Smtp {
    /// The same mail each time that it is tried: its date and its id are those of its row.
    pub(super) fn message(&self, mail: &StoredMail) -> Result<Message, Box<dyn std::error::Error>> {
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

fn system_time(at: Timestamp) -> SystemTime {
    let micros = u64::try_from(at.micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{SmtpSettings, Tls},
        *,
    };
    use crate::mail::address::Address;

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
