//! What is checked of a look, and what becomes of it.

use super::*;

fn color(text: &str) -> Color {
    text.parse().unwrap()
}

fn accent(light: &str, dark: Option<&str>) -> Accent {
    Accent { light: color(light), dark: dark.map(color) }
}

#[test]
fn our_own_colors_are_those_of_the_stylesheet_and_can_be_read() {
    assert_eq!(ACCENT.checked(), Ok(ACCENT));
    let css = include_str!("../../reader/account.css");
    let (light, dark) = css.split_once("prefers-color-scheme: dark").unwrap();
    let accents = [ACCENT.light, ACCENT.on_dark()];
    for ((css, scheme), accent) in [(light, LIGHT), (dark, DARK)].into_iter().zip(accents) {
        let Scheme { paper, raised, on_accent, tint, .. } = scheme;
        for declaration in [
            format!("--paper: {paper};"),
            format!("--raised: {raised};"),
            format!("--on-accent: {on_accent};"),
            format!("--accent: {accent};"),
            format!("--tint: {tint}%;"),
        ] {
            assert!(css.contains(&declaration), "{declaration}");
        }
    }
}

#[test]
fn an_accent_that_cannot_be_read_is_refused_with_one_that_can() {
    for (accent, mistake) in [
        (
            accent("#e0a030", None),
            "the accent #e0a030 has a contrast of 2.13 with #fdf7ee on light pages; \
             text needs 4.5 at least, and #8f661f would have it",
        ),
        (
            accent("#1a4f8b", Some("#1a4f8b")),
            "the accent #1a4f8b has a contrast of 1.84 with #1d2632 on dark pages; \
             text needs 4.5 at least, and #7a99bc would have it",
        ),
    ] {
        assert_eq!(accent.checked().unwrap_err().to_string(), mistake);
    }
}

#[test]
fn a_site_tells_the_stylesheet_only_what_is_its_own() {
    assert_eq!(Look::default().css(), "");
    let look = Look {
        accent: Some(accent("#98351f", Some("#ec9a83"))),
        font: Font::System,
        ..Look::default()
    };
    assert_eq!(
        look.css(),
        ":root{--display:var(--text)}\n\
         @media screen and (prefers-color-scheme:light)\
         {:root{--accent:#98351f;--on-accent:#ffffff}}\n\
         @media screen and (prefers-color-scheme:dark)\
         {:root{--accent:#ec9a83;--on-accent:#101216}}\n"
    );
    assert_ne!(version(look.css().as_bytes()), version(b""));
}

proptest::proptest! {
    #[test]
    fn of_any_color_one_can_be_made_that_can_be_read(rgb: [u8; 3]) {
        let any = Color::new(rgb[0], rgb[1], rgb[2]);
        for scheme in [LIGHT, DARK] {
            let better = scheme.readable(any, CONTRAST_MIN);
            proptest::prop_assert!(scheme.check(better).is_ok(), "{}", better);
        }
        let derived = Accent { light: any, dark: None };
        proptest::prop_assert!(DARK.check(derived.on_dark()).is_ok());
    }
}
