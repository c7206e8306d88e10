//! Form bodies and queries with bracketed names (`line_items[0][price_data][currency]=usd`) as a tree that is taken
//! apart field by field. Written here and not by way of serde: an answer must name the exact parameter that is
//! missing, unknown or wrong, and a generic deserialiser does not know its place.

use std::{borrow::Cow, collections::BTreeMap};

use sha2::{Digest as _, Sha256};

use crate::{domain::Metadata, error::ApiError};

/// Parameters per request and levels of brackets.
pub const MAX_PARAMETERS: usize = 2000;
pub const MAX_DEPTH: usize = 6;
/// Metadata, as Stripe bounds it.
const MAX_METADATA: usize = 50;
const MAX_METADATA_KEY: usize = 40;
const MAX_METADATA_VALUE: usize = 500;
/// Characters of any other text.
const MAX_TEXT: usize = 5000;

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Branch(BTreeMap<String, Node>),
}

/// The parameters at one place of the form. What is read is taken out; what is left in the end is unknown.
#[derive(Clone, Debug, Default)]
pub struct Form {
    path: String,
    nodes: BTreeMap<String, Node>,
}

impl Form {
    /// Parses an urlencoded text.
    pub fn parse(text: &[u8]) -> Result<Self, ApiError> {
        let mut form = Self::default();
        for (count, (name, value)) in form_urlencoded::parse(text).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(ApiError::invalid("The request has too many parameters."));
            }
            form.put(&name, value)?;
        }
        Ok(form)
    }

    fn put(&mut self, name: &str, value: Cow<'_, str>) -> Result<(), ApiError> {
        let malformed =
            || ApiError::parameter("parameter_invalid", name, format!("Invalid parameter: {name}"));
        let segments = segments(name).ok_or_else(malformed)?;
        let (last, parents) = segments.split_last().ok_or_else(malformed)?;
        let mut nodes = &mut self.nodes;
        for segment in parents {
            let key = key_in(nodes, segment);
            match nodes.entry(key).or_insert_with(|| Node::Branch(BTreeMap::new())) {
                Node::Branch(inner) => nodes = inner,
                Node::Text(_) => return Err(malformed()),
            }
        }
        match nodes.insert(key_in(nodes, last), Node::Text(value.into_owned())) {
            Some(Node::Branch(_)) => Err(malformed()),
            Some(Node::Text(_)) | None => Ok(()),
        }
    }

    /// The name of a parameter at this place.
    #[must_use]
    pub fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}[{field}]", self.path) }
    }

    /// A text; absent and empty are the same, as they are to Stripe.
    pub fn text(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        match self.nodes.remove(field) {
            None => Ok(None),
            Some(Node::Text(text)) if text.chars().count() > MAX_TEXT => Err(ApiError::parameter(
                "parameter_invalid_string",
                self.name(field),
                format!("Invalid string: must be at most {MAX_TEXT} characters"),
            )),
            Some(Node::Text(text)) => Ok(Some(text).filter(|t| !t.is_empty())),
            Some(Node::Branch(_)) => Err(ApiError::parameter(
                "parameter_invalid_string",
                self.name(field),
                format!("Invalid string: {} has nested parameters", self.name(field)),
            )),
        }
    }

    pub fn required_text(&mut self, field: &str) -> Result<String, ApiError> {
        self.text(field)?.ok_or_else(|| ApiError::missing(self.name(field)))
    }

    /// A whole number within the bounds.
    pub fn integer(
        &mut self,
        field: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let name = self.name(field);
        let Ok(number) = text.parse::<i64>() else {
            let message = format!("Invalid integer: {text}");
            return Err(ApiError::parameter("parameter_invalid_integer", name, message));
        };
        if bounds.contains(&number) {
            return Ok(Some(number));
        }
        let message = format!("This value must be from {} to {}.", bounds.start(), bounds.end());
        Err(ApiError::parameter("parameter_invalid_integer", name, message))
    }

    pub fn required_integer(
        &mut self,
        field: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, ApiError> {
        self.integer(field, bounds)?.ok_or_else(|| ApiError::missing(self.name(field)))
    }

    /// One of some words.
    pub fn one_of(&mut self, field: &str, words: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Ok(Some(word));
        }
        let name = self.name(field);
        let message = format!("Invalid {name}: must be one of {}", words.join(", "));
        Err(ApiError::invalid(message).with_param(name))
    }

    /// The parameters below a name; none when there is nothing.
    pub fn branch(&mut self, field: &str) -> Result<Option<Self>, ApiError> {
        match self.nodes.remove(field) {
            None => Ok(None),
            Some(Node::Branch(nodes)) => Ok(Some(Self { path: self.name(field), nodes })),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(_)) => Err(ApiError::parameter(
                "parameter_invalid_object",
                self.name(field),
                format!("Invalid object: {}", self.name(field)),
            )),
        }
    }

    /// The entries of a list of objects, in the order of their numbers.
    pub fn branches(&mut self, field: &str) -> Result<Vec<Self>, ApiError> {
        let Some(mut list) = self.branch(field)? else { return Ok(Vec::new()) };
        let numbers = list.numbers()?;
        let entry = |number: String| list.branch(&number).map(Option::unwrap_or_default);
        numbers.into_iter().map(entry).collect()
    }

    /// The entries of a list of texts.
    pub fn texts(&mut self, field: &str) -> Result<Vec<String>, ApiError> {
        let Some(mut list) = self.branch(field)? else { return Ok(Vec::new()) };
        let numbers = list.numbers()?;
        numbers.into_iter().map(|number| list.required_text(&number)).collect()
    }

    fn numbers(&self) -> Result<Vec<String>, ApiError> {
        let number = |key: &String| match key.parse::<u32>() {
            Ok(number) => Ok((number, key.clone())),
            Err(_) => Err(ApiError::parameter("parameter_invalid", self.name(key), "Invalid array")),
        };
        let mut numbers = self.nodes.keys().map(number).collect::<Result<Vec<_>, _>>()?;
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(|(_, key)| key).collect())
    }

    /// Metadata: keys and values within Stripe's bounds.
    pub fn metadata(&mut self) -> Result<Metadata, ApiError> {
        let Some(mut branch) = self.branch("metadata")? else { return Ok(Metadata::new()) };
        let keys: Vec<String> = branch.nodes.keys().cloned().collect();
        if keys.len() > MAX_METADATA {
            return Err(ApiError::invalid("Metadata can have up to 50 keys.").with_param(branch.path));
        }
        let mut metadata = Metadata::new();
        for key in keys {
            let value = branch.text(&key)?.unwrap_or_default();
            let fits = key.chars().count() <= MAX_METADATA_KEY && value.chars().count() <= MAX_METADATA_VALUE;
            if !fits {
                let message = "Metadata keys have up to 40 characters, values up to 500.";
                return Err(ApiError::invalid(message).with_param(branch.name(&key)));
            }
            metadata.insert(key, value);
        }
        Ok(metadata)
    }

    /// Takes parameters that have no effect here.
    pub fn ignore(&mut self, fields: &[&str]) {
        for field in fields {
            self.nodes.remove(*field);
        }
    }

    /// Refuses what nobody has read.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.nodes.keys().next() {
            Some(field) => Err(ApiError::unknown(self.name(field))),
            None => Ok(()),
        }
    }

    /// A hash of the parameters that does not depend on their order.
    #[must_use]
    pub fn fingerprint(&self, endpoint: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(endpoint.as_bytes());
        digest(&self.nodes, &mut hash);
        crate::hex::encode(&hash.finalize())
    }
}

