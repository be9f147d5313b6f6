//! What a member of staff may see of readers. A role that may look at subscriptions need not know
//! whose they are, so permission decides about fields too, here and nowhere else.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::auth::staff::{model::Role, permission::Permission};

/// What stands in a text for an address that is not shown.
const HIDDEN_IN_TEXT: &str = "[address hidden]";

/// What one caller may see of readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visibility {
    sees_readers: bool,
}

/// A reader's address, as far as a caller may see it. Null in JSON unless it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShownAddress {
    /// The address.
    Known(String),
    /// The caller's role may not see it.
    Hidden,
    /// The account was erased.
    Erased,
}

impl Visibility {
    /// Of a member of staff with this role.
    pub(crate) fn of(role: Role) -> Self {
        Self { sees_readers: role.may(Permission::ReadersRead) }
    }

    /// Of an operator of the machine, who can read the database anyway.
    pub(crate) fn operator() -> Self {
        Self { sees_readers: true }
    }

    /// Whether readers may be listed, and searched for by address.
    pub(crate) fn sees_readers(self) -> bool {
        self.sees_readers
    }

    /// The address of a reader; `None` once the account was erased.
    pub(crate) fn address(self, address: Option<String>) -> ShownAddress {
        match address {
            None => ShownAddress::Erased,
            Some(_) if !self.sees_readers => ShownAddress::Hidden,
            Some(address) => ShownAddress::Known(address),
        }
    }

    /// A text that a person typed, such as a reason, without the addresses in it if they may not be
    /// seen.
    pub(crate) fn text(self, text: String) -> String {
        if self.sees_readers || !text.contains('@') {
            return text;
        }
        let word = |word: &str| if word.contains('@') { HIDDEN_IN_TEXT } else { word }.to_owned();
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// The same for every text in `value`.
    pub(crate) fn detail(self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(values) => values.into_iter().map(|it| self.detail(it)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, self.detail(value))).collect()
            }
            other => other,
        }
    }
}

impl fmt::Display for ShownAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(address) => address,
            Self::Hidden => "hidden",
            Self::Erased => "erased",
        })
    }
}

impl Serialize for ShownAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(address) => serializer.serialize_some(address),
            Self::Hidden | Self::Erased => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_for_roles_that_may_see_readers() {
        let anna = || Some("anna@example.org".to_owned());
        for (role, shown, told) in [
            (Role::Viewer, json!(null), "hidden"),
            (Role::Support, json!("anna@example.org"), "anna@example.org"),
            (Role::Admin, json!("anna@example.org"), "anna@example.org"),
        ] {
            let address = Visibility::of(role).address(anna());
            assert_eq!((json!(address), address.to_string()), (shown, told.to_owned()), "{role}");
            assert_eq!(Visibility::of(role).address(None).to_string(), "erased");
        }
    }

    #[test]
    fn an_address_in_a_text_is_hidden_and_the_rest_is_kept() {
        let viewer = Visibility::of(Role::Viewer);
        for (typed, shown) in [
            ("wrote twice", "wrote twice"),
            ("", ""),
            (
                "moved from a@b.org to <c@d.org>, she says",
                "moved from [address hidden] to [address hidden] she says",
            ),
            ("two  spaces\na@b.org", "two  [address hidden]"),
        ] {
            assert_eq!(viewer.text(typed.to_owned()), shown);
            assert_eq!(Visibility::of(Role::Support).text(typed.to_owned()), typed);
        }
        let detail =
            json!({"reason": "see a@b.org", "days": 3, "more": [{"note": "a@b.org"}, null]});
        let hidden = json!({"reason": "see [address hidden]", "days": 3,
                            "more": [{"note": "[address hidden]"}, null]});
        assert_eq!(viewer.detail(detail), hidden);
    }
}
