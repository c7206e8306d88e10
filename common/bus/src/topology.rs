//! Exchange, queues and bindings as a value: the platform passes it to whichever adapter it chose.

/// A durable queue and the patterns (`*` one word, `#` any number of words) that feed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    pub name: &'static str,
    pub bindings: &'static [&'static str],
}

/// What an adapter declares before anything is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    pub exchange: &'static str,
    pub queues: Vec<QueueSpec>,
}

/// Whether a routing key matches a binding pattern, by the rules of an AMQP topic exchange.
#[must_use]
pub fn matches(pattern: &str, routing_key: &str) -> bool {
    words_match(pattern.split('.'), routing_key.split('.'))
}

fn words_match<'a>(
    mut pattern: impl Iterator<Item = &'a str> + Clone,
    mut key: std::str::Split<'a, char>,
) -> bool {
    loop {
        match (pattern.next(), key.clone().next()) {
            (None, word) => return word.is_none(),
            (Some("#"), _) => return rest_matches(&pattern, key),
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(word)) if wanted == word => {}
            _ => return false,
        }
        key.next();
    }
}

/// A `#` takes none of the words that are left, or one, or two, …
fn rest_matches<'a>(
    pattern: &(impl Iterator<Item = &'a str> + Clone),
    mut key: std::str::Split<'a, char>,
) -> bool {
    loop {
        if words_match(pattern.clone(), key.clone()) {
            return true;
        }
        if key.next().is_none() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_on_a_topic_exchange() {
        for (pattern, key, expected) in [
            ("#", "order.paid", true),
            ("order.*", "order.paid", true),
            ("order.*", "order", false),
            ("order.*", "order.paid.twice", false),
            ("order.#", "order.paid.twice", true),
            ("order.#", "order", true),
            ("#.twice", "order.paid.twice", true),
            ("#.paid", "order.paid.twice", false),
            ("order.paid", "order.paid", true),
            ("order.paid", "order.ready", false),
            ("*.paid", "order.paid", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }
}