/// Lengths go in too, so that no two trees read alike.
fn digest(nodes: &BTreeMap<String, Node>, hash: &mut Sha256) {
    hash.update(nodes.len().to_le_bytes());
    for (key, node) in nodes {
        hash.update(key.len().to_le_bytes());
        hash.update(key.as_bytes());
        match node {
            Node::Text(text) => {
                hash.update([0]);
                hash.update(text.len().to_le_bytes());
                hash.update(text.as_bytes());
            }
            Node::Branch(inner) => {
                hash.update([1]);
                digest(inner, hash);
            }
        }
    }
}

/// `a[b][]` is `a`, `b`, and an empty segment that stands for the next number. `None` when the brackets do not fit.
fn segments(name: &str) -> Option<Vec<&str>> {
    let (head, mut rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    if head.is_empty() || head.contains(']') {
        return None;
    }
    let mut segments = vec![head];
    while !rest.is_empty() {
        let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
        if inner.contains('[') || segments.len() == MAX_DEPTH {
            return None;
        }
        segments.push(inner);
        rest = after;
    }
    Some(segments)
}

fn key_in(nodes: &BTreeMap<String, Node>, segment: &str) -> String {
    if segment.is_empty() { nodes.len().to_string() } else { segment.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn brackets_nest_and_lists_keep_the_order_of_their_numbers() {
        let mut form = form("l[10][q]=b&l[9][q]=a&t[]=x&t[]=y&m%5Bk%5D=v+w");
        let quantities: Vec<_> =
            form.branches("l").unwrap().iter_mut().map(|l| l.required_text("q").unwrap()).collect();
        assert_eq!(quantities, ["a", "b"]);
        assert_eq!(form.texts("t").unwrap(), ["x", "y"]);
        assert_eq!(form.branch("m").unwrap().unwrap().text("k").unwrap().as_deref(), Some("v w"));
        form.finish().unwrap();
    }

    #[test]
    fn what_nobody_reads_is_named() {
        let mut form = form("a[0][b]=1&a[0][c]=2");
        let mut entry = form.branches("a").unwrap().remove(0);
        entry.text("b").unwrap();
        let error = entry.finish().unwrap_err();
        assert!(error.json().get().contains("a[0][c]"), "{}", error.json());
    }

    #[test]
    fn a_fingerprint_ignores_order_and_sees_values() {
        let print = |text: &str| form(text).fingerprint("POST /x");
        assert_eq!(print("a=1&b[c]=2"), print("b[c]=2&a=1"));
        assert_ne!(print("a=1&b[c]=2"), print("a=1&b[c]=3"));
        assert_ne!(print("a=12"), print("a1=2"));
    }

    #[test]
    fn brackets_that_do_not_fit_are_refused() {
        for bad in ["[a]=1", "a[b=1", "a]=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=2&a=1", "=1"] {
            assert!(Form::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Form::parse(format!("a{}=1", "[b]".repeat(MAX_DEPTH)).as_bytes()).is_err());
    }
}
