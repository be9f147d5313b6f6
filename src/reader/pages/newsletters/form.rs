//! What was ticked and typed. Pure.

use std::collections::BTreeMap;

/// The box of a newsletter is named after it.
pub(super) const BOX: &str = "list-";
/// The button that unticks every box.
pub(super) const LEAVE_ALL: &str = "leave_all";

/// The fields of a form as they were sent; of two of one name the last.
pub(super) type Sent = BTreeMap<String, String>;

/// A form with boxes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ticked {
    /// The newsletters.
    pub(super) lists: Vec<String>,
    /// The address, where the form asks for one.
    pub(super) email: String,
    /// The link that leads here, where one does.
    pub(super) token: String,
    /// The site whose newsletters were shown.
    pub(super) site: Option<String>,
}

impl Ticked {
    /// Reads a form; `None` where it is none of ours.
    pub(super) fn read(sent: Sent) -> Option<Self> {
        let mut ticked = Self::default();
        let mut none = false;
        for (name, value) in sent {
            match (name.as_str(), name.strip_prefix(BOX)) {
                ("email", _) => ticked.email = value,
                ("token", _) => ticked.token = value,
                ("site", _) => ticked.site = Some(value),
                (LEAVE_ALL, _) => none = true,
                (_, Some(list)) => ticked.lists.push(list.to_owned()),
                _ => return None,
            }
        }
        if none {
            ticked.lists.clear();
        }
        Some(ticked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_was_ticked() {
        let read = |fields: &[(&str, &str)]| {
            let sent = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Ticked::read(sent.collect())
        };
        let both = read(&[("email", "a@b.org"), ("list-tide", "on"), ("list-long-ago", "")]);
        let both = both.unwrap();
        assert_eq!(
            (both.email.as_str(), both.lists),
            ("a@b.org", vec!["long-ago".into(), "tide".into()])
        );
        let none = read(&[("list-tide", "on"), (LEAVE_ALL, "1")]).unwrap();
        assert!(none.lists.is_empty());
        assert_eq!(read(&[("colour", "red")]), None);
        assert_eq!(read(&[]), Some(Ticked::default()));
    }
}
