//! An address of mail, parsed once; from then on the type is the proof. Pure.

use std::fmt;

use email_address::{EmailAddress, Options};

use super::lookalike::is_lookalike;

/// Most bytes an address may have (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const BYTES_MAX: usize = 254;

/// An address that can be written to. It holds no character that could end a header or a line,
/// and none that only looks like another.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    typed: String,
    key: String,
}

/// Why a text is not accepted as an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It is not an address that we can write to.
    #[error("must be an address such as `name@example.org`, of at most 254 characters")]
    Malformed,
    /// Its domain mixes scripts, or is drawn like another one.
    #[error("must not have a domain that mixes scripts or looks like another one")]
    LookAlike,
}

impl Address {
    /// Reads `text`. White space around it is not part of the address.
    ///
    /// What is before the `@` must be plain ASCII without quotes; what is after it may be an
    /// international name (RFC 5891) that cannot be mistaken for another (Unicode TR39).
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let address = Self::from_stored(text)?;
        let (_, domain) = address.key.split_once('@').unwrap_or_default();
        if is_lookalike(domain) { Err(InvalidAddress::LookAlike) } else { Ok(address) }
    }

    /// Reads an address that was accepted earlier. The rule about look-alikes follows Unicode's
    /// tables, which grow: a row from before must stay readable.
    ///
    /// # Errors
    /// [`InvalidAddress::Malformed`].
    pub fn from_stored(text: &str) -> Result<Self, InvalidAddress> {
        let typed = text.trim_matches(' ');
        if typed.len() > BYTES_MAX {
            return Err(InvalidAddress::Malformed);
        }
        let options =
            Options::default().with_required_tld().without_domain_literal().without_display_text();
        let parsed = EmailAddress::parse_with_options(typed, options)
            .map_err(|_| InvalidAddress::Malformed)?;
        let (local, domain) = (parsed.local_part(), parsed.domain());
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        if !local.bytes().all(is_plain) {
            return Err(InvalidAddress::Malformed);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidAddress::Malformed)?;
        let key = format!("{}@{domain}", local.to_ascii_lowercase());
        if key.len() > BYTES_MAX {
            return Err(InvalidAddress::Malformed);
        }
        Ok(Self { typed: typed.to_owned(), key })
    }

    /// As it was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The same for every spelling of this address: lower case, the domain in ASCII. Fit for
    /// comparing and for SMTP.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same for every address of one mailbox: what follows a `+` is its owner's own word, and
    /// Google ignores dots. Fit for counting people, not for writing to them.
    #[must_use]
    pub fn mailbox(&self) -> String {
        let (local, domain) = self.key.rsplit_once('@').unwrap_or((&self.key, ""));
        let local = match local.split_once('+') {
            Some((name, _)) if !name.is_empty() => name,
            _ => local,
        };
        match domain {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
            _ => format!("{local}@{domain}"),
        }
    }

    /// What is before the `@`, in lower case.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.key.split('@').next().unwrap_or_default()
    }
}

/// Addresses never reach a log.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_have_one_key() {
        for text in ["Anna@Example.org", " anna@example.org ", "ANNA@EXAMPLE.ORG"] {
            assert_eq!(Address::parse(text).unwrap().key(), "anna@example.org", "{text}");
        }
        let address = Address::parse("Anna@bücher.example").unwrap();
        assert_eq!(address.key(), "anna@xn--bcher-kva.example");
        assert_eq!((address.typed(), address.local_part()), ("Anna@bücher.example", "anna"));
    }

    #[test]
    fn addresses_of_one_mailbox_are_one_mailbox() {
        for (address, same_as) in [
            ("anna@example.org", "anna@example.org"),
            ("Anna+news@example.org", "anna@example.org"),
            ("anna+a+b@Example.org", "anna@example.org"),
            ("An.Na+x@gmail.com", "anna@gmail.com"),
            ("an.na@googlemail.com", "anna@gmail.com"),
            ("a.n.n.a+1@GoogleMail.com", "anna@gmail.com"),
            ("an.na@example.org", "an.na@example.org"),
            ("+anna@example.org", "+anna@example.org"),
            ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ] {
            assert_eq!(Address::parse(address).unwrap().mailbox(), same_as, "{address}");
        }
    }

    #[test]
    fn what_cannot_be_written_to_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b.org",
            "a@b",
            "a b@c.org",
            "a@b c.org",
            "a@@b.org",
            "a@[1.2.3.4]",
            "Anna <a@b.org>",
            "\"a b\"@c.org",
            "a@b.org\n",
            "a\r\nBcc: x@y.org@b.org",
            "a\0@b.org",
            "a\u{202e}@b.org",
            "a@b\u{200b}.org",
            "ann\u{e4}@b.org",
            "a@-b.org",
            "a@b..org",
            "a@b.org,c@d.org",
            "a@b.org;c@d.org",
            "<a@b.org>",
            &long,
        ] {
            assert_eq!(Address::parse(text), Err(InvalidAddress::Malformed), "{text:?}");
        }
    }

    #[test]
    fn a_domain_that_passes_for_another_is_refused_but_stays_readable() {
        for text in
            ["a@аррӏе.com", "a@xn--80ak6aa92e.com", "a@mail.gооgle.com", "a@XN--80AK6AA92E.com"]
        {
            assert_eq!(Address::parse(text), Err(InvalidAddress::LookAlike), "{text}");
            assert!(Address::from_stored(text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_is_safe_in_a_header(text in "\\PC{0,40}@\\PC{1,40}\\.org") {
            if let Ok(address) = Address::parse(&text) {
                proptest::prop_assert!(address.key().bytes().all(|byte| byte.is_ascii_graphic()));
                let again = Address::parse(address.key()).unwrap();
                proptest::prop_assert_eq!(again.key(), address.key());
            }
        }
    }
}
