//! Where to go after logging in: only ever to a path of our own.

/// Longest path.
const LENGTH_MAX: usize = 500;
/// Where there is nowhere better.
const HOME: &str = "/account";

/// The path to go to, or the account where `wanted` is not plainly one of ours.
pub(super) fn checked(wanted: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_ours = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.len() <= LENGTH_MAX
        && wanted.bytes().all(is_plain);
    // A percent sign could hide a slash from us that a browser sees.
    let hides = wanted.get(..10).unwrap_or(wanted).to_ascii_lowercase();
    if is_ours && !hides.contains("%2f") && !hides.contains("%5c") { wanted } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own() {
        for path in ["/", "/demo/articles/how-tides-work", "/account?x=1", "/a/b#c"] {
            assert_eq!(checked(path), path);
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
            assert_eq!(checked(path), HOME, "{path}");
        }
    }
}
