//! The grammar of filters. Names and words without case; strings as in JSON; and the dialect
//! `emails[type eq "work"].value eq "x"`, which means the same as with the comparison inside.

use serde_json::Value;

use super::{Comparison, Filter, Operator};
use crate::scim::path::AttributePath;
use crate::scim::{ScimError, ScimType};

/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 20;
/// How many comparisons one filter may have.
pub const MAX_TERMS: usize = 50;
/// The longest filter in bytes.
const MAX_LENGTH: usize = 16_384;

/// Reads a filter.
///
/// # Errors
/// `invalidFilter`, with a sentence on what is wrong.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    if text.len() > MAX_LENGTH {
        return Err(invalid("The filter is longer than 16,384 bytes."));
    }
    let mut parser = Parser {
        rest: text,
        depth: 0,
        terms: 0,
        inside: false,
    };
    let filter = parser.either()?;
    parser.skip();
    if parser.rest.is_empty() {
        return Ok(filter);
    }
    Err(parser.unexpected("\"and\", \"or\" or the end"))
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    terms: usize,
    /// Within the brackets of a value path, where no other value path may stand.
    inside: bool,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Filter, ScimError> {
        let first = self.both()?;
        let mut all = vec![first];
        while self.word("or") {
            all.push(self.both()?);
        }
        Ok(one_or(all, Filter::Or))
    }

    fn both(&mut self) -> Result<Filter, ScimError> {
        let first = self.term()?;
        let mut all = vec![first];
        while self.word("and") {
            all.push(self.term()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        if self.eat('(') {
            return self.nested(')');
        }
        let before = self.rest;
        if self.word("not") {
            if self.eat('(') {
                return Ok(Filter::Not(Box::new(self.nested(')')?)));
            }
            self.rest = before;
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(invalid("The filter has more than 50 comparisons."));
        }
        let path = self.path()?;
        if self.rest.starts_with('[') {
            return self.value_path(path);
        }
        self.comparison(path)
    }

    fn nested(&mut self, end: char) -> Result<Filter, ScimError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid("The brackets of the filter nest deeper than 20."));
        }
        let inner = self.either()?;
        self.depth -= 1;
        if self.eat(end) {
            return Ok(inner);
        }
        Err(self.unexpected(&format!("\"{end}\"")))
    }

    fn value_path(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if self.inside || path.part.is_some() {
            return Err(invalid(
                "A filter in brackets stands behind an attribute that is a list, and not inside of another.",
            ));
        }
        self.eat('[');
        self.inside = true;
        let inner = self.nested(']')?;
        self.inside = false;
        let inner = match self.rest.strip_prefix('.') {
            None => inner,
            Some(rest) => {
                self.rest = rest;
                self.terms += 1;
                let part = self.path()?;
                joined(inner, self.comparison(part)?)
            }
        };
        Ok(Filter::Value(path, Box::new(inner)))
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if self.word("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::ALL
            .into_iter()
            .find(|operator| self.word(operator.as_str()))
            .ok_or_else(|| self.unexpected("an operator such as \"eq\""))?;
        let value = self.value()?;
        if operator.wants_text() && !value.is_string() {
            return Err(invalid(format!(
                "\"{}\" compares with text in quotation marks.",
                operator.as_str()
            )));
        }
        if operator.wants_order() && !(value.is_string() || value.is_number()) {
            return Err(invalid(format!(
                "\"{}\" compares with text, a date or a number.",
                operator.as_str()
            )));
        }
        Ok(Filter::Compare(Comparison {
            path,
            operator,
            value,
        }))
    }

    fn path(&mut self) -> Result<AttributePath, ScimError> {
        self.skip();
        let end = self
            .rest
            .find(|letter: char| letter.is_whitespace() || "[]()\"".contains(letter))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let path = AttributePath::read(text)
            .filter(|path| !path.attribute.is_empty())
            .ok_or_else(|| self.unexpected("the name of an attribute"))?;
        self.rest = rest;
        Ok(path)
    }

    fn value(&mut self) -> Result<Value, ScimError> {
        self.skip();
        let (end, word) = match self.rest.strip_prefix('"') {
            Some(inner) => (end_of_string(inner).map(|end| end + 2), false),
            None => (
                Some(
                    self.rest
                        .find(|letter: char| letter.is_whitespace() || "])".contains(letter))
                        .unwrap_or(self.rest.len()),
                ),
                true,
            ),
        };
        let (text, rest) = end
            .and_then(|end| self.rest.split_at_checked(end))
            .ok_or_else(|| invalid("A text in the filter has no closing quotation mark."))?;
        let lower = text.to_ascii_lowercase();
        let read = if word && ["true", "false", "null"].contains(&lower.as_str()) {
            serde_json::from_str(&lower)
        } else {
            serde_json::from_str(text)
        };
        match read {
            Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null)) => {
                self.rest = rest;
                Ok(value)
            }
            _ => Err(self.unexpected("a value: text in quotation marks, a number, true, false or null")),
        }
    }

    /// Takes a word in any case, if a word ends there.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let Some((head, rest)) = self.rest.split_at_checked(word.len()) else {
            return false;
        };
        let ends = rest
            .chars()
            .next()
            .is_none_or(|next| next.is_whitespace() || "()[]\"".contains(next));
        let found = ends && head.eq_ignore_ascii_case(word);
        if found {
            self.rest = rest;
        }
        found
    }

    fn eat(&mut self, letter: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(letter) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self, wanted: &str) -> ScimError {
        let shown: String = self.rest.trim_start().chars().take(40).collect();
        if shown.is_empty() {
            return invalid(format!("The filter ends where {wanted} is expected."));
        }
        invalid(format!("The filter has \"{shown}\" where {wanted} is expected."))
    }
}

