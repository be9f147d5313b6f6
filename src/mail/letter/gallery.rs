//! Every letter that there is, in every language: read here, and hung up as files to be looked at:
//! `GALLERY=/some/folder cargo test --lib gallery -- --ignored`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::{Content, Look, Rendered, account};
use crate::{
    billing::{
        catalog::{Catalog, newsletters::Newsletter, source::SHIPPED},
        letter::tests::letters,
    },
    language::{Language, Words},
    newsletter::letter::confirm,
    site::look::color::Color,
};

/// Every letter in `language`, in the same order for each.
fn all(language: Language) -> Vec<Content> {
    let words = Words::new(language, "Europe/Paris");
    let of_accounts = account::tests::all().into_iter().map(|letter| letter.content(&words));
    let of_billing = letters().into_iter().map(|letter| letter.content(&words));
    let catalog = Catalog::parse(SHIPPED, 1).unwrap();
    let chosen: Vec<&Newsletter> = catalog.newsletters.iter().take(3).collect();
    let link = "https://pay.example/newsletters/confirm?token=x".to_owned();
    let of_lists = confirm(&chosen, link, &words);
    let to_a_list =
        of_lists.clone().unsubscribe("https://pay.example/newsletters/unsubscribe?token=x");
    of_accounts.chain(of_billing).chain([of_lists, to_a_list]).collect()
}

#[test]
#[ignore = "writes files for people to look at"]
fn every_letter_is_hung_up() {
    let folder = PathBuf::from(std::env::var("GALLERY").expect("GALLERY names a folder"));
    fs::create_dir_all(&folder).unwrap();
    let looks = [
        Look::plain("The Fathom"),
        Look {
            accent: Color::new(0xb4, 0x23, 0x18),
            accent_dark: Color::new(0xff, 0xb4, 0xa8),
            ..Look::plain("Die Tägliche Zürcher Zeitung")
        },
    ];
    for language in Language::ALL {
        for (number, content) in all(language).into_iter().enumerate() {
            for (name, look) in ["plain", "bright"].into_iter().zip(&looks) {
                let rendered = content.render(look).unwrap();
                let name = format!("{}-{number:02}-{name}", language.tag());
                fs::write(folder.join(format!("{name}.html")), rendered.html).unwrap();
                fs::write(folder.join(format!("{name}.txt")), rendered.text).unwrap();
            }
        }
    }
}

/// In whose name the letters are read here.
const NAME: &str = "Zürcher <Tag>";
/// What readers and the catalog put into letters, which is the same in every language.
const GIVEN: [&str; 4] = [NAME, "Monthly <b>", "<i>", "<z>"];
/// Words that betray a sentence of a language, as its letters are written.
const OF_ENGLISH: [&str; 6] = [" the ", " your ", " is ", " was ", " with ", " you "];
const OF_FRENCH: [&str; 6] = [" le ", " votre ", " est ", " avec ", " vous ", " nous "];

/// The words between the tags of `html`, as a person sees them.
fn seen(html: &str) -> Vec<String> {
    let body = html.split_once("</head>").map_or("", |(_, body)| body);
    let between = body.split('<').filter_map(|piece| Some(piece.split_once('>')?.1.trim()));
    let plain = between.map(|text| {
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
            .iter()
            .fold(text.to_owned(), |text, (escaped, char)| text.replace(escaped, char))
    });
    plain.filter(|text| !text.is_empty()).collect()
}

/// The lines of a letter that somebody wrote: no links, no figures, nothing that was put in.
fn said(rendered: &Rendered) -> BTreeSet<String> {
    let text = rendered.text.lines().map(str::to_owned);
    let all = text.chain(seen(&rendered.html)).chain([rendered.subject.clone()]);
    let is_said = |line: &String| {
        line.chars().any(char::is_alphabetic)
            && !line.contains("://")
            && !line.starts_with("&#847;")
            && !GIVEN.contains(&line.as_str())
    };
    all.filter(is_said).collect()
}

fn links(html: &str) -> BTreeSet<String> {
    let addresses = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    addresses
        .map(|it| it.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&"))
        .collect()
}

#[test]
fn every_letter_keeps_to_its_language_in_the_name_of_its_site_and_to_the_same_links_as_text() {
    let look = Look::plain(NAME);
    let read = |language| all(language).into_iter().map(|it| it.render(&look).unwrap()).collect();
    let [english, french]: [Vec<Rendered>; 2] = Language::ALL.map(read);
    for (language, letters, others) in
        [(Language::English, &english, &french), (Language::French, &french, &english)]
    {
        let foreign = if language == Language::English { OF_FRENCH } else { OF_ENGLISH };
        for (letter, other) in letters.iter().zip(others) {
            let Rendered { subject, text, html } = letter;
            let (lines, elsewhere) = (said(letter), said(other));
            assert!(lines.len() > 3, "{text}");
            for line in &lines {
                assert!(!elsewhere.contains(line), "the same in both languages: {line:?}");
                let foreign = foreign.iter().find(|word| line.to_lowercase().contains(*word));
                assert_eq!(foreign, None, "{language:?}: {line:?} of {subject:?}");
                assert!(!line.contains(['{', '}']) && !line.contains("letter-"), "{line:?}");
            }
            assert!(text.contains(NAME) && seen(html).iter().any(|it| it == NAME), "{text}");
            assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())), "{html}");
            let in_text: BTreeSet<String> =
                text.lines().filter(|line| line.contains("://")).map(str::to_owned).collect();
            assert_eq!(links(html), in_text, "{subject}");
        }
    }
}

#[test]
fn every_kind_of_letter_is_among_those_that_are_read() {
    let files = [
        include_str!("../../language/en/letter-account.ftl"),
        include_str!("../../language/en/letter-billing.ftl"),
        include_str!("../../language/en/letter-newsletter.ftl"),
    ];
    let read: BTreeSet<String> =
        all(Language::English).into_iter().map(|content| content.subject).collect();
    let lines = files.iter().flat_map(|file| file.lines());
    let subjects = lines.filter_map(|line| Some(line.split_once("-subject = ")?.1));
    let subjects: BTreeSet<String> = subjects.map(str::to_owned).collect();
    assert_eq!(read, subjects);
}
