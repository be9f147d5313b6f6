//! What becomes of a refresh token that is shown. Pure.
//!
//! Each use gives a new token in its place. An answer can be lost on its way, so the token before
//! is taken once more while the one given for it is unused; that one is then void. Any other
//! second use means that two hold a copy, and the whole session ends (RFC 9700, section 4.14.2).

/// What a refresh token has been through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// Never used.
    Live,
    /// Used once; another was given for it.
    Used,
    /// Used twice, the first answer having been lost.
    Retried,
    /// Given, never used, and replaced when the one before was used again.
    Void,
}

impl TokenState {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Used => "used",
            Self::Retried => "retried",
            Self::Void => "void",
        }
    }

    /// Reads what [`TokenState::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Live, Self::Used, Self::Retried, Self::Void];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Mark it used and give another.
    Rotate,
    /// Mark it retried and its unused successor void, and give another.
    Retry,
    /// Two hold a copy: end the session.
    Reused,
}

/// Judges a token in the state `shown`; `successor_unused` says whether the live token of its
/// session was given for it.
#[must_use]
pub fn judge(shown: TokenState, successor_unused: bool) -> Ruling {
    match (shown, successor_unused) {
        (TokenState::Live, _) => Ruling::Rotate,
        (TokenState::Used, true) => Ruling::Retry,
        (TokenState::Used, false) | (TokenState::Retried | TokenState::Void, _) => Ruling::Reused,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A session's tokens as the store keeps them: each with its state and parent.
    #[derive(Default)]
    struct Family {
        tokens: Vec<(TokenState, Option<usize>)>,
        ended: bool,
    }

    impl Family {
        fn new() -> Self {
            Self { tokens: vec![(TokenState::Live, None)], ended: false }
        }

        fn live(&self) -> Vec<usize> {
            let live = |i: &usize| self.tokens[*i].0 == TokenState::Live;
            if self.ended { Vec::new() } else { (0..self.tokens.len()).filter(live).collect() }
        }

        fn show(&mut self, i: usize) -> Option<usize> {
            if self.ended {
                return None;
            }
            let successor = self.live().into_iter().find(|live| self.tokens[*live].1 == Some(i));
            match judge(self.tokens[i].0, successor.is_some()) {
                Ruling::Rotate => self.tokens[i].0 = TokenState::Used,
                Ruling::Retry => {
                    self.tokens[i].0 = TokenState::Retried;
                    self.tokens[successor.unwrap()].0 = TokenState::Void;
                }
                Ruling::Reused => {
                    self.ended = true;
                    return None;
                }
            }
            self.tokens.push((TokenState::Live, Some(i)));
            Some(self.tokens.len() - 1)
        }
    }

    #[test]
    fn a_lost_answer_is_given_again_once_and_a_copy_ends_everything() {
        let mut family = Family::new();
        let second = family.show(0).unwrap();
        let again = family.show(0).unwrap();
        assert_eq!(family.live(), [again], "the lost one is void");
        let third = family.show(again).unwrap();
        assert_eq!(family.live(), [third]);
        assert_eq!(family.show(second), None, "what was lost turns up with somebody else");
        assert!(family.live().is_empty());

        let mut family = Family::new();
        family.show(0);
        family.show(0);
        assert_eq!(family.show(0), None, "once more, not twice more");

        let mut family = Family::new();
        let second = family.show(0).unwrap();
        family.show(second);
        assert_eq!(family.show(0), None, "its successor is used");
    }

    proptest! {
        /// In whatever order tokens are shown: one token at most lives, and no token gives a
        /// successor more than twice.
        #[test]
        fn one_chain_at_most(shows in prop::collection::vec(0_usize..12, 1..40)) {
            let mut family = Family::new();
            for i in shows {
                let i = i % family.tokens.len();
                family.show(i);
                prop_assert!(family.live().len() <= 1);
                let children = |i| family.tokens.iter().filter(|token| token.1 == Some(i)).count();
                prop_assert!((0..family.tokens.len()).all(|i| children(i) <= 2));
            }
        }
    }
}
