//! One line of a web server's access log, in the Common or the Combined format. Pure, and on bytes:
//! a log holds whatever clients sent.
//!
//! What follows the agent is ignored, so that formats which only add fields to Combined work too.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use crate::clock::Timestamp;

/// What a line says, as far as a meter cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The client: an address, or a host name where the server looks names up.
    pub address: &'a [u8],
    /// When the server took the request.
    pub at: Timestamp,
    /// `None` where the client sent none that the server understood.
    pub request: Option<Request<'a>>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// `None` in the Common format, which has no agent; `-` where the client named none.
    pub agent: Option<&'a [u8]>,
}

/// The first line of a request. Escapes (`\"`, `\x22`) stay as the server wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Such as `GET`.
    pub method: &'a [u8],
    /// The path and the query, or a whole URL from a client that took the server for a proxy.
    pub target: &'a [u8],
}

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum BadLine {
    /// Beyond what is kept of a line.
    #[error("is longer than 64 KiB")]
    TooLong,
    /// Nothing to read.
    #[error("is empty")]
    Empty,
    /// No `[day/month/year:hour:minute:second zone]` after the address.
    #[error("has no time such as [17/May/2015:10:05:03 +0000]")]
    Time,
    /// No quoted request after the time.
    #[error("has no request in quotes")]
    Request,
    /// No three digits after the request.
    #[error("has no status after the request")]
    Status,
    /// The agent's quotes do not open or close: the line is cut off, or of another format.
    #[error("has no agent in quotes at its end")]
    Agent,
}

/// Reads one line, without its line break.
///
/// # Errors
/// What the line lacks.
pub fn parse(line: &[u8]) -> Result<Entry<'_>, BadLine> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Err(BadLine::Empty);
    }
    let (address, rest) = cut(line, b' ').ok_or(BadLine::Time)?;
    let (at, rest) = bracketed_time(rest).ok_or(BadLine::Time)?;
    let (request, rest) = quoted(rest.trim_ascii_start()).ok_or(BadLine::Request)?;
    let (status, rest) = status(rest.trim_ascii_start()).ok_or(BadLine::Status)?;
    let agent = agent(rest)?;
    Ok(Entry { address, at, request: Request::parse(request), status, agent })
}

impl<'a> Request<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (method, rest) = cut(text, b' ')?;
        if method.is_empty() || !method.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        // A target may hold spaces that a client forgot to encode; the protocol never does.
        let target = match rest.iter().rposition(|byte| *byte == b' ') {
            Some(space) => match rest.split_at_checked(space)? {
                (target, protocol) if protocol.starts_with(b" HTTP/") => target,
                _ => rest,
            },
            None => rest,
        };
        (!target.is_empty()).then_some(Self { method, target })
    }
}

/// Skips the identity and the user, who may have chosen a name with spaces and brackets.
fn bracketed_time(text: &[u8]) -> Option<(Timestamp, &[u8])> {
    let openings = text.windows(2).enumerate().filter(|(_, pair)| *pair == b" [");
    openings.map(|(place, _)| place + 2).find_map(|start| {
        let (stamp, rest) = text.get(start..)?.split_first_chunk::<26>()?;
        Some((timestamp(stamp)?, rest.strip_prefix(b"]")?))
    })
}

fn timestamp(stamp: &[u8; 26]) -> Option<Timestamp> {
    let [
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = *stamp
    else {
        return None;
    };
    let two = |tens, ones| u8::try_from(number(&[tens, ones])?).ok();
    let signed = |tens, ones| {
        let value = i8::try_from(two(tens, ones)?).ok()?;
        match sign {
            b'+' => Some(value),
            b'-' => Some(-value),
            _ => None,
        }
    };
    let year = i32::from(number(&[y1, y2, y3, y4])?);
    let date = Date::from_calendar_date(year, month([m1, m2, m3])?, two(d1, d2)?).ok()?;
    // A leap second has no place in Unix time, so it falls together with the one before.
    let time = Time::from_hms(
        two(h1, h2)?,
        two(n1, n2)?,
        match two(s1, s2)? {
            60 => 59,
            second => second,
        },
    );
    let offset = UtcOffset::from_hms(signed(oh1, oh2)?, signed(om1, om2)?, 0).ok()?;
    let at = PrimitiveDateTime::new(date, time.ok()?).assume_offset(offset);
    Timestamp::from_micros(at.unix_timestamp().checked_mul(1_000_000)?)
}

fn month(name: [u8; 3]) -> Option<Month> {
    Some(match &name {
        b"Jan" => Month::January,
        b"Feb" => Month::February,
        b"Mar" => Month::March,
        b"Apr" => Month::April,
        b"May" => Month::May,
        b"Jun" => Month::June,
        b"Jul" => Month::July,
        b"Aug" => Month::August,
        b"Sep" => Month::September,
        b"Oct" => Month::October,
        b"Nov" => Month::November,
        b"Dec" => Month::December,
        _ => return None,
    })
}

fn status(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<3>()?;
    let ends = rest.first().is_none_or(|byte| *byte == b' ');
    Some((number(digits)?, rest)).filter(|_| ends)
}

/// Of what follows the status, which is the size and in the Combined format the referrer and the
/// agent: the agent, or `None` where the line ends after the size.
fn agent(text: &[u8]) -> Result<Option<&[u8]>, BadLine> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (size, rest) = text.split_at_checked(end).ok_or(BadLine::Agent)?;
    if size != b"-" && !size.iter().all(u8::is_ascii_digit) {
        return Err(BadLine::Agent);
    }
    let rest = rest.trim_ascii_start();
    if rest.is_empty() {
        return Ok(None);
    }
    let (_referrer, rest) = quoted(rest).ok_or(BadLine::Agent)?;
    let (agent, _) = quoted(rest.trim_ascii_start()).ok_or(BadLine::Agent)?;
    Ok(Some(agent))
}

