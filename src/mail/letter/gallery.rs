//! Every letter as a file, to be looked at: `GALLERY=/some/folder cargo test --lib gallery -- --ignored`.

use std::{fs, path::PathBuf};

use super::{Content, Look, account};
use crate::{
    billing::letter::tests::letters,
    language::{Language, Words},
    site::look::color::Color,
};

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
        let words = Words::new(language, "Europe/Paris");
        let of_accounts = account::tests::all().into_iter().map(|letter| letter.content(&words));
        let of_billing = letters().into_iter().map(|letter| letter.content(&words));
        let news = Content::about(&words, "letter-account-confirm-subject")
            .tell("letter-account-confirm")
            .unsubscribe("https://pay.example/newsletters/unsubscribe?token=x");
        let all = of_accounts.chain(of_billing).chain([news]);
        for (number, content) in all.enumerate() {
            for (name, look) in ["plain", "bright"].into_iter().zip(&looks) {
                let rendered = content.render(look).unwrap();
                let name = format!("{}-{number:02}-{name}", language.tag());
                fs::write(folder.join(format!("{name}.html")), rendered.html).unwrap();
                fs::write(folder.join(format!("{name}.txt")), rendered.text).unwrap();
            }
        }
    }
}
