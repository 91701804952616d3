//! Steps applied to a resource in memory.

use serde_json::{Map, Value};

use super::{Op, Step};
use crate::scim::filter::{Comparison, Filter, Operator, matches_value};
use crate::scim::resource::{conform, holder, normalize, one_primary};
use crate::scim::schema::{Attribute, Kind, Type};
use crate::scim::{ScimError, ScimType};

type Fields = Map<String, Value>;

/// Applies the steps to a copy; the resource becomes it when all went well and something differs.
pub fn all(resource: &mut Fields, steps: &[Step], kind: Kind) -> Result<bool, ScimError> {
    let mut after = resource.clone();
    for step in steps {
        one(&mut after, step)?;
    }
    let before = normal(kind, resource.clone()).unwrap_or_else(|_| resource.clone());
    let mut after = normal(kind, after)?;
    if before == after {
        return Ok(false);
    }
    for attribute in ["id", "meta", "groups"] {
        if let Some(value) = resource.get(attribute) {
            after.insert(attribute.to_owned(), value.clone());
        }
    }
    *resource = after;
    Ok(true)
}

fn normal(kind: Kind, mut fields: Fields) -> Result<Fields, ScimError> {
    fields.insert("schemas".to_owned(), serde_json::json!([kind.urn()]));
    normalize(kind, Value::Object(fields))
}

fn one(resource: &mut Fields, step: &Step) -> Result<(), ScimError> {
    let Some(holder) = holder(resource, &step.target) else {
        return Ok(());
    };
    let attribute = step.target.attribute;
    match (step.target.part, &step.filter) {
        (part, Some(filter)) => filtered(holder, step, part, filter),
        (Some(part), None) => parts(holder, step, part),
        (None, None) if attribute.multi => list(holder, step),
        (None, None) if attribute.kind == Type::Complex => complex(holder, step),
        (None, None) => single(holder, attribute, step),
    }
}

fn single(holder: &mut Fields, attribute: &Attribute, step: &Step) -> Result<(), ScimError> {
    let value = match (step.op, step.value.clone()) {
        (Op::Remove, _) | (_, None) => None,
        (_, Some(value)) => conform(attribute, value)?,
    };
    set(holder, attribute.name, value);
    Ok(())
}

fn set(holder: &mut Fields, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(holder.insert(name.to_owned(), value)),
        None => drop(holder.remove(name)),
    }
}

/// The parts that are named are set; the others stay.
fn complex(holder: &mut Fields, step: &Step) -> Result<(), ScimError> {
    let attribute = step.target.attribute;
    match (step.op, &step.value) {
        (Op::Remove, _) | (_, None | Some(Value::Null)) => drop(holder.remove(attribute.name)),
        (_, Some(Value::Object(fields))) => {
            let mut object = take_object(holder, attribute.name);
            for (name, value) in fields {
                if let Some(part) = attribute.part(name).filter(|part| !part.is_read_only()) {
                    set(&mut object, part.name, conform(part, value.clone())?);
                }
            }
            holder.insert(attribute.name.to_owned(), Value::Object(object));
        }
        (_, Some(value)) => {
            let value = conform(attribute, value.clone())?;
            set(holder, attribute.name, value);
        }
    }
    Ok(())
}

