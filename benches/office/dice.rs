//! Chance that is the same for the same seed, and what is drawn by it.

use pressgate::clock::Timestamp;
use time::Duration;
use uuid::Uuid;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `sides` - 1.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    pub(crate) fn days(&mut self, most: u64) -> Duration {
        Duration::seconds(i64::try_from(self.roll(most * 86_400)).unwrap())
    }

    /// An id as ours are: by time first.
    pub(crate) fn id(&mut self, at: Timestamp) -> Uuid {
        let millis = u128::try_from(at.micros() / 1_000).unwrap();
        let (high, low) = (u128::from(self.next()) & 0xfff, u128::from(self.next()) >> 2);
        Uuid::from_u128((millis << 80) | (7 << 76) | (high << 64) | (2 << 62) | low)
    }

    fn name(&mut self, kinds: u64) -> String {
        const SYLLABLES: [&str; 20] = [
            "an", "ber", "ca", "di", "el", "fra", "ga", "han", "il", "jo", "ka", "lu", "ma", "ne",
            "ol", "pe", "ra", "sa", "ti", "vo",
        ];
        // The smaller of two: some names are much more common than others.
        let mut which = self.roll(kinds).min(self.roll(kinds)) + 20;
        let mut name = String::new();
        while which > 0 {
            name.push_str(SYLLABLES[usize::try_from(which % 20).unwrap()]);
            which /= 20;
        }
        name
    }

    pub(crate) fn email(&mut self) -> String {
        let (first, last) = (self.name(800), self.name(20_000));
        let domain = match self.roll(10) {
            0..4 => "mail.example".to_owned(),
            4..6 => "post.example".to_owned(),
            _ => format!("{}.example", self.name(5_000)),
        };
        match self.roll(5) {
            0 => format!("{first}{}@{domain}", self.roll(10_000)),
            1 => format!("{first}_{last}@{domain}"),
            2 => format!("{}{last}@{domain}", &first[..1]),
            _ => format!("{first}.{last}@{domain}"),
        }
    }
}
