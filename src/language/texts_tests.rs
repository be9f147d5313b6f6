//! Every message stands in every language, says the same, and is used.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;

use super::*;
use crate::{clock::Timestamp, language::Words, money::Money};

/// Each message of a language with its variables.
fn messages(files: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for file in files {
        let resource = FluentResource::try_new((*file).to_owned());
        assert!(resource.is_ok(), "{:?} in {file:.60}", resource.err().map(|(_, errors)| errors));
        let mut id = String::new();
        for line in file.lines() {
            let is_text = line.starts_with([' ', '#', '}']) || line.is_empty();
            if let Some((name, _)) = line.split_once(" =").filter(|_| !is_text) {
                id = name.to_owned();
                assert!(found.insert(id.clone(), BTreeSet::new()).is_none(), "{id} stands twice");
            }
            let variables = line.split('$').skip(1).filter(|_| !line.starts_with('#'));
            let name = |text: &str| -> String {
                text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
            };
            if let Some(of) = found.get_mut(&id) {
                of.extend(variables.map(name));
            }
        }
    }
    found
}

#[test]
fn both_languages_say_the_same() {
    let (english, french) = (messages(ENGLISH), messages(FRENCH));
    let ids = |all: &BTreeMap<String, BTreeSet<String>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&english), ids(&french), "untranslated");
    for (id, variables) in &english {
        assert_eq!(Some(variables), french.get(id), "the variables of {id}");
    }
    assert!(english.len() > 1, "none was found");
}

/// The text of every source file and template but the tests of this one.
fn sources(folder: &std::path::Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            sources(&path, into);
        } else if matches!(kind, Some("rs" | "html")) && !path.ends_with("texts_tests.rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_message_is_used_and_every_used_one_is_there() {
    let mut code = String::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    let known = messages(ENGLISH);
    for id in known.keys() {
        assert!(code.contains(&format!("\"{id}\"")), "nobody says `{id}`");
    }
    for call in ["say(\"", "with(\""] {
        for id in code.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
            // `starts_with` and others take texts too; a message has an area and a name.
            let is_id = id.contains('-')
                && !id.starts_with('-')
                && !id
                    .contains(|c: char| !c.is_ascii_lowercase() && c != '-' && !c.is_ascii_digit());
            assert!(!is_id || known.contains_key(id), "`{id}` is said, and nowhere written");
        }
    }
}

/// No line may begin with a mark, and none end with an opening one; an apostrophe is not straight.
#[test]
fn french_is_set_as_the_french_set_it() {
    for line in FRENCH.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with('#')) {
        let text = line.split_once(" = ").map_or(line, |(_, text)| text);
        for wrong in ["'", "« ", " »", " :", " ;", " !", " ?"] {
            assert!(!text.contains(wrong), "`{wrong}` in {text}");
        }
    }
}

#[test]
fn nothing_is_left_open() {
    assert_eq!(Words::default().say("no-such-message"), "no-such-message");
}

#[test]
fn dates_and_money_are_written_as_their_readers_write_them() {
    let at = Timestamp::parse("2026-12-22T23:05:06.7Z").unwrap();
    let usd = |amount| Money { amount, currency: iso_currency::Currency::USD };
    let english = Words::new(Language::English, "UTC");
    let french = Words::new(Language::French, "Europe/Paris");
    assert_eq!(english.day(at), "22 December 2026");
    assert_eq!(french.day(at), "23 décembre 2026");
    assert_eq!(english.moment(at), "22 December 2026 at 23:05:06 UTC");
    assert_eq!(french.moment(at), "23 décembre 2026 à 00:05:06 CET");
    assert_eq!(english.money(usd(290)), "$2.90");
    assert_eq!(english.money(usd(-123_456_789)), "-$1,234,567.89");
    assert_eq!(french.money(usd(290)), "2,90\u{a0}$US");
    let yen = Money { amount: 290, currency: iso_currency::Currency::JPY };
    assert_eq!(english.money(yen), "¥290");
    let dinar = Money { amount: 2_900, currency: iso_currency::Currency::KWD };
    assert_eq!(french.money(dinar), "2,900\u{a0}KWD");
    for extreme in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        assert!(!french.moment(Timestamp::parse(extreme).unwrap()).is_empty(), "{extreme}");
    }
}

#[test]
fn names_are_listed_as_people_do() {
    let names = ["a", "b", "c"].map(String::from);
    assert_eq!(Words::default().list(&names), "a, b and c");
    assert_eq!(Words::default().list(&names[..1]), "a");
    assert_eq!(Words::new(Language::French, "UTC").list(&names[..2]), "a et b");
    assert_eq!(Words::default().list(&[]), "");
}
