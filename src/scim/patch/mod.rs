//! PATCH (RFC 7644 §3.5.2): reading the operations, and applying them to a resource, all or none.
//!
//! Directories speak dialects: operations in capitals, booleans as text, no path but dotted names or URNs in
//! the value, lists of values in a remove. They are all led to one form, a [`Step`] per attribute.

mod apply;
mod read;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use read::{MAX_OPERATIONS, read};

use super::ScimError;
use super::filter::Filter;
use super::schema::{Kind, Target};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Adds to a list, sets a single value.
    Add,
    /// Sets.
    Replace,
    /// Takes away.
    Remove,
}

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// With which attribute, or which part of it.
    pub target: Target,
    /// With which of its values; all, if there is no filter.
    pub filter: Option<Filter>,
    /// The value, as it was sent. None for most removals.
    pub value: Option<Value>,
}

/// Applies the body of a PATCH request to a resource in its normal form. Answers whether anything changed;
/// when it fails, nothing did.
///
/// Where a filter in a path fits no value: an add makes the value that the filter describes, and so does a
/// replace of one part of it (some directories fill an empty list only so); a replace of the whole value is
/// `noTarget`, and a removal has nothing to do.
///
/// # Errors
/// The errors of RFC 7644 table 9; 413 for more than [`MAX_OPERATIONS`] operations.
pub fn apply(resource: &mut Map<String, Value>, body: &Value, kind: Kind) -> Result<bool, ScimError> {
    let steps = read(body, kind)?;
    apply_steps(resource, &steps, kind)
}

/// Applies steps to a resource: see [`apply`].
///
/// # Errors
/// The errors of RFC 7644 table 9.
pub fn apply_steps(resource: &mut Map<String, Value>, steps: &[Step], kind: Kind) -> Result<bool, ScimError> {
    apply::all(resource, steps, kind)
}
