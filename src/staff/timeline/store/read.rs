//! Articles that counted, and walls.

use super::{Ask, Found, id_before, place_of};
use crate::{
    access::log::{past::Logged, store as decisions},
    billing::event::Actor,
    db::Tx,
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let logged = decisions::of_reader(tx, ask.reader.id, id_before(ask.before), ask.most).await?;
    let entry = |logged: Logged| {
        let place = place_of(logged.id).unwrap_or((logged.at, logged.id));
        let (at, actor) = (logged.at, Actor::Reader.to_text());
        Entry { place, at, actor, what: What::Decided(Box::new(logged)) }
    };
    Ok(logged.into_iter().map(entry).collect())
}
