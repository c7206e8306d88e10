//! JSON to BSON and back, each in one pass, exact: what was written is read byte by byte the same.
//!
//! Whole numbers become `int`, `long` or, above those, `decimal`; all others `double`. Names that MongoDB does not
//! take at every place (`$…`, a `.`, a zero, an empty one) are written with percent signs.

use std::{borrow::Cow, fmt};

use common::Fault;
use mongodb::bson::{Bson, Decimal128, Document, RawBsonRef};
use serde::{
    Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
    ser::{Error as _, SerializeMap as _, SerializeSeq as _},
};

/// `internal` when it is not JSON.
pub(super) fn to_bson(json: &[u8]) -> Result<Bson, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = ToBson.deserialize(&mut deserializer);
    value
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| Fault::internal(format!("a document that is not JSON: {error}")))
}

/// `internal` when there is something in it that JSON cannot say.
pub(super) fn to_json(value: RawBsonRef<'_>) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(&AsJson(value))
        .map_err(|error| Fault::internal(format!("a document in the store cannot be read: {error}")))
}

/// A whole number as the smallest type that holds it.
pub(super) fn whole(number: u64) -> Bson {
    if let Ok(number) = i32::try_from(number) {
        return Bson::Int32(number);
    }
    match i64::try_from(number) {
        Ok(number) => Bson::Int64(number),
        Err(_) => Bson::Decimal128(decimal(number)),
    }
}

fn decimal(number: u64) -> Decimal128 {
    number.to_string().parse().expect("20 digits fit into the 34 of a decimal")
}

/// Any JSON value as BSON.
#[derive(Clone, Copy)]
struct ToBson;

impl<'de> DeserializeSeed<'de> for ToBson {
    type Value = Bson;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bson, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ToBson {
    type Value = Bson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Bson, E> {
        Ok(Bson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bson, E> {
        Ok(Bson::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bson, E> {
        Ok(i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Bson, E> {
        Ok(whole(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Bson, E> {
        Ok(Bson::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bson, E> {
        Ok(Bson::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Bson, E> {
        Ok(Bson::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bson, A::Error> {
        let mut array = Vec::with_capacity(items.size_hint().unwrap_or_default());
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Bson::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Bson, A::Error> {
        let mut document = Document::new();
        while let Some(name) = entries.next_key::<String>()? {
            document.insert(escaped(name), entries.next_value_seed(self)?);
        }
        Ok(Bson::Document(document))
    }
}

/// A BSON value that serializes as the JSON it came from.
struct AsJson<'a>(RawBsonRef<'a>);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            RawBsonRef::Null => serializer.serialize_unit(),
            RawBsonRef::Boolean(value) => serializer.serialize_bool(value),
            RawBsonRef::Int32(value) => serializer.serialize_i32(value),
            RawBsonRef::Int64(value) => serializer.serialize_i64(value),
            RawBsonRef::Double(value) => serializer.serialize_f64(value),
            RawBsonRef::Decimal128(value) => {
                let whole = value.to_string().parse().map_err(S::Error::custom)?;
                serializer.serialize_u64(whole)
            }
            RawBsonRef::String(value) => serializer.serialize_str(value),
            RawBsonRef::Array(items) => {
                let mut array = serializer.serialize_seq(None)?;
                for item in items {
                    array.serialize_element(&AsJson(item.map_err(S::Error::custom)?))?;
                }
                array.end()
            }
            RawBsonRef::Document(document) => {
                let mut map = serializer.serialize_map(None)?;
                for entry in document {
                    let (name, value) = entry.map_err(S::Error::custom)?;
                    map.serialize_entry(&unescaped(name.as_str()), &AsJson(value))?;
                }
                map.end()
            }
            other => Err(S::Error::custom(format!("a value of the type {:?}", other.element_type()))),
        }
    }
}

/// Stands for the empty name; no other name has a `%` without two digits after it.
const EMPTY: &str = "%";
const ESCAPES: [(char, &str); 4] = [('%', "%25"), ('$', "%24"), ('.', "%2E"), ('\0', "%00")];

fn escaped(name: String) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    if !name.contains(ESCAPES.map(|(character, _)| character)) {
        return name;
    }
    let escape = |character| ESCAPES.iter().find(|(special, _)| *special == character).map(|(_, code)| *code);
    name.chars().fold(String::with_capacity(name.len() + 8), |mut escaped, character| {
        match escape(character) {
            Some(code) => escaped.push_str(code),
            None => escaped.push(character),
        }
        escaped
    })
}

fn unescaped(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return name.into();
    }
    if name == EMPTY {
        return "".into();
    }
    // The percent sign itself comes last: what it leaves behind is not looked at again.
    let unescape =
        |name: String, (character, code): &(char, &str)| name.replace(code, &character.to_string());
    ESCAPES.iter().rev().fold(name.to_owned(), unescape).into()
}
