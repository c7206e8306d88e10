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
    fn words(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), _) => {
                words(rest, key) || key.split_first().is_some_and(|(_, k)| words(pattern, k))
            }
            (Some((&"*", rest)), Some((_, key))) => words(rest, key),
            (Some((word, rest)), Some((first, key))) => word == first && words(rest, key),
            _ => false,
        }
    }
    words(&pattern.split('.').collect::<Vec<_>>(), &routing_key.split('.').collect::<Vec<_>>())
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
            ("order.paid", "order.paid", true),
            ("order.paid", "order.ready", false),
            ("*.paid", "order.paid", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }
}
