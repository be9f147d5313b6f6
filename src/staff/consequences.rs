//! What would come of an act, in the words of the office. Pure.

use super::plain;
use crate::{
    billing::{
        engine::{Foreseen, Preview},
        subscription::model::Then,
    },
    language::Words,
};

/// What would come of it, in sentences.
#[must_use]
pub(super) fn consequences(of: &Foreseen, words: &Words) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(switch) = &of.switch {
        said.extend(switched(of, switch, words));
    } else if of.after != of.before && of.charged.is_none() {
        said.push(format!("{}.", plain::next(&of.after, words)));
    }
    if let Some(money) = of.to_card {
        said.push(format!("{} goes back to the card that paid.", words.money(money)));
    }
    if let Some(money) = of.to_balance {
        said.push(format!(
            "{} goes to the account's balance, for the unused time.",
            words.money(money)
        ));
    }
    if let Some(money) = of.charged {
        let part = of.from_balance.map(|part| words.money(part));
        let part = part.map(|part| format!(", {part} of it from the account's balance"));
        said.push(format!(
            "{} is charged now{}; reading works again as soon as that is paid.",
            words.money(money),
            part.unwrap_or_default()
        ));
    }
    if of.after == of.before {
        said.push("The subscription stays as it is.".to_owned());
    }
    said.push(if of.told {
        "The reader is told by mail.".to_owned()
    } else {
        "No mail goes to the reader.".to_owned()
    });
    said
}

fn switched(of: &Foreseen, switch: &Preview, words: &Words) -> Vec<String> {
    let (from, to) = match of.after.then() {
        Some(Then::Switch { terms }) => (&of.after.terms.plan.name, &terms.plan.name),
        _ => (&of.before.terms.plan.name, &of.after.terms.plan.name),
    };
    let [from, to] = [from, to].map(|name| name.in_language(words.language));
    let mut said = vec![if of.after.terms == of.before.terms {
        format!("{to} begins on {}; until then {from} goes on.", words.moment(switch.effective_at))
    } else {
        format!("{to} begins now, and {from} ends.")
    }];
    if !switch.credit.is_zero() {
        let credit = words.money(switch.credit);
        said.push(format!(
            "{credit} of what was paid for {from} is given back, for the unused time."
        ));
    }
    if !(switch.charge.is_zero() && switch.credit.is_zero()) {
        let charge = words.money(switch.charge);
        said.push(format!("{charge} is charged now, for all that is left to pay."));
    }
    said.push(format!("{}.", plain::next(&of.after, words)));
    said
}