fn take_object(holder: &mut Fields, name: &str) -> Fields {
    match holder.remove(name) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn take_list(holder: &mut Fields, name: &str) -> Vec<Value> {
    match holder.remove(name) {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    }
}

fn list(holder: &mut Fields, step: &Step) -> Result<(), ScimError> {
    let attribute = step.target.attribute;
    let known = take_list(holder, attribute.name);
    let list = match (step.op, &step.value) {
        (Op::Remove, None | Some(Value::Null)) => Vec::new(),
        (Op::Remove, Some(value)) => without(known, value),
        (_, None) => known,
        (Op::Replace, Some(value)) => conformed(attribute, value)?,
        (Op::Add, Some(value)) => merged(known, conformed(attribute, value)?),
    };
    set(
        holder,
        attribute.name,
        (!list.is_empty()).then_some(Value::Array(list)),
    );
    Ok(())
}

fn conformed(attribute: &Attribute, value: &Value) -> Result<Vec<Value>, ScimError> {
    match conform(attribute, value.clone())? {
        Some(Value::Array(all)) => Ok(all),
        _ => Ok(Vec::new()),
    }
}

/// What a removal lists goes; what it doesn't list stays.
fn without(known: Vec<Value>, value: &Value) -> Vec<Value> {
    let listed = match value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    known
        .into_iter()
        .filter(|it| !listed.iter().any(|wanted| is_meant(it, wanted)))
        .collect()
}

fn is_meant(it: &Value, wanted: &Value) -> bool {
    let Some(fields) = wanted.as_object() else {
        return it == wanted || it.get("value") == Some(wanted);
    };
    let mut named = fields.iter().filter(|(_, value)| !value.is_null()).peekable();
    if let Some(value) = fields.get("value").filter(|value| !value.is_null()) {
        let kind = fields.get("type").filter(|kind| !kind.is_null());
        return it.get("value") == Some(value) && kind.is_none_or(|kind| it.get("type") == Some(kind));
    }
    named.peek().is_some() && named.all(|(name, value)| it.get(name) == Some(value))
}

/// Adds to a list. A value that is there already takes what is new about it.
fn merged(mut known: Vec<Value>, more: Vec<Value>) -> Vec<Value> {
    let mut chosen = None;
    for value in more {
        let primary = value.get("primary") == Some(&Value::Bool(true));
        let same = known.iter().position(|it| is_same(it, &value));
        let at = same.unwrap_or(known.len());
        match (same.and_then(|at| known.get_mut(at)), value) {
            (Some(Value::Object(known)), Value::Object(fields)) => known.extend(fields),
            (Some(_), _) => {}
            (None, value) => known.push(value),
        }
        if primary {
            chosen = Some(at);
        }
    }
    one_primary(&mut known, chosen);
    known
}

fn is_same(one: &Value, two: &Value) -> bool {
    match (one.get("value"), two.get("value")) {
        (Some(known), Some(value)) => {
            known == value && (two.get("type").is_none() || one.get("type") == two.get("type"))
        }
        _ => one == two,
    }
}

/// A part of a complex value, or of every value of a list.
fn parts(holder: &mut Fields, step: &Step, part: &Attribute) -> Result<(), ScimError> {
    let attribute = step.target.attribute;
    let value = part_value(step, part)?;
    if !attribute.multi {
        let mut object = take_object(holder, attribute.name);
        set(&mut object, part.name, value);
        holder.insert(attribute.name.to_owned(), Value::Object(object));
        return Ok(());
    }
    let mut list = take_list(holder, attribute.name);
    for fields in list.iter_mut().filter_map(Value::as_object_mut) {
        set(fields, part.name, value.clone());
    }
    if let (true, Some(value)) = (list.is_empty(), value) {
        list.push(serde_json::json!({ part.name: value }));
    }
    holder.insert(attribute.name.to_owned(), Value::Array(list));
    Ok(())
}

fn part_value(step: &Step, part: &Attribute) -> Result<Option<Value>, ScimError> {
    match (step.op, step.value.clone()) {
        (Op::Remove, _) | (_, None) => Ok(None),
        (_, Some(value)) => conform(part, value),
    }
}

/// The values that a filter fits.
fn filtered(
    holder: &mut Fields,
    step: &Step,
    part: Option<&Attribute>,
    filter: &Filter,
) -> Result<(), ScimError> {
    let attribute = step.target.attribute;
    let mut list = take_list(holder, attribute.name);
    filtered_list(&mut list, step, part, filter)?;
    holder.insert(attribute.name.to_owned(), Value::Array(list));
    Ok(())
}

fn filtered_list(
    list: &mut Vec<Value>,
    step: &Step,
    part: Option<&Attribute>,
    filter: &Filter,
) -> Result<(), ScimError> {
    let attribute = step.target.attribute;
    let fitting: Vec<usize> = list
        .iter()
        .enumerate()
        .filter(|(_, value)| matches_value(attribute, filter, value))
        .map(|(at, _)| at)
        .collect();
    if step.op == Op::Remove && part.is_none() {
        list.retain(|value| !matches_value(attribute, filter, value));
        return Ok(());
    }
    let fields = new_fields(step, part)?;
    let chosen = if fitting.is_empty() {
        made(list, step, part, filter, fields.clone())?
    } else {
        changed(list, step, part, &fitting, &fields);
        fitting.last().copied()
    };
    if fields.get("primary") == Some(&Value::Bool(true)) {
        one_primary(list, chosen);
    }
    Ok(())
}

/// What is set on the values: a part, or the whole.
fn new_fields(step: &Step, part: Option<&Attribute>) -> Result<Fields, ScimError> {
    let mut fields = Map::new();
    if let Some(part) = part {
        set(&mut fields, part.name, part_value(step, part)?);
        return Ok(fields);
    }
    let sent = match &step.value {
        Some(Value::Object(sent)) => sent.clone(),
        Some(value @ Value::String(_)) => Map::from_iter([("value".to_owned(), value.clone())]),
        Some(Value::Array(all)) if all.len() == 1 => all
            .first()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        _ => {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "The value for one of a list is an object.",
            ));
        }
    };
    for (name, value) in sent {
        if let Some(part) = step
            .target
            .attribute
            .part(&name)
            .filter(|part| !part.is_read_only())
        {
            set(&mut fields, part.name, conform(part, value)?);
        }
    }
    Ok(fields)
}

fn changed(list: &mut [Value], step: &Step, part: Option<&Attribute>, fitting: &[usize], fields: &Fields) {
    for at in fitting {
        let Some(Value::Object(known)) = list.get_mut(*at) else {
            continue;
        };
        match part {
            Some(part) => set(known, part.name, fields.get(part.name).cloned()),
            None if step.op == Op::Replace => *known = fields.clone(),
            None => known.extend(fields.clone()),
        }
    }
}

/// Makes the value that the filter describes. Answers where it stands.
fn made(
    list: &mut Vec<Value>,
    step: &Step,
    part: Option<&Attribute>,
    filter: &Filter,
    fields: Fields,
) -> Result<Option<usize>, ScimError> {
    if fields.is_empty() || step.op == Op::Remove {
        return Ok(None);
    }
    let mut value = Map::new();
    let describes = describe(step.target.attribute, filter, &mut value)?;
    if !describes || (step.op == Op::Replace && part.is_none()) {
        return Err(ScimError::bad(
            ScimType::NoTarget,
            format!("No value of {} fits [{filter}].", step.target.attribute.name),
        ));
    }
    value.extend(fields);
    list.push(Value::Object(value));
    Ok(Some(list.len() - 1))
}

/// Takes the equations out of a filter. False when it has anything else.
fn describe(attribute: &Attribute, filter: &Filter, value: &mut Fields) -> Result<bool, ScimError> {
    match filter {
        Filter::And(all) => {
            for it in all {
                if !describe(attribute, it, value)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Filter::Compare(Comparison {
            path,
            operator: Operator::Equal,
            value: wanted,
        }) => match attribute.part(&path.attribute) {
            Some(part) => {
                set(value, part.name, conform(part, wanted.clone())?);
                Ok(true)
            }
            None => Ok(false),
        },
        _ => Ok(false),
    }
}