/// The text between quotes, in which `\"` does not end it, and what follows.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let mut escaped = false;
    let end = inner.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

/// What is before and after the first `separator`.
fn cut(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == separator)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |sum, digit| {
        let value = char::from(*digit).to_digit(10).and_then(|value| u16::try_from(value).ok())?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMBINED: &str = concat!(
        r#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a.html?b=c HTTP/1.1" 200 203023 "#,
        r#""http://example.org/" "Mozilla/5.0 (X11)""#,
    );

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_combined_line_says_who_read_what_and_when() {
        let entry = parse(COMBINED.as_bytes()).unwrap();
        assert_eq!(entry.address, b"83.149.9.216");
        assert_eq!(entry.at, at("2015-05-17T10:05:03Z"));
        assert_eq!(entry.request, Some(Request { method: b"GET", target: b"/a.html?b=c" }));
        assert_eq!((entry.status, entry.agent), (200, Some(b"Mozilla/5.0 (X11)".as_slice())));
    }

    #[test]
    fn a_common_line_has_no_agent() {
        for size in ["-", "0", "2326"] {
            let line = format!(
                "::1 - frank [o'hara] [10/Oct/2000:13:55:36 -0730] \"GET / HTTP/1.0\" 304 {size}\r"
            );
            let entry = parse(line.as_bytes()).unwrap();
            assert_eq!((entry.address, entry.agent), (b"::1".as_slice(), None));
            assert_eq!(entry.at, at("2000-10-10T21:25:36Z"));
        }
    }

    #[test]
    fn requests_are_taken_as_odd_as_they_come() {
        for (text, expected) in [
            ("GET / HTTP/1.1", Some(("GET", "/"))),
            ("GET /", Some(("GET", "/"))),
            ("GET /two words HTTP/1.1", Some(("GET", "/two words"))),
            (r#"GET /say?\"hi\"\\ HTTP/2.0"#, Some(("GET", r#"/say?\"hi\"\\"#))),
            ("-", None),
            ("", None),
            (r"\x16\x03\x01 \x00", None),
            ("GET  HTTP/1.1", None),
        ] {
            let line = format!("1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"{text}\" 400 0");
            let request = parse(line.as_bytes()).unwrap().request;
            let expected =
                expected.map(|(m, t)| Request { method: m.as_bytes(), target: t.as_bytes() });
            assert_eq!(request, expected, "{text}");
        }
    }

    #[test]
    fn a_bad_line_says_what_it_lacks() {
        let cut_off = &COMBINED[..COMBINED.len() - 1];
        for (line, expected) in [
            ("", BadLine::Empty),
            ("  \t", BadLine::Empty),
            ("hello", BadLine::Time),
            ("1.2.3.4 - - [31/Feb/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1", BadLine::Time),
            ("1.2.3.4 - - [17/May/2015:10:05:03 +0000 \"GET / HTTP/1.1\" 200 1", BadLine::Time),
            ("1.2.3.4 - - [17/May/2015:10:05:03 +0000] GET / 200 1", BadLine::Request),
            ("1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1", BadLine::Request),
            ("1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" OK 1", BadLine::Status),
            ("1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 2000 1", BadLine::Status),
            (cut_off, BadLine::Agent),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(expected), "{line}");
        }
    }

    #[test]
    fn every_month_and_a_leap_second_are_known() {
        let names =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        for (index, name) in names.iter().enumerate() {
            let stamp = format!("28/{name}/2016:23:59:60 +0000");
            let expected = format!("2016-{:02}-28T23:59:59Z", index + 1);
            assert_eq!(timestamp(stamp.as_bytes().try_into().unwrap()), Some(at(&expected)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&line);
        }

        /// Nor does a real line with any of its bytes replaced or its end cut off.
        #[test]
        fn no_damage_makes_it_panic(
            damage in prop::collection::vec((0..COMBINED.len(), any::<u8>()), 0..6),
            length in 0..=COMBINED.len(),
        ) {
            let mut line = COMBINED.as_bytes().to_vec();
            for (place, byte) in damage {
                line[place] = byte;
            }
            let _ = parse(&line[..length]);
        }
    }
}
