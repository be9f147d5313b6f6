//! What a device is called on its owner's pages, from its `User-Agent`: the browser and the
//! system. Browsers send long and misleading names; whatever is not known stays as it was sent.

use crate::{auth::session::model::UNNAMED, language::Words};

/// What a browser's `User-Agent` holds, and what people call it. The first that fits is it: most
/// browsers name the ones they want to be taken for too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for systems.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// "Firefox on Windows"; `sent` itself where it is not known.
#[must_use]
pub fn of(words: &Words, sent: &str) -> String {
    if sent == UNNAMED {
        return words.say("account-unnamed-device");
    }
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(part, _)| sent.contains(part)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => {
            let variables = [("browser", browser.into()), ("system", system.into())];
            words.with("account-device", &variables)
        }
        _ => sent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn devices_have_the_names_that_people_know() {
        let english = Words::default();
        for (sent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/156.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0",
                "Firefox on Android",
            ),
            ("reader-app/2.1", "reader-app/2.1"),
            (UNNAMED, "a device without a name"),
            ("", ""),
        ] {
            assert_eq!(of(&english, sent), expected);
        }
        let french = Words::new(Language::French, "UTC");
        assert_eq!(of(&french, "(Mac OS X) Safari/1"), "Safari sur Mac");
    }
}
