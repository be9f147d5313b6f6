//! Every text that is one mistake away. Pure.

/// Shorter than this, one mistake makes another word of it.
const CHARS_MIN: usize = 4;
/// Longer than this, there are too many to look up.
const CHARS_MAX: usize = 64;
/// What people type into addresses.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789.-_+@";

/// Every text that becomes `text` by one letter left out, added, mistaken or swapped with the next.
#[must_use]
pub fn one_mistake_away(text: &str) -> Vec<String> {
    let typed: Vec<char> = text.chars().collect();
    if !(CHARS_MIN..=CHARS_MAX).contains(&typed.len()) {
        return Vec::new();
    }
    let mut all = Vec::with_capacity(typed.len() * 2 * (LETTERS.len() + 1));
    for at in 0..=typed.len() {
        let (before, after) = typed.split_at(at);
        let join = |middle: &[char], rest: &[char]| {
            before.iter().chain(middle).chain(rest).collect::<String>()
        };
        all.extend(LETTERS.chars().map(|letter| join(&[letter], after)));
        let Some((first, rest)) = after.split_first() else { continue };
        all.push(join(&[], rest));
        all.extend(LETTERS.chars().map(|letter| join(&[letter], rest)));
        if let Some((second, rest)) = rest.split_first() {
            all.push(join(&[*second, *first], rest));
        }
    }
    all.sort_unstable();
    all.dedup();
    all.retain(|one| one != text);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_mistakes_that_people_make() {
        let near = one_mistake_away("schmidt");
        for meant in ["schmid", "schmiddt", "schmitd", "schmitt", "chmidt", "schmidt1"] {
            assert!(near.iter().any(|it| it == meant), "{meant}");
        }
        assert!(!near.iter().any(|it| it == "schmidt" || it == "schmtid2"));
        assert!(one_mistake_away("abc").is_empty());
        assert!(one_mistake_away(&"a".repeat(65)).is_empty());
    }

    proptest! {
        #[test]
        fn a_mistake_goes_both_ways(text in "[a-z0-9.@]{5,24}", pick in any::<prop::sample::Index>()) {
            let near = one_mistake_away(&text);
            let meant = pick.get(&near);
            prop_assert!(one_mistake_away(meant).contains(&text), "{meant}");
            prop_assert!(near.len() <= (2 * text.len() + 1) * LETTERS.len() + 2 * text.len());
        }
    }
}
