//! Programs that say so in their agent. A meter does not lose them as readers, so a replay leaves
//! them out.
//!
//! A rule rather than a list of names: a list is old the day after, and what visits a publisher
//! most is the newest. Programs that pose as browsers are taken for people.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

/// Words of programs. Nearly every crawler leaves an address to complain to, and no browser does.
const PROGRAM: [&str; 18] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "http:",
    "https:",
    "@",
    "feed",
    "fetch",
    "monitor",
    "preview",
    "check",
    "validator",
    "headless",
    "lighthouse",
    "ptst",
    "archiver",
    "pingdom",
];

/// What every browser names: its engine or, of the oldest, itself. Without one of these, an agent
/// is a program too, such as `curl/8.5.0`.
const BROWSER: [&str; 14] = [
    "gecko",
    "webkit",
    "msie",
    "trident",
    "presto",
    "opera",
    "konqueror",
    "links",
    "lynx",
    "netfront",
    "netsurf",
    "w3m",
    "icab",
    "mosaic",
];

/// Words that hold one of [`PROGRAM`] and mean none: Cubot makes telephones.
const INNOCENT: [&str; 1] = ["cubot"];

/// Knows programs by their agents.
#[derive(Debug, Clone)]
pub struct Bots {
    words: AhoCorasick,
}

impl Bots {
    /// Prepares the search.
    ///
    /// # Errors
    /// Never with the words above, which are few and short.
    pub fn new() -> Result<Self, BuildError> {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .build(PROGRAM.iter().chain(&BROWSER).chain(&INNOCENT))
            .map(|words| Self { words })
    }

    /// Whether `agent` is a program that says so. One without any name is: every browser has one.
    #[must_use]
    pub fn knows(&self, agent: &[u8]) -> bool {
        let mut browser = false;
        for found in self.words.find_iter(agent) {
            let word = found.pattern().as_usize();
            if word < PROGRAM.len() {
                return true;
            }
            browser |= word < PROGRAM.len() + BROWSER.len();
        }
        !browser
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_and_people_are_not() {
        let bots = Bots::new().unwrap();
        for agent in [
            "-",
            "",
            "curl/8.5.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) AppleWebKit/536.26 (KHTML, like \
             Gecko) Version/6.0 Mobile/10A5376e Safari/8536.25 (compatible; Googlebot/2.1; \
             +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; \
             +https://openai.com/gptbot)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
            "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)",
            "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
            "Chef Client/10.18.2 (ruby-1.9.3-p327; ohai-6.16.0; x86_64-linux)",
        ] {
            assert!(bots.knows(agent.as_bytes()), "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0",
            "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
             like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/74.0.3729.157 Mobile Safari/537.36",
            "Opera/9.60 (Windows NT 6.0; U; en) Presto/2.1.1",
            "Lynx/2.8.9rel.1 libwww-FM/2.14",
        ] {
            assert!(!bots.knows(agent.as_bytes()), "{agent}");
        }
    }
}
