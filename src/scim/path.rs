//! Paths to attributes: in filters and projections, and in PATCH (RFC 7644 §3.5.2, §3.10).

use std::fmt;

use super::filter::{self, Filter};
use super::schema::{Kind, SCHEMA_URNS};
use super::{ScimError, ScimType};

/// The longest path in bytes.
const MAX_LENGTH: usize = 4_096;

/// The way to an attribute or to a part of it. Names are kept as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN of the schema, where the path names it.
    pub schema: Option<String>,
    /// The attribute. Empty where the path is the URN of an extension: then it means the whole of it.
    pub attribute: String,
    /// The part (sub-attribute).
    pub part: Option<String>,
}

impl AttributePath {
    /// A path to an attribute of the core schema, or to a part of it.
    pub fn new(attribute: &str, part: Option<&str>) -> Self {
        Self {
            schema: None,
            attribute: attribute.to_owned(),
            part: part.map(str::to_owned),
        }
    }

    /// Reads a path without a filter: `userName`, `name.givenName`, `urn:…:User:department`. The dots of a
    /// URN's version are no separators.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (schema, rest) = split_schema(text)?;
        if rest.is_empty() {
            return Some(Self {
                schema,
                attribute: String::new(),
                part: None,
            });
        }
        let (attribute, part) = match rest.split_once('.') {
            None => (rest, None),
            Some((attribute, part)) => (attribute, Some(part)),
        };
        (is_name(attribute) && part.is_none_or(is_name)).then(|| Self {
            schema,
            attribute: attribute.to_owned(),
            part: part.map(str::to_owned),
        })
    }

    /// The path in lower case and without the URN of a core schema: `username`, `emails.value`,
    /// `urn:…:user:department`. For telling paths apart.
    #[must_use]
    pub fn key(&self) -> String {
        let core = |urn: &String| {
            [Kind::User, Kind::Group]
                .iter()
                .any(|kind| kind.urn().eq_ignore_ascii_case(urn))
        };
        let plain = Self {
            schema: self.schema.clone().filter(|urn| !core(urn)),
            ..self.clone()
        };
        plain.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            out.write_str(schema)?;
            if !self.attribute.is_empty() {
                out.write_str(":")?;
            }
        }
        out.write_str(&self.attribute)?;
        match &self.part {
            Some(part) => write!(out, ".{part}"),
            None => Ok(()),
        }
    }
}

/// Parts the URN in front from the name: by the schemas that are known, else at the last colon.
fn split_schema(text: &str) -> Option<(Option<String>, &str)> {
    for urn in SCHEMA_URNS {
        let Some((head, rest)) = text.split_at_checked(urn.len()) else {
            continue;
        };
        if !head.eq_ignore_ascii_case(urn) {
            continue;
        }
        if rest.is_empty() {
            return Some((Some(head.to_owned()), rest));
        }
        // Some clients set a dot where the colon belongs.
        if let Some(name) = rest.strip_prefix([':', '.']) {
            return (!name.is_empty()).then(|| (Some(head.to_owned()), name));
        }
    }
    match text.rsplit_once(':') {
        None => (!text.is_empty()).then_some((None, text)),
        Some((urn, name)) => (is_urn(urn) && !name.is_empty()).then(|| (Some(urn.to_owned()), name)),
    }
}

fn is_urn(text: &str) -> bool {
    let known = text
        .split_at_checked(4)
        .is_some_and(|(head, _)| head.eq_ignore_ascii_case("urn:"));
    (known || text.starts_with("http:") || text.starts_with("https:"))
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || ":._-/+%~".contains(letter))
}

/// A letter or `$`, then letters, digits, `-`, `_` (RFC 7643 §2.1).
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text
            .chars()
            .skip(1)
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
}

/// The path of a PATCH operation: `emails[type eq "work"].value`.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The attribute. Its part is set only where there is no filter.
    pub attribute: AttributePath,
    /// Which of its values are meant.
    pub filter: Option<Filter>,
    /// The part of those values.
    pub part: Option<String>,
}

impl PatchPath {
    /// Reads the path of a PATCH operation.
    ///
    /// # Errors
    /// `invalidPath` when it can't be read.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(invalid("The path is longer than 4,096 bytes."));
        }
        let Some((head, rest)) = text.split_once('[') else {
            return AttributePath::read(text)
                .map(Self::from)
                .ok_or_else(|| unreadable(text));
        };
        let attribute = AttributePath::read(head)
            .filter(|path| path.part.is_none() && !path.attribute.is_empty())
            .ok_or_else(|| unreadable(text))?;
        let (filter, part) = rest.rsplit_once(']').ok_or_else(|| unreadable(text))?;
        let part = match part {
            "" => None,
            part => Some(
                part.strip_prefix('.')
                    .filter(|it| is_name(it))
                    .ok_or_else(|| unreadable(text))?,
            ),
        };
        let filter = filter::parse(filter).map_err(|error| invalid(error.detail))?;
        Ok(Self {
            attribute,
            filter: Some(filter),
            part: part.map(str::to_owned),
        })
    }
}

impl From<AttributePath> for PatchPath {
    fn from(attribute: AttributePath) -> Self {
        Self {
            attribute,
            filter: None,
            part: None,
        }
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attribute.fmt(out)?;
        if let Some(filter) = &self.filter {
            write!(out, "[{filter}]")?;
        }
        match &self.part {
            Some(part) => write!(out, ".{part}"),
            None => Ok(()),
        }
    }
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidPath, detail)
}

fn unreadable(text: &str) -> ScimError {
    let shown: String = text.chars().take(100).collect();
    invalid(format!("The path \"{shown}\" is not the path of an attribute."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-055.
    #[test]
    fn paths_are_read() {
        for (text, schema, attribute, part) in [
            ("userName", None, "userName", None),
            ("name.givenName", None, "name", Some("givenName")),
            ("members.$ref", None, "members", Some("$ref")),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:userName",
                Some("urn:ietf:params:scim:schemas:core:2.0:User"),
                "userName",
                None,
            ),
            (
                "URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:manager.value",
                Some("URN:IETF:params:scim:schemas:extension:enterprise:2.0:user"),
                "manager",
                Some("value"),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
                "",
                None,
            ),
            (
                "urn:example:2.0:Thing:size.big",
                Some("urn:example:2.0:Thing"),
                "size",
                Some("big"),
            ),
        ] {
            let path = AttributePath::read(text).unwrap();
            assert_eq!(path.schema.as_deref(), schema, "{text}");
            assert_eq!(path.attribute, attribute, "{text}");
            assert_eq!(path.part.as_deref(), part, "{text}");
            assert_eq!(path.to_string(), text);
        }
    }

    /// SCIM-057.
    #[test]
    fn broken_paths_are_refused() {
        for text in [
            "",
            " ",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a b",
            "1a",
            "emails[",
            "emails[]",
            "emails]",
            "emails[type eq]",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].",
            "emails[broken!!!filter",
            "x:y",
            "urn:ietf:params:scim:schemas:core:2.0:User:",
            "emails.value[type eq \"work\"]",
            "[type eq \"a\"]",
        ] {
            let error = PatchPath::parse(text).unwrap_err();
            assert_eq!(error.kind, Some(ScimType::InvalidPath), "{text}");
        }
    }

    /// SCIM-054.
    #[test]
    fn value_paths_are_read() {
        let path = PatchPath::parse("emails[type eq \"a]b[\" and not (value co \"x\")].value").unwrap();
        assert_eq!(path.part.as_deref(), Some("value"));
        assert_eq!(PatchPath::parse(&path.to_string()).unwrap(), path);
    }
}
