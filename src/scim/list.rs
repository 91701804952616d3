//! Lists: what a client asks for, from an address or from a `SearchRequest`, and the shape of the answer
//! (RFC 7644 §3.4.2, §3.4.3).

use serde_json::{Map, Value, json};

use super::filter::{self, Filter};
use super::path::AttributePath;
use super::projection::names;
use super::schema::{LIST_URN, SEARCH_URN};
use super::{Projection, ScimError, ScimType};

/// The most resources that one answer has.
pub const MAX_COUNT: i64 = 200;
/// How many an answer has when the client names no number.
pub const DEFAULT_COUNT: i64 = 100;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// The first resource, counted from 1.
    pub start_index: i64,
    /// How many at most: 0 to [`MAX_COUNT`].
    pub count: i64,
    /// Which.
    pub filter: Option<Filter>,
    /// By what they are sorted.
    pub sort_by: Option<AttributePath>,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// What is shown of them.
    pub projection: Projection,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            start_index: 1,
            count: DEFAULT_COUNT,
            filter: None,
            sort_by: None,
            descending: false,
            projection: Projection::All,
        }
    }
}

impl ListQuery {
    /// From the query of an address, as it was sent.
    ///
    /// # Errors
    /// `invalidFilter`, or `invalidValue` when a number is none.
    pub fn from_query(query: &str) -> Result<Self, ScimError> {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let list =
                name.eq_ignore_ascii_case("attributes") || name.eq_ignore_ascii_case("excludedAttributes");
            let value: Value = if list {
                names(&value).collect()
            } else {
                value.into()
            };
            fields.insert(name.into_owned(), value);
        }
        Self::read(&fields)
    }

    /// From the body of a request to `/.search`.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no `SearchRequest`, and as for an address.
    pub fn from_search(body: &Value) -> Result<Self, ScimError> {
        let fields = body.as_object().filter(|fields| names_schema(fields, SEARCH_URN));
        let Some(fields) = fields else {
            return Err(ScimError::bad(
                ScimType::InvalidSyntax,
                format!("The body of a search is an object whose \"schemas\" is [\"{SEARCH_URN}\"]."),
            ));
        };
        Self::read(fields)
    }

    fn read(fields: &Map<String, Value>) -> Result<Self, ScimError> {
        let start = number(fields, "startIndex")?.unwrap_or(1);
        let count = number(fields, "count")?.unwrap_or(DEFAULT_COUNT);
        Ok(Self {
            start_index: start.max(1),
            count: count.clamp(0, MAX_COUNT),
            filter: text(fields, "filter")?.map(filter::parse).transpose()?,
            sort_by: text(fields, "sortBy")?.map(sort_path).transpose()?,
            descending: descending(fields)?,
            projection: Projection::new(
                &listed(fields, "attributes")?,
                &listed(fields, "excludedAttributes")?,
            )?,
        })
    }
}

/// Whether the object's `schemas` names this URN, in any case.
pub(super) fn names_schema(fields: &Map<String, Value>, urn: &str) -> bool {
    let known = |schema: &Value| schema.as_str().is_some_and(|it| it.eq_ignore_ascii_case(urn));
    field(fields, "schemas")
        .and_then(Value::as_array)
        .is_some_and(|schemas| schemas.iter().any(known))
}

/// The body of an answer that lists.
#[must_use]
pub fn response(total: i64, start_index: i64, resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// The member of this name, in any case, unless it is null.
pub(super) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields
        .iter()
        .find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_null())
        .map(|(_, value)| value)
}

fn invalid(detail: String) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<Option<i64>, ScimError> {
    let number = match field(fields, name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number
        .map(Some)
        .ok_or_else(|| invalid(format!("{name} is a whole number.")))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ScimError> {
    match field(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is a text."))),
    }
}

fn listed(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, ScimError> {
    match field(fields, name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(names(text).collect()),
        Some(Value::Array(all)) => all
            .iter()
            .map(|it| it.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(format!("{name} is a list of names."))),
        Some(_) => Err(invalid(format!("{name} is a list of names."))),
    }
}

fn sort_path(text: &str) -> Result<AttributePath, ScimError> {
    AttributePath::read(text.trim())
        .filter(|path| !path.attribute.is_empty())
        .ok_or_else(|| ScimError::bad(ScimType::InvalidPath, "sortBy is the name of an attribute."))
}

fn descending(fields: &Map<String, Value>) -> Result<bool, ScimError> {
    match text(fields, "sortOrder")? {
        None => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("ascending") => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("descending") => Ok(true),
        Some(_) => Err(invalid(
            "sortOrder is \"ascending\" or \"descending\".".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-045.
    #[test]
    fn paging_is_bounded() {
        for (query, start, count) in [
            ("", 1, 100),
            ("startIndex=0&count=0", 1, 0),
            ("startIndex=-5&count=-1", 1, 0),
            (
                "startIndex=1000000000000&count=1000000000",
                1_000_000_000_000,
                200,
            ),
            ("STARTINDEX=3&Count=7", 3, 7),
        ] {
            let list = ListQuery::from_query(query).unwrap();
            assert_eq!((list.start_index, list.count), (start, count), "{query}");
        }
        for query in [
            "startIndex=a",
            "count=",
            "count=1.5",
            "sortOrder=up",
            "sortBy=a b",
            "filter=a",
            "filter=",
        ] {
            assert_eq!(ListQuery::from_query(query).unwrap_err().status, 400, "{query}");
        }
    }

    /// SCIM-047.
    #[test]
    fn an_address_and_a_body_ask_the_same() {
        let query = "startIndex=2&count=3&filter=userName+eq+%22a%2Bb%22&sortBy=name.familyName&sortOrder=descending&attributes=id,userName";
        let body = json!({
            "schemas": [SEARCH_URN], "startIndex": 2, "count": 3, "filter": "userName eq \"a+b\"",
            "sortBy": "name.familyName", "sortOrder": "descending", "attributes": ["id", "userName"],
        });
        assert_eq!(
            ListQuery::from_query(query).unwrap(),
            ListQuery::from_search(&body).unwrap()
        );
        assert!(ListQuery::from_search(&json!({ "count": 1 })).is_err());
    }

    #[test]
    fn the_answer_has_numbers() {
        let answer = response(7, 3, &[json!({})]);
        assert_eq!(answer.get("totalResults"), Some(&json!(7)));
        assert_eq!(answer.get("itemsPerPage"), Some(&json!(1)));
    }
}
