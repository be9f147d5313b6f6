//! Where to go next: only ever to a path of our own, or back to a site of the publisher.

/// Longest path.
const LENGTH_MAX: usize = 1_000;

/// The path to go to, or `home` where `wanted` is not plainly one of ours.
#[must_use]
pub fn checked<'a>(wanted: &'a str, home: &'a str) -> &'a str {
    if is_ours(wanted) { wanted } else { home }
}

fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    text.len() <= LENGTH_MAX && text.bytes().all(is_plain)
}

fn is_ours(wanted: &str) -> bool {
    // A percent sign could hide a slash from us that a browser sees.
    let hides = wanted.get(..10).unwrap_or(wanted).to_ascii_lowercase();
    wanted.starts_with('/')
        && !wanted.starts_with("//")
        && is_plain(wanted)
        && !hides.contains("%2f")
        && !hides.contains("%5c")
}

/// A place to go back to that is known to be the publisher's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A path of our own.
    Here(String),
    /// An address of a site.
    Site {
        /// All of it.
        address: String,
        /// The origin of the site that it begins with.
        origin: String,
    },
}

/// The parameter by which an address carries a code to a website.
pub const CODE: &str = "pressgate_code";

/// The same address with `code`. A code that it carried before is left out; everything else stays,
/// byte for byte.
#[must_use]
pub fn with_code(address: &str, code: &str) -> String {
    let (address, fragment) = match address.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (address, String::new()),
    };
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_code(pair));
    let code = format!("{CODE}={code}");
    let query: Vec<&str> = kept.chain([code.as_str()]).collect();
    format!("{path}?{}{fragment}", query.join("&"))
}

/// Whether a website would read this pair as the parameter [`CODE`], however it is spelled.
fn is_code(pair: &str) -> bool {
    let read = serde_urlencoded::from_str::<Vec<(String, String)>>(pair);
    read.is_ok_and(|pairs| pairs.iter().any(|(name, _)| name == CODE))
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Here(address) | Destination::Site { address, .. } => address,
        }
    }
}

/// Where `wanted` leads, if it is a path of our own, or an address of a site that lives at one of
/// `origins`.
#[must_use]
pub fn back(wanted: &str, origins: &[String]) -> Option<Destination> {
    if is_ours(wanted) {
        return Some(Destination::Here(wanted.to_owned()));
    }
    let goes_on = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?', '#']);
    let is_there = |origin: &String| wanted.strip_prefix(origin.as_str()).is_some_and(goes_on);
    let origin = origins.iter().find(|origin| is_there(origin))?.clone();
    is_plain(wanted).then(|| Destination::Site { address: wanted.to_owned(), origin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own() {
        for path in ["/", "/demo/articles/how-tides-work", "/account?x=1", "/a/b#c"] {
            assert_eq!(checked(path, "/account"), path);
        }
        let long = format!("/{}", "a".repeat(LENGTH_MAX));
        for path in [
            "",
            "account",
            "//evil.example",
            "///evil",
            "/\\evil",
            "\\/evil",
            "https:evil",
            "https://evil.example",
            "/%2fevil.example",
            "/%2Fevil",
            "/%5cevil",
            "javascript:alert(1)",
            "/a\nLocation: x",
            "/\t/evil",
            "/é",
            " /a",
            &long,
        ] {
            assert_eq!(checked(path, "/account"), "/account", "{path}");
            assert_eq!(back(path, &["https://news.example".to_owned()]), None, "{path}");
        }
    }

    #[test]
    fn or_a_site_of_the_publisher() {
        let origins = ["https://news.example".to_owned(), "http://localhost:3000".to_owned()];
        assert_eq!(back("/demo/", &origins), Some(Destination::Here("/demo/".to_owned())));
        for (address, origin) in [
            ("https://news.example", 0),
            ("https://news.example/a?b#c", 0),
            ("http://localhost:3000/", 1),
        ] {
            let origin = origins[origin].clone();
            let site = Destination::Site { address: address.to_owned(), origin };
            assert_eq!(back(address, &origins), Some(site));
        }
        for address in [
            "https://news.example.evil.example/",
            "https://news.example@evil.example/",
            "https://news.example:8443/",
            "http://news.example/",
            "https://news.example\\@evil.example",
            "HTTPS://news.example/",
            "https://news.example/\r\nLocation: https://evil.example",
            "javascript:alert(1)//https://news.example",
        ] {
            assert_eq!(back(address, &origins), None, "{address}");
        }
    }

    #[test]
    fn an_address_carries_one_code_and_keeps_the_rest() {
        for (address, expected) in [
            ("https://news.example", "https://news.example?pressgate_code=c"),
            ("https://news.example/", "https://news.example/?pressgate_code=c"),
            ("https://news.example/a#b?c", "https://news.example/a?pressgate_code=c#b?c"),
            (
                "https://news.example/a?b=%20&c#d",
                "https://news.example/a?b=%20&c&pressgate_code=c#d",
            ),
            ("https://news.example/a?&b=1&", "https://news.example/a?b=1&pressgate_code=c"),
            (
                "https://news.example/?pressgate_code=x&b=1",
                "https://news.example/?b=1&pressgate_code=c",
            ),
            ("https://news.example/?pressgate%5Fcode=x", "https://news.example/?pressgate_code=c"),
            (
                "https://news.example/?b=pressgate_code",
                "https://news.example/?b=pressgate_code&pressgate_code=c",
            ),
        ] {
            assert_eq!(with_code(address, "c"), expected);
        }
    }
}
