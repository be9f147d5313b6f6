//! Which settings are secrets, so that the file that holds them can be looked after.

use toml::Value;

/// The file that `PRESSGATE_CONFIG` names.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// As the environment names it.
    pub path: String,
    /// The settings in it that are secrets.
    pub secrets: Vec<String>,
}

/// Whether `value` for `key` is one: by the key's name, or as an address with a password in it.
pub(super) fn is_secret(key: &str, value: &Value) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    let is_named = ["master", "password", "secret", "token"].contains(&name)
        || ["_secret", "_secrets", "_token", "_password", "secret_key"]
            .iter()
            .any(|end| name.ends_with(end));
    match value {
        Value::String(text) => !text.is_empty() && (is_named || has_password(text)),
        Value::Array(values) => values.iter().any(|value| is_secret(key, value)),
        _ => false,
    }
}

/// Whether `text` is an address such as `postgres://user:password@host`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names_and_addresses_by_their_passwords() {
        for (key, value, expected) in [
            ("keys.master", "q1LG", true),
            ("keys.master", "", false),
            ("mail.password", "x", true),
            ("stripe.secret_key", "sk_live_x", true),
            ("stripe.publishable_key", "pk_live_x", false),
            ("database.url", "postgres://u:p@h/d", true),
            ("database.url", "postgres://u@h/d", false),
            ("database.url", "postgres://h/d?x=a:b@c", false),
            ("database.url", "sqlite://data/p.db", false),
            ("server.public_url", "https://pay.example", false),
            ("log.level", "info,pressgate=debug", false),
        ] {
            assert_eq!(is_secret(key, &Value::from(value)), expected, "{key} = {value}");
        }
        let list = |texts: &[&str]| Value::from(texts.to_vec());
        assert!(is_secret("stripe.webhook_secrets", &list(&["", "whsec_x"])));
        assert!(is_secret("redis.urls", &list(&["redis://h", "redis://:p@h"])));
        assert!(!is_secret("redis.urls", &list(&["redis://h"])));
        assert!(!is_secret("keys.master", &Value::from(1)));
    }
}
