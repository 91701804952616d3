//! Reading the body of a request: JSON, with what JSON leaves open refused.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::scim::{ScimError, ScimType};

/// The deepest nesting. What SCIM describes is four deep.
const DEEPEST: usize = 32;

/// Reads a body. Two members of one name, NUL and deep nesting are refused beside what is no JSON.
///
/// # Errors
/// 400 `invalidSyntax`, or `invalidValue` for a NUL.
pub fn read(bytes: &[u8]) -> Result<Value, ScimError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(DEEPEST)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            ScimError::bad(
                ScimType::InvalidSyntax,
                format!("The body can’t be read as JSON: {error}."),
            )
        })?;
    if has_nul(&value) {
        return Err(ScimError::bad(
            ScimType::InvalidValue,
            "A text holds a NUL, which can’t be stored.",
        ));
    }
    Ok(value)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Reads a value with so many levels left below it.
struct Strict(usize);

impl Strict {
    fn below<E: de::Error>(&self) -> Result<Self, E> {
        self.0
            .checked_sub(1)
            .map(Self)
            .ok_or_else(|| E::custom("it is nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(de::Error::custom("it has two members of one name"));
            }
            let value = members.next_value_seed(self.below()?)?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_is() {
        let text = r#" {"a":[1,-2,2.5,true,null,"\u0041é"],"b":{"c":{}}} "#;
        assert_eq!(
            read(text.as_bytes()),
            Ok(json!({"a": [1, -2, 2.5, true, null, "Aé"], "b": {"c": {}}}))
        );
    }

    /// SCIM-014, RES-004.
    #[test]
    fn what_json_leaves_open_is_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in [
            "",
            "{",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "NaN",
            "{} {}",
            "\u{feff}{}",
            &deep,
        ] {
            let error = read(bad.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status, error.kind),
                (400, Some(ScimType::InvalidSyntax)),
                "{bad}"
            );
        }
        assert!(read(b"\"\xff\"").is_err());
        let error = read(br#"{"a":"\u0000"}"#).unwrap_err();
        assert_eq!(error.kind, Some(ScimType::InvalidValue));
    }
}
