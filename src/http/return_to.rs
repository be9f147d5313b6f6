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
    Site(String),
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Here(address) | Destination::Site(address) => address,
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
    let is_site = is_plain(wanted) && origins.iter().any(is_there);
    is_site.then(|| Destination::Site(wanted.to_owned()))
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
        for address in
            ["https://news.example", "https://news.example/a?b#c", "http://localhost:3000/"]
        {
            let site = Destination::Site(address.to_owned());
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
}