fn one_or(mut all: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            many(all)
        }
    }
}

fn joined(inner: Filter, outer: Filter) -> Filter {
    match inner {
        Filter::And(mut all) => {
            all.push(outer);
            Filter::And(all)
        }
        other => Filter::And(vec![other, outer]),
    }
}

/// Where the closing quotation mark stands, in bytes behind the opening one.
fn end_of_string(inner: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-040.
    #[test]
    fn filters_of_the_standard_are_read() {
        for text in [
            "userName eq \"bjensen\"",
            "name.familyName co \"O'Malley\"",
            "userName sw \"J\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"",
            "title pr",
            "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
            "title pr and userType eq \"Employee\"",
            "title pr or userType eq \"Intern\"",
            "schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"",
            "userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")",
            "userType ne \"Employee\" and not (emails co \"example.com\" or emails.value co \"example.org\")",
            "userType eq \"Employee\" and (emails.type eq \"work\")",
            "userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]",
            "emails[type eq \"work\" and value co \"@example.com\"] or ims[type eq \"xmpp\" and value co \"@foo.com\"]",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"1\"",
            "not (active eq true)",
            "age ge -1.5",
            "x eq null",
            "not eq \"a\"",
        ] {
            let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parse(&filter.to_string()).unwrap(), filter, "{text}");
        }
    }

    /// SCIM-041.
    #[test]
    fn dialects_mean_the_same() {
        for (dialect, plain) in [
            ("USERNAME EQ \"a\"", "USERNAME eq \"a\""),
            ("active eq True", "active eq true"),
            ("  a   pr  AND(b pr)", "a pr and b pr"),
            (
                "emails[type eq \"work\"].value eq \"x\"",
                "emails[type eq \"work\" and value eq \"x\"]",
            ),
            ("a eq \"\\u0041\\\"\\\\\"", "a eq \"A\\\"\\\\\""),
            ("a pr or b pr and c pr", "a pr or (b pr and c pr)"),
        ] {
            assert_eq!(parse(dialect).unwrap(), parse(plain).unwrap(), "{dialect}");
        }
    }

    /// SCIM-042.
    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}a pr{}", "(".repeat(21), ")".repeat(21));
        let many = vec!["a pr"; 51].join(" or ");
        for text in [
            "",
            " ",
            "a",
            "a eq",
            "a eq b",
            "a eq \"b",
            "eq \"b\"",
            "a xx \"b\"",
            "a pr and",
            "a pr b pr",
            "(a pr",
            "a pr)",
            "not a pr",
            "a eq {}",
            "a eq []",
            "a eq 'b'",
            "a co 1",
            "a gt true",
            "a gt null",
            "a[b pr",
            "a[b[c pr]]",
            "a.b[c pr]",
            "a[b pr].",
            "a eq \"\\x\"",
            "a eq \"b\"c pr or",
            "é pr",
            deep.as_str(),
            many.as_str(),
            "a eq NaN",
            "a eq 1e999",
            "a.b.c eq 1",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, Some(ScimType::InvalidFilter), "{text}");
            assert!(error.detail.ends_with('.'), "{text}: {}", error.detail);
        }
    }

    /// SCIM-043.
    #[test]
    fn the_limits_are_just_allowed() {
        assert!(parse(&format!("{}a pr{}", "(".repeat(20), ")".repeat(20))).is_ok());
        assert!(parse(&vec!["a pr"; 50].join(" or ")).is_ok());
    }
}
