//! What a site is.

use axum::http::Uri;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{clock::Timestamp, metering::policy::Policy};

const NAME_MAX: usize = 100;
const ORIGINS_MAX: usize = 20;

/// One title of the publisher.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// Its name in addresses and tokens: lower-case letters, digits and `-`, 1 to 40 of them.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where its pages live, `https://news.example`.
    pub origins: Vec<String>,
    /// The IANA name of the zone whose calendar its meter follows.
    pub time_zone: String,
    /// What it gives away free.
    pub policy: Policy,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What is wrong with a site, one line for each mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.join("\n"))]
pub struct InvalidSite(pub Vec<String>);

impl Site {
    /// Checks every field.
    ///
    /// # Errors
    /// [`InvalidSite`] names all mistakes.
    pub fn checked(self) -> Result<Self, InvalidSite> {
        let mut mistakes = Vec::new();
        let id_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=40).contains(&self.id.len()) || !self.id.bytes().all(id_char) {
            mistakes.push("id: must be 1 to 40 lower-case letters, digits and `-`".to_owned());
        }
        let name_ok = (1..=NAME_MAX).contains(&self.name.chars().count())
            && !self.name.chars().any(char::is_control);
        if !name_ok {
            mistakes.push(format!("name: must have 1 to {NAME_MAX} printable characters"));
        }
        if self.origins.len() > ORIGINS_MAX {
            mistakes.push(format!("origins: at most {ORIGINS_MAX}"));
        }
        for origin in self.origins.iter().filter(|origin| !is_origin(origin)) {
            mistakes.push(format!(
                "origins: `{origin}` must be a scheme, a host and at most a port, \
                 such as `https://news.example`"
            ));
        }
        if TimeZone::get(&self.time_zone).is_err() {
            let zone = &self.time_zone;
            mistakes.push(format!("time_zone: `{zone}` is no IANA name such as `Europe/Paris`"));
        }
        if mistakes.is_empty() { Ok(self) } else { Err(InvalidSite(mistakes)) }
    }

    /// Whether two sites let a pool mean two different windows, and which pool.
    #[must_use]
    pub fn clash<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        self.policy.rules.iter().find_map(|rule| {
            let pool = rule.pool.as_deref()?;
            let differs = |theirs: &crate::metering::policy::Rule| {
                theirs.pool.as_deref() == Some(pool)
                    && (theirs.window != rule.window || other.time_zone != self.time_zone)
            };
            other.policy.rules.iter().any(differs).then_some(pool)
        })
    }
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let scheme_ok = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
    let host_ok = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    scheme_ok && bare && host_ok && text == text.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metering::policy::Rule;

    fn site() -> Site {
        Site {
            id: "demo".into(),
            name: "The Demo".into(),
            origins: vec!["https://news.example".into(), "http://localhost:8080".into()],
            time_zone: "Europe/Paris".into(),
            policy: Policy::from(vec![Rule::everyone(1, "P30D".parse().unwrap())]),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_mistake_is_named() {
        assert!(site().checked().is_ok());
        let wrong = Site {
            id: "Demo!".into(),
            name: "\u{7}".into(),
            origins: [
                "news.example",
                "https://a.example/",
                "ftp://a.example",
                "https://u@a.example",
            ]
            .map(String::from)
            .to_vec(),
            time_zone: "Mars/Olympus".into(),
            ..site()
        };
        assert_eq!(wrong.checked().unwrap_err().0.len(), 7);
    }

    #[test]
    fn a_shared_pool_means_one_window() {
        let shared = |window: &str, zone: &str| {
            let rule =
                Rule { pool: Some("all".into()), ..Rule::everyone(1, window.parse().unwrap()) };
            Site { time_zone: zone.into(), policy: Policy::from(vec![rule]), ..site() }
        };
        let paris = shared("day", "Europe/Paris");
        assert_eq!(paris.clash(&shared("day", "Europe/Paris")), None);
        assert_eq!(paris.clash(&shared("week", "Europe/Paris")), Some("all"));
        assert_eq!(paris.clash(&shared("day", "Asia/Tokyo")), Some("all"));
        assert_eq!(paris.clash(&site()), None);
    }
}
