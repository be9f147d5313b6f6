//! `[passwords]`.

use std::num::NonZero;

use super::layers::Settings;
use crate::auth::{
    argon2id::{MEMORY_KIB_MAX, MEMORY_KIB_MIN, PASSES_MAX, PASSES_MIN},
    hashing::HashLimits,
};

/// Reads `[passwords]`.
pub(super) fn read(settings: &mut Settings) -> HashLimits {
    let threads: usize = settings.number("passwords.hash_threads", 0..=256);
    HashLimits {
        memory_kib: settings.number("passwords.memory_kib", MEMORY_KIB_MIN..=MEMORY_KIB_MAX),
        passes: settings.number("passwords.passes", PASSES_MIN..=PASSES_MAX),
        threads: if threads == 0 { half_of_the_cores() } else { threads },
        queue_max: settings.number("passwords.queue_max", 1..=10_000),
    }
}

/// Half of them, so that the other half answers those who have logged in already.
fn half_of_the_cores() -> usize {
    (std::thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Outside;

    fn with(key: &str, value: &str) -> (HashLimits, Vec<String>) {
        let env = vec![(format!("PRESSGATE__PASSWORDS__{key}"), value.to_owned())];
        let mut settings = Settings::merge(&Outside { file: None, env });
        (read(&mut settings), settings.mistakes)
    }

    #[test]
    fn nothing_weaker_than_the_least_is_taken() {
        for (key, value, rule) in [
            ("MEMORY_KIB", "19455", "`passwords.memory_kib` must be 19456 to 1048576"),
            ("PASSES", "1", "`passwords.passes` must be 2 to 16"),
            ("QUEUE_MAX", "0", "`passwords.queue_max` must be 1 to 10000"),
        ] {
            let (_, mistakes) = with(key, value);
            assert!(mistakes.len() == 1 && mistakes[0].ends_with(rule), "{mistakes:?}");
        }
        assert!(with("HASH_THREADS", "0").0.threads >= 1);
        assert_eq!(with("HASH_THREADS", "3").0.threads, 3);
    }
}
