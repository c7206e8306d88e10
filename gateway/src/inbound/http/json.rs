//! JSON as it was sent: an ordered tree that keeps duplicate keys, bounded in depth, read with a pointer per fault.

use std::{collections::HashSet, fmt, ops::RangeInclusive};

use common::{Code, Fault, Violation};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// Deepest nesting of a body; serde_json's own limit is 128.
pub(crate) const DEPTH_MAX: usize = 32;
/// Faults that one answer lists; further ones are left out.
const FAULTS_MAX: usize = 100;

/// A JSON value. Booleans and fractions are told apart but never used, so they carry nothing.
#[derive(Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool,
    Integer(i128),
    Fraction,
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Parses a body; `malformed_json` when it is empty, not JSON, or nests deeper than [`DEPTH_MAX`].
pub(crate) fn parse(body: &[u8]) -> Result<Json, Fault> {
    if body.is_empty() {
        return Err(Fault::new(Code::MalformedJson, "the body is empty; it should be JSON"));
    }
    if nests_too_deep(body) {
        return Err(Fault::new(
            Code::MalformedJson,
            format!("the body nests deeper than {DEPTH_MAX} levels"),
        ));
    }
    serde_json::from_slice(body)
        .map_err(|e| Fault::new(Code::MalformedJson, format!("the body is not JSON: {}", position(&e))))
}

fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// Whether brackets outside strings nest too deep; runs before the parser, so that it never recurses far.
fn nests_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsSent)
    }
}

struct AsSent;

impl<'de> Visitor<'de> for AsSent {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Integer(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Fraction)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = seq.next_element()? {
            entries.push(entry);
        }
        Ok(Json::Array(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

/// What is wrong with a body, each at its pointer (RFC 6901) into the body as it was sent.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Violation { pointer: pointer.into(), detail: detail.into() });
        }
    }

    /// A fault with this code that names them all; fine when there are none.
    pub(crate) fn into_result(self, code: Code) -> Result<(), Fault> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let place = if first.pointer.is_empty() { "the body" } else { &first.pointer };
        let fault = Fault::new(code, format!("{place}: {}", first.detail));
        Err(self.0.into_iter().fold(fault, |fault, v| fault.with_violation(v.pointer, v.detail)))
    }
}

/// How the keys of an object are compared with the names we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    AsWritten,
    AnyCase,
}

impl Keys {
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Self::AsWritten => a == b,
            Self::AnyCase => a.eq_ignore_ascii_case(b),
        }
    }
}

/// The members of one object and where it stands in the body.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    at: String,
    entries: &'a [(String, Json)],
    keys: Keys,
}

impl<'a> Fields<'a> {
    /// The members of `json`; a fault when it is no object or has a key twice.
    pub(crate) fn of(json: &'a Json, at: String, keys: Keys, faults: &mut Faults) -> Option<Self> {
        let Json::Object(entries) = json else {
            faults.add(at, "expected an object");
            return None;
        };
        let fields = Self { at, entries, keys };
        fields.refuse_doubles(faults);
        Some(fields)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| self.keys.same(key, name))
    }

    /// The member of that name unless it is absent or null.
    pub(crate) fn optional(&self, name: &str) -> Option<Field<'a>> {
        let found = |(key, value): &&(String, Json)| self.keys.same(key, name) && *value != Json::Null;
        self.entries.iter().find(found).map(|(key, value)| Field { at: pointer(&self.at, key), value })
    }

    /// The member of that name; a fault at the object when it is absent.
    pub(crate) fn required(&self, name: &str, faults: &mut Faults) -> Option<Field<'a>> {
        let field = self.entries.iter().find(|(key, _)| self.keys.same(key, name));
        if field.is_none() {
            faults.add(&self.at, format!("`{name}` is missing"));
        }
        field.map(|(key, value)| Field { at: pointer(&self.at, key), value })
    }

    pub(crate) fn refuse_unknown(&self, known: &[&str], faults: &mut Faults) {
        for (key, _) in self.entries {
            if !known.iter().any(|name| self.keys.same(key, name)) {
                faults.add(pointer(&self.at, key), "there is no such field");
            }
        }
    }

    fn refuse_doubles(&self, faults: &mut Faults) {
        let mut seen = HashSet::with_capacity(self.entries.len());
        for (key, _) in self.entries {
            let name = if self.keys == Keys::AnyCase { key.to_ascii_lowercase() } else { key.clone() };
            if !seen.insert(name) {
                faults.add(pointer(&self.at, key), "the field is there twice");
            }
        }
    }
}

/// One member and where it stands in the body.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) at: String,
    pub(crate) value: &'a Json,
}

impl<'a> Field<'a> {
    /// A text of so many characters.
    pub(crate) fn text(&self, chars: &RangeInclusive<usize>, faults: &mut Faults) -> Option<&'a str> {
        match self.value {
            Json::Text(text) if chars.contains(&text.chars().count()) => return Some(text),
            Json::Text(_) => {
                faults.add(&self.at, format!("expected {} to {} characters", chars.start(), chars.end()));
            }
            _ => faults.add(&self.at, "expected a string"),
        }
        None
    }

    /// A JSON integer in the range; `2.0` and `"2"` are none.
    pub(crate) fn integer(&self, range: &RangeInclusive<u64>, faults: &mut Faults) -> Option<u64> {
        let number = match self.value {
            Json::Integer(number) => u64::try_from(*number).ok().filter(|n| range.contains(n)),
            _ => None,
        };
        if number.is_none() {
            faults.add(&self.at, format!("expected an integer from {} to {}", range.start(), range.end()));
        }
        number
    }
}

/// The pointer to a member or entry of what `at` points to.
pub(crate) fn pointer(at: &str, token: &str) -> String {
    format!("{at}/{}", token.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_levels_are_read_and_thirty_three_are_not() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err().code(), Code::MalformedJson);
        let in_text = format!("\"{}\\\"{}\"", "[".repeat(50), "{".repeat(50));
        assert!(parse(in_text.as_bytes()).is_ok(), "brackets in a text do not nest");
    }

    #[test]
    fn a_pointer_escapes_what_rfc_6901_escapes() {
        assert_eq!(pointer("/items/0", "a/b~c"), "/items/0/a~1b~0c");
    }
}
