//! What a form asks for. Data only; the templates draw it.

use crate::language::Words;

/// A field of a form. It must be filled in unless it is `optional`.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    /// What browsers and password managers should offer.
    pub(super) autocomplete: &'static str,
    /// Which keyboard a telephone should show; empty for the one of the kind.
    pub(super) inputmode: &'static str,
    /// Most characters; 0 where only the server says.
    pub(super) maxlength: usize,
    /// What was typed before; never of a password.
    pub(super) value: String,
    pub(super) hint: String,
    pub(super) error: Option<String>,
}

/// How a field is filled in.
#[derive(Debug, Clone, Default)]
pub(super) enum Kind {
    /// On one line.
    #[default]
    Text,
    /// An address of mail.
    Email,
    /// A secret.
    Password,
    /// On several lines.
    Lines(u32),
    /// One of a list that opens.
    Select(Vec<Choice>),
}

/// One of several.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

impl Kind {
    /// The `type` of an `<input>` on one line; none for what is drawn otherwise.
    pub(super) fn input_type(&self) -> Option<&'static str> {
        match self {
            Self::Text => Some("text"),
            Self::Email => Some("email"),
            Self::Password => Some("password"),
            Self::Lines(_) | Self::Select(_) => None,
        }
    }
}

impl Field {
    /// A field of this kind that must be filled in.
    pub(super) fn new(name: &'static str, label: impl Into<String>, kind: Kind) -> Self {
        Self { name, label: label.into(), kind, ..Self::default() }
    }

    /// What an error or a hint beside the field is found by, when the form is the `place`th on
    /// its page; nothing where there is neither.
    pub(super) fn described_by(&self, place: &impl std::fmt::Display) -> String {
        let error = self.error.is_some().then(|| format!("{}-{place}-error", self.name));
        let hint = (!self.hint.is_empty()).then(|| format!("{}-{place}-hint", self.name));
        let ids: Vec<String> = error.into_iter().chain(hint).collect();
        ids.join(" ")
    }
}

/// A form.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) heading: String,
    pub(super) text: String,
    /// Names and values: what the button will do.
    pub(super) facts: Vec<(String, String)>,
    pub(super) fields: Vec<Field>,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) button: String,
    /// Whether the button stands back behind another on the page.
    pub(super) is_quiet: bool,
    /// Whether the button ends something.
    pub(super) is_danger: bool,
}

impl Form {
    /// A form that is only a button, so far.
    pub(super) fn new(action: impl Into<String>, button: impl Into<String>) -> Self {
        Self { action: action.into(), button: button.into(), ..Self::default() }
    }
}

/// The field for an address.
pub(super) fn email_field(words: &Words, value: &str) -> Field {
    Field {
        autocomplete: "username",
        value: value.to_owned(),
        ..Field::new("email", words.say("page-field-email"), Kind::Email)
    }
}

/// The field for the password of today.
pub(super) fn password_field(name: &'static str, label: impl Into<String>) -> Field {
    Field { autocomplete: "current-password", ..Field::new(name, label, Kind::Password) }
}

/// The field for a password to come.
pub(super) fn new_password_field(
    words: &Words,
    name: &'static str,
    label: impl Into<String>,
) -> Field {
    Field {
        autocomplete: "new-password",
        hint: words.say("page-field-password-hint"),
        ..Field::new(name, label, Kind::Password)
    }
}
