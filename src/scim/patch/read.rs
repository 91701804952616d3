//! The body of a PATCH request, led to steps.

use serde_json::{Map, Value};

use super::{Op, Step};
use crate::scim::list::{field, names_schema};
use crate::scim::path::{AttributePath, PatchPath};
use crate::scim::schema::{Kind, PATCH_URN, Target, Type};
use crate::scim::{ScimError, ScimType};

/// The most operations that one request may have.
pub const MAX_OPERATIONS: usize = 1_000;

/// Reads the body of a PATCH request: a step for each attribute it changes. What the schemas don't know is
/// left out, and so is what only the server writes, unless a path names it.
///
/// # Errors
/// `invalidSyntax`, `invalidPath`, `noTarget`, `mutability`, `invalidValue`; 413 for too many operations.
pub fn read(body: &Value, kind: Kind) -> Result<Vec<Step>, ScimError> {
    let fields = body.as_object().filter(|fields| names_schema(fields, PATCH_URN));
    let operations = fields
        .ok_or_else(|| {
            syntax(format!(
                "The body of a PATCH is an object whose \"schemas\" is [\"{PATCH_URN}\"]."
            ))
        })
        .map(|fields| field(fields, "Operations").and_then(Value::as_array))?
        .filter(|all| !all.is_empty())
        .ok_or_else(|| syntax("A PATCH has a list \"Operations\" with at least one operation."))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ScimError::new(413, "A PATCH has at most 1,000 operations."));
    }
    let mut steps = Vec::with_capacity(operations.len());
    for operation in operations {
        read_one(operation, kind, &mut steps)?;
    }
    Ok(steps)
}

fn read_one(operation: &Value, kind: Kind, steps: &mut Vec<Step>) -> Result<(), ScimError> {
    let fields = operation
        .as_object()
        .ok_or_else(|| syntax("An operation is an object."))?;
    let op = read_op(fields)?;
    let value = named(fields, "value").cloned();
    match field(fields, "path") {
        None => without_path(op, value, kind, steps),
        Some(Value::String(path)) if path.trim().is_empty() => without_path(op, value, kind, steps),
        Some(Value::String(path)) => with_path(op, path, value, kind, steps),
        Some(_) => Err(ScimError::bad(
            ScimType::InvalidPath,
            "The path of an operation is a text.",
        )),
    }
}

fn read_op(fields: &Map<String, Value>) -> Result<Op, ScimError> {
    let word = field(fields, "op").and_then(Value::as_str).unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "add" => Ok(Op::Add),
        "replace" => Ok(Op::Replace),
        "remove" => Ok(Op::Remove),
        _ => Err(syntax(
            "The \"op\" of an operation is \"add\", \"replace\" or \"remove\".",
        )),
    }
}

/// The member of this name, also when it is null.
fn named<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn without_path(op: Op, value: Option<Value>, kind: Kind, steps: &mut Vec<Step>) -> Result<(), ScimError> {
    if op == Op::Remove {
        return Err(ScimError::bad(ScimType::NoTarget, "A removal names a path."));
    }
    let Some(Value::Object(fields)) = value else {
        return Err(value_error(
            "An operation without a path has an object as its value.",
        ));
    };
    for (name, value) in fields {
        by_name(op, &name, value, kind, steps)?;
    }
    Ok(())
}

/// A member of an operation's value: its name may be a path, or the URN of an extension.
fn by_name(op: Op, name: &str, value: Value, kind: Kind, steps: &mut Vec<Step>) -> Result<(), ScimError> {
    let Ok(path) = PatchPath::parse(name) else {
        return Ok(());
    };
    if path.attribute.attribute.is_empty() {
        return whole_schema(op, &path.attribute, Some(value), kind, steps);
    }
    match resolve(&path, kind)? {
        Some(target) if !target.is_read_only() => push(op, target, path, Some(value), steps),
        _ => Ok(()),
    }
}

fn with_path(
    op: Op,
    path: &str,
    value: Option<Value>,
    kind: Kind,
    steps: &mut Vec<Step>,
) -> Result<(), ScimError> {
    let path = PatchPath::parse(path)?;
    if path.attribute.attribute.is_empty() {
        return whole_schema(op, &path.attribute, value, kind, steps);
    }
    let Some(target) = resolve(&path, kind)? else {
        return Ok(());
    };
    if target.is_read_only() {
        return Err(mutability(&path, "is written by the server alone"));
    }
    if op == Op::Remove && (target.attribute.required || target.attribute.inherent) {
        return Err(mutability(&path, "is required"));
    }
    if op != Op::Remove && value.is_none() {
        return Err(value_error("An operation that adds or replaces has a value."));
    }
    push(op, target, path, value, steps)
}

/// The URN of a schema stands for all of its attributes.
fn whole_schema(
    op: Op,
    path: &AttributePath,
    value: Option<Value>,
    kind: Kind,
    steps: &mut Vec<Step>,
) -> Result<(), ScimError> {
    let urn = path.schema.as_deref().unwrap_or_default();
    let Some(extension) = kind.extension(urn) else {
        let core = urn.eq_ignore_ascii_case(kind.urn());
        return if core {
            without_path(op, value, kind, steps)
        } else {
            Ok(())
        };
    };
    match (op, value) {
        (Op::Remove, _) | (Op::Replace, Some(Value::Null)) => {
            let attributes = extension
                .attributes
                .iter()
                .filter(|attribute| !attribute.is_read_only());
            steps.extend(attributes.map(|attribute| Step {
                op: Op::Remove,
                target: Target {
                    extension: Some(extension.urn),
                    attribute,
                    part: None,
                },
                filter: None,
                value: None,
            }));
            Ok(())
        }
        (_, Some(Value::Object(fields))) => {
            for (name, value) in fields {
                by_name(op, &format!("{urn}:{name}"), value, kind, steps)?;
            }
            Ok(())
        }
        _ => Err(value_error("The value of an extension is an object.")),
    }
}

fn resolve(path: &PatchPath, kind: Kind) -> Result<Option<Target>, ScimError> {
    let mut attribute = path.attribute.clone();
    if path.part.is_some() {
        attribute.part = path.part.clone();
    }
    let target = kind.resolve(&attribute);
    match target {
        Some(target)
            if path.filter.is_some()
                && !(target.attribute.multi && target.attribute.kind == Type::Complex) =>
        {
            Err(ScimError::bad(
                ScimType::InvalidPath,
                format!("{} has no list of values to filter.", target.attribute.name),
            ))
        }
        target => Ok(target),
    }
}

fn push(
    op: Op,
    target: Target,
    path: PatchPath,
    value: Option<Value>,
    steps: &mut Vec<Step>,
) -> Result<(), ScimError> {
    // Whether somebody may come in is never unknown.
    if target.attribute.name == "active" && op != Op::Remove && value == Some(Value::Null) {
        return Err(value_error("active is true or false."));
    }
    steps.push(Step {
        op,
        target,
        filter: path.filter,
        value,
    });
    Ok(())
}

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

fn value_error(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

fn mutability(path: &PatchPath, why: &str) -> ScimError {
    ScimError::bad(ScimType::Mutability, format!("{path} {why}."))
}
