//! Where the next page of a list begins: a text that only we can make, and that holds for the same
//! list only. Pure.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::{auth::seal::MasterKey, billing::subscription::listing::Place, clock::Timestamp};

/// Bytes of the tag that are kept: guessing one takes 2^127 tries.
const TAG: usize = 16;
/// Bytes of a cursor: an instant, an id, a tag.
const LENGTH: usize = 8 + 16 + TAG;

/// Makes cursors and opens them.
pub(in crate::staff) struct CursorKey(hmac::Key);

impl CursorKey {
    /// The key that belongs to `master`.
    pub(in crate::staff) fn of(master: &MasterKey) -> Self {
        Self(master.derive("office cursors"))
    }

    /// The cursor of `place` in the list `list`, which its filters and its order name.
    pub(in crate::staff) fn seal(&self, list: &str, (at, id): Place) -> String {
        let mut bytes = [&at.micros().to_be_bytes()[..], id.as_bytes()].concat();
        let tag = self.tag(list, &bytes);
        bytes.extend(tag.as_ref().iter().take(TAG));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a cursor that was made for `list`.
    pub(in crate::staff) fn open(&self, list: &str, cursor: &str) -> Option<Place> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|it| it.len() == LENGTH)?;
        let (place, tag) = bytes.split_at_checked(LENGTH - TAG)?;
        let expected = self.tag(list, place);
        let expected = expected.as_ref().get(..TAG)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).ok()?;
        let (at, id) = place.split_first_chunk::<8>()?;
        let at = Timestamp::from_micros(i64::from_be_bytes(*at))?;
        Some((at, Uuid::from_slice(id).ok()?))
    }

    /// The place has one length, so no two are signed by the same text.
    fn tag(&self, list: &str, place: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, &[place, list.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> CursorKey {
        CursorKey(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    #[test]
    fn a_cursor_holds_for_its_own_list_only() {
        let place = (Timestamp::UNIX_EPOCH, Uuid::from_u128(7));
        let cursor = key(1).seal("status=active", place);
        assert_eq!(key(1).open("status=active", &cursor), Some(place));
        assert_eq!(key(1).open("status=paused", &cursor), None);
        assert_eq!(key(2).open("status=active", &cursor), None);
        assert_eq!(key(1).open("status=active", &format!("{cursor}A")), None);
    }

    proptest! {
        #[test]
        fn rubbish_opens_nothing(text in "\\PC{0,80}", letters in "[A-Za-z0-9_-]{54}") {
            for cursor in [text, letters] {
                prop_assert_eq!(key(1).open("", &cursor), None);
            }
        }

        #[test]
        fn every_place_comes_back(micros in -1_000_000_000_000_000_i64..4_000_000_000_000_000, id: u128) {
            let place = (Timestamp::from_micros(micros).unwrap(), Uuid::from_u128(id));
            let cursor = key(1).seal("x", place);
            prop_assert_eq!(key(1).open("x", &cursor), Some(place));
        }
    }
}
