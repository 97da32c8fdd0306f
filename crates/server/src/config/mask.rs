//! What must not be shown: passwords and tokens inside values. In doubt it hides too much.

/// What stands for a secret.
pub(crate) const STARS: &str = "***";

/// Names of URL parameters whose value is hidden, in lower case, anywhere in the name.
const SECRET_PARAMETERS: &[&str] = &["password", "passwd", "secret", "token", "key"];

/// `text` with the password of a URL and secret-looking parameters hidden.
pub(crate) fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        let lower = text.to_lowercase();
        let suspicious = text.contains('@') || SECRET_PARAMETERS.iter().any(|name| lower.contains(&format!("{name}=")));
        return if suspicious { STARS.into() } else { text.to_owned() };
    };
    // The last `@`, wherever: a password with `/`, `?` or `@` in it is hidden too, though no URL may have one.
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:{STARS}@{host}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    let (path, query) = rest.split_once('?').map_or((rest.as_str(), None), |(path, query)| (path, Some(query)));
    let query = query.map(|query| query.split('&').map(parameter).collect::<Vec<_>>().join("&"));
    query.map_or_else(|| format!("{scheme}://{path}"), |query| format!("{scheme}://{path}?{query}"))
}

fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.iter().any(|secret| name.to_lowercase().contains(secret)) => format!("{name}={STARS}"),
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn no_password_is_left_in_a_url() {
        let rows = [
            ("postgres://ordo:hunter2@db/ordo", "postgres://ordo:***@db/ordo"),
            ("postgres://ordo@db/ordo", "postgres://ordo@db/ordo"),
            ("postgres://ordo:hunter2/x?@db/ordo", "postgres://ordo:***@db/ordo"),
            ("postgres://ordo:hunter2@x@db/ordo", "postgres://ordo:***@db/ordo"),
            ("postgres:///ordo?host=/run&password=hunter2", "postgres:///ordo?host=/run&password=***"),
            ("amqps://a:hunter2@mq:5671/%2f", "amqps://a:***@mq:5671/%2f"),
            ("https://h/p?api_token=hunter2&x=1", "https://h/p?api_token=***&x=1"),
            ("host=db password=hunter2", "***"),
            ("postgres:/ordo:hunter2@db", "***"),
            ("sqlite:./ordo-data/ordo.db", "sqlite:./ordo-data/ordo.db"),
            ("local", "local"),
        ];
        for (text, shown) in rows {
            assert_eq!(url(text), shown);
            assert!(!url(text).contains("hunter2"), "{text}");
        }
    }
}
