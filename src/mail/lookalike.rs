//! Domain names that can be mistaken for others, by the rules of Unicode TR39. Pure.

use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

/// Delegated top-level domains that consist of letters with ASCII twins. ICANN reviewed them before
/// delegation, and without the exception no address in Bulgaria's or Serbia's own script would pass.
const DELEGATED: [&str; 5] = ["бг", "орг", "рус", "срб", "հայ"];

/// Whether a label of `domain`, given in its ASCII form, mixes scripts beyond the "highly
/// restrictive" level, or is drawn like a name in plain ASCII.
pub(super) fn is_lookalike(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let top_level = labels.next().map(decoded);
    let is_delegated = |label: &String| DELEGATED.contains(&label.as_str());
    let top_level = top_level.filter(|label| !is_delegated(label));
    labels.map(decoded).chain(top_level).any(|label| is_confusable(&label))
}

/// The label as people see it. What cannot be decoded stays in ASCII, and no mail reaches it.
fn decoded(label: &str) -> String {
    idna::domain_to_unicode(label).0
}

fn is_confusable(label: &str) -> bool {
    if label.is_ascii() {
        return false;
    }
    !label.check_restriction_level(RestrictionLevel::HighlyRestrictive)
        || skeleton(label).all(|character| character.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(domain: &str) -> String {
        idna::domain_to_ascii_strict(domain).unwrap()
    }

    #[test]
    fn names_that_look_like_others_are_found() {
        for domain in [
            // One script, every letter of which has a twin in ASCII.
            "аррӏе.com",
            "ѕсоре.org",
            "роса.example",
            "сахара.example",
            "νο.example",
            "օուսո.example",
            "оре.рф",
            // Latin letters other than a to z.
            "ısı.com",
            "fı.example",
            "ɡoogle.com",
            "ᴘaypal.com",
            // Two scripts.
            "gооgle.com",
            "paypaӏ.com",
            "micrоsoft.com",
            "scοpe.example",
            "googlе.com",
            "ελλάδаa.example",
            "бa.example",
            "тест한국.example",
            "東京тест.example",
            "日本गा.example",
            // Not letters of any language in use.
            "i❤.ws",
            "ʻokina.example",
            "ꭓyz.example",
            // Wherever the label is.
            "mail.аррӏе.com",
            "аррӏе.co.uk",
            "example.сае",
            "аррӏе.бг",
            "xn--80ak6aa92e.com",
            "mail.xn--80ak6aa92e.com",
        ] {
            assert!(is_lookalike(&ascii(domain)), "{domain}");
        }
    }

    #[test]
    fn names_in_every_script_in_use_pass() {
        for domain in [
            "example.org",
            "xn.example",
            "rnicrosoft.example",
            "a-b-c.example",
            "müller.de",
            "bücher.example",
            "straße.de",
            "kærgård.dk",
            "smørrebrød.dk",
            "ñandú.es",
            "éclair.fr",
            "żółw.pl",
            "çağrı.example",
            "col·legi.cat",
            "почта.рф",
            "москва.рус",
            "новини.бг",
            "вести.срб",
            "пример.орг",
            "фірма.укр",
            "δοκιμή.ελ",
            "գիրք.հայ",
            "მაგალითი.გე",
            "ישראל.example",
            "مثال.مصر",
            "उदाहरण.भारत",
            "ตัวอย่าง.ไทย",
            "例え.jp",
            "東京ラーメン.jp",
            "sony東京カメラ.jp",
            "ニュース.jp",
            "中文.台灣",
            "abc中文.com",
            "한국.kr",
            "abc한국.kr",
            "韓國한국.kr",
            "xn--mller-kva.de",
        ] {
            assert!(!is_lookalike(&ascii(domain)), "{domain}");
        }
    }

    #[test]
    fn the_delegated_names_are_an_exception_only_at_the_top() {
        for name in DELEGATED {
            assert!(!is_lookalike(&ascii(&format!("почта.{name}"))), "{name}");
            assert!(is_lookalike(&ascii(&format!("{name}.example"))), "{name}");
        }
    }
}
