//! Filters (RFC 7644 §3.4.2.2): the tree, its text, and what it means.

mod evaluate;
mod parser;
#[cfg(test)]
mod random;

use std::fmt;

use serde_json::Value;

pub use evaluate::matches;
pub(super) use evaluate::matches_value;
pub use parser::{MAX_DEPTH, MAX_TERMS, parse};

use super::path::AttributePath;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
    ];

    /// The word in a filter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// Whether it asks for a piece of a text.
    #[must_use]
    pub const fn wants_text(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    /// Whether it asks for an order.
    #[must_use]
    pub const fn wants_order(self) -> bool {
        matches!(
            self,
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual
        )
    }
}

/// An attribute compared with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The attribute.
    pub path: AttributePath,
    /// How.
    pub operator: Operator,
    /// A string, number, boolean or null.
    pub value: Value,
}

/// A condition on a resource, or inside of a value path on one value of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `userName eq "ada"`
    Compare(Comparison),
    /// `title pr`
    Present(AttributePath),
    /// `emails[type eq "work"]`: one value of the list fits the whole inner filter.
    Value(AttributePath, Box<Self>),
    /// Both or all.
    And(Vec<Self>),
    /// One at least.
    Or(Vec<Self>),
    /// The contrary.
    Not(Box<Self>),
}

impl fmt::Display for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(it) => write!(out, "{} {} {}", it.path, it.operator.as_str(), it.value),
            Self::Present(path) => write!(out, "{path} pr"),
            Self::Value(path, inner) => write!(out, "{path}[{inner}]"),
            Self::Not(inner) => write!(out, "not ({inner})"),
            Self::And(all) => join(out, all, " and "),
            Self::Or(all) => join(out, all, " or "),
        }
    }
}

/// Nested lists stand in brackets: `and` binds closer than `or`, but the tree keeps what was written.
fn join(out: &mut fmt::Formatter<'_>, all: &[Filter], word: &str) -> fmt::Result {
    for (index, filter) in all.iter().enumerate() {
        if index > 0 {
            out.write_str(word)?;
        }
        if matches!(filter, Filter::And(_) | Filter::Or(_)) {
            write!(out, "({filter})")?;
        } else {
            write!(out, "{filter}")?;
        }
    }
    Ok(())
}
