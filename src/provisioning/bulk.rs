//! `/Bulk`: several operations in one request (RFC 7644 §3.7), each of them all or nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::request::{Answer, Context, Request, Verb};
use super::route;
use super::tokens::Caller;
use crate::scim::patch::MAX_OPERATIONS;
use crate::scim::schema::BULK_RESPONSE_URN;
use crate::scim::{ScimError, ScimType, schema};
use crate::store::Conn;

/// One line of the request.
struct Line {
    verb: Verb,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
}

/// Answers a request to `/Bulk`, in a transaction that holds the organization.
///
/// # Errors
/// `invalidSyntax`, and 413 for too many operations; the errors of single operations stand in the answer.
pub fn handle(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    request: &Request,
) -> Result<Answer, ScimError> {
    let body = request.object()?;
    let lines = lines(body)?;
    let most_errors = most_errors(body)?;
    let mut bulk = Bulk {
        made: HashMap::new(),
        answers: lines.iter().map(|_| None).collect(),
        errors: 0,
        told: Vec::new(),
    };
    bulk.run(conn, (context, caller), &lines, most_errors)?;
    let operations: Vec<Value> = bulk.answers.into_iter().flatten().collect();
    let body = json!({ "schemas": [BULK_RESPONSE_URN], "Operations": operations });
    Ok(Answer::new(200, Some(body)).decided(bulk.told.join(" ")))
}

struct Bulk {
    /// The ids of what was made, by bulkId; none where making it failed.
    made: HashMap<String, Option<String>>,
    answers: Vec<Option<Value>>,
    errors: usize,
    told: Vec<String>,
}

impl Bulk {
    /// In the order of the request, but what refers to something that is made later waits for it.
    fn run(
        &mut self,
        conn: &mut Conn,
        (context, caller): (&Context, &Caller),
        lines: &[Line],
        most_errors: usize,
    ) -> Result<(), ScimError> {
        let named: HashSet<&str> = lines.iter().filter_map(|line| line.bulk_id.as_deref()).collect();
        let wanted: Vec<BTreeSet<&str>> = lines.iter().map(references).collect();
        // Who waits for which line, and for how many each waits.
        let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut lacking = vec![0_usize; lines.len()];
        let (mut now, mut next): (BTreeSet<usize>, BTreeSet<usize>) =
            ((0..lines.len()).collect(), BTreeSet::new());
        loop {
            while let Some(at) = now.pop_first() {
                if self.errors >= most_errors {
                    return Ok(());
                }
                let (Some(line), Some(wanted)) = (lines.get(at), wanted.get(at)) else {
                    continue;
                };
                let is_open = |id: &&&str| !self.made.contains_key(**id) && named.contains(**id);
                let open: Vec<&str> = wanted.iter().filter(is_open).copied().collect();
                if !open.is_empty() {
                    if let Some(lacks) = lacking.get_mut(at) {
                        *lacks = open.len();
                    }
                    for id in open {
                        waiting.entry(id).or_default().push(at);
                    }
                    continue;
                }
                let failed = wanted
                    .iter()
                    .find(|id| self.made.get(**id).is_none_or(Option::is_none));
                let outcome = if let Some(id) = failed {
                    Err(unresolved(id))
                } else {
                    let (path, data) = self.resolved(line);
                    carry_out(conn, context, caller, line, &path, data)?
                };
                self.keep(at, line, outcome);
                // Whoever waited for this one has its turn: in this round, if that is still to come.
                let woken = line.bulk_id.as_deref().and_then(|id| waiting.remove(id));
                for other in woken.unwrap_or_default() {
                    let Some(lacks) = lacking.get_mut(other) else {
                        continue;
                    };
                    *lacks -= 1;
                    if *lacks == 0 {
                        if other > at { &mut now } else { &mut next }.insert(other);
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            now = std::mem::take(&mut next);
        }
        let stuck: Vec<usize> = (0..lines.len())
            .filter(|at| lacking.get(*at).is_some_and(|lacks| *lacks > 0))
            .collect();
        self.give_up(&stuck, lines, most_errors);
        Ok(())
    }

    /// Those who wait for each other wait for ever.
    fn give_up(&mut self, waiting: &[usize], lines: &[Line], most_errors: usize) {
        for at in waiting {
            if self.errors >= most_errors {
                break;
            }
            if let Some(line) = lines.get(*at) {
                let error = ScimError::new(409, "This operation and others refer to each other in a circle.");
                self.keep(*at, line, Err(error));
            }
        }
    }

    fn keep(&mut self, at: usize, line: &Line, outcome: Result<Answer, ScimError>) {
        let mut shown = Map::new();
        shown.insert("method".to_owned(), line.verb.as_str().into());
        if let Some(id) = &line.bulk_id {
            shown.insert("bulkId".to_owned(), id.as_str().into());
        }
        let answer = outcome.unwrap_or_else(|error| Answer {
            status: error.status,
            ..Answer::new(error.status, Some(error.body()))
        });
        shown.insert("status".to_owned(), answer.status.to_string().into());
        let made = (line.verb == Verb::Post && answer.status < 400).then_some(answer.location.as_deref());
        if let Some(id) = &line.bulk_id {
            let made = made.flatten().and_then(|location| location.rsplit('/').next());
            self.made.insert(id.clone(), made.map(str::to_owned));
        }
        if let Some(location) = answer.location {
            shown.insert("location".to_owned(), location.into());
        }
        if let Some(etag) = answer.etag {
            shown.insert("version".to_owned(), etag.into());
        }
        if answer.status >= 400 {
            self.errors += 1;
            shown.insert("response".to_owned(), answer.body.unwrap_or_default());
        }
        if !answer.decision.is_empty() {
            self.told.push(answer.decision);
        }
        if let Some(place) = self.answers.get_mut(at) {
            *place = Some(Value::Object(shown));
        }
    }

    /// Path and data of a line with ids in the place of its references, all of which are made.
    fn resolved(&self, line: &Line) -> (String, Value) {
        let mut data = line.data.clone();
        self.resolve(&mut data);
        let parts = line.path.split('/').map(|part| match reference(part) {
            Some(id) => self.id_of(id).unwrap_or(part),
            None => part,
        });
        let path: Vec<&str> = parts.collect();
        (path.join("/"), data)
    }

    fn id_of(&self, reference: &str) -> Option<&str> {
        self.made.get(reference)?.as_deref()
    }

    fn resolve(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(made) = reference(text).and_then(|id| self.id_of(id)) {
                    *text = made.to_owned();
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|one| self.resolve(one)),
            Value::Object(fields) => fields.values_mut().for_each(|one| self.resolve(one)),
            _ => {}
        }
    }
}

/// The `bulkId` that a text refers to, if it does (RFC 7644, 3.7.2).
fn reference(text: &str) -> Option<&str> {
    text.strip_prefix("bulkId:")
}

/// The references of a line, each once.
fn references(line: &Line) -> BTreeSet<&str> {
    fn gather<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::String(text) => found.extend(reference(text)),
            Value::Array(all) => all.iter().for_each(|one| gather(one, found)),
            Value::Object(fields) => fields.values().for_each(|one| gather(one, found)),
            _ => {}
        }
    }
    let mut found: BTreeSet<&str> = line.path.split('/').filter_map(reference).collect();
    gather(&line.data, &mut found);
    found
}

/// Carries out a line so that nothing of it stays when it fails. The outer error ends the whole request, to be
/// tried again.
fn carry_out(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    line: &Line,
    path: &str,
    data: Value,
) -> Result<Result<Answer, ScimError>, ScimError> {
    let request = match request(line, path, data) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = conn.nested(|conn| route::handle(conn, context, caller, &request));
    match outcome {
        Err(error) if error.status >= 500 => Err(error),
        outcome => Ok(outcome),
    }
}

fn request(line: &Line, path: &str, data: Value) -> Result<Request, ScimError> {
    let parts: Vec<String> = path
        .trim_start_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect();
    let names: Vec<&str> = parts.iter().map(String::as_str).collect();
    let allowed = match names.as_slice() {
        ["Users" | "Groups"] => &[Verb::Post][..],
        ["Users" | "Groups", id] if *id != ".search" => &[Verb::Put, Verb::Patch, Verb::Delete],
        _ => return Err(ScimError::not_found()),
    };
    if !allowed.contains(&line.verb) {
        return Err(ScimError::new(405, "This can’t be done here."));
    }
    Ok(Request {
        verb: line.verb,
        path: parts,
        query: String::new(),
        body: (line.verb != Verb::Delete).then_some(data),
        if_match: line.version.clone(),
        if_none_match: None,
    })
}

fn lines(body: &Map<String, Value>) -> Result<Vec<Line>, ScimError> {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let is_bulk = |urn: &Value| {
        urn.as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(schema::BULK_REQUEST_URN))
    };
    if !schemas.is_some_and(|all| all.iter().any(is_bulk)) {
        return Err(syntax(
            "The \"schemas\" of a bulk request name the schema of bulk requests.",
        ));
    }
    let operations = member(body, "Operations")
        .and_then(Value::as_array)
        .filter(|all| !all.is_empty())
        .ok_or_else(|| syntax("A bulk request has a list \"Operations\" with at least one operation."))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ScimError::new(
            413,
            "A bulk request has at most 1,000 operations.",
        ));
    }
    operations.iter().map(line).collect()
}

fn line(operation: &Value) -> Result<Line, ScimError> {
    let fields = operation
        .as_object()
        .ok_or_else(|| syntax("An operation is an object."))?;
    let text = |name: &str| member(fields, name).and_then(Value::as_str).map(str::to_owned);
    let verb = text("method").and_then(|method| Verb::parse(&method.to_ascii_uppercase()));
    Ok(Line {
        verb: verb.ok_or_else(|| syntax("The \"method\" of an operation is POST, PUT, PATCH or DELETE."))?,
        path: text("path").ok_or_else(|| syntax("An operation has a \"path\", such as /Users."))?,
        bulk_id: text("bulkId"),
        version: text("version"),
        data: member(fields, "data").cloned().unwrap_or_default(),
    })
}

fn most_errors(body: &Map<String, Value>) -> Result<usize, ScimError> {
    let Some(most) = member(body, "failOnErrors") else {
        return Ok(usize::MAX);
    };
    most.as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .filter(|most| *most > 0)
        .ok_or_else(|| {
            ScimError::bad(
                ScimType::InvalidValue,
                "failOnErrors is a whole number above zero.",
            )
        })
}

fn member<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields
        .iter()
        .find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_null())
        .map(|(_, value)| value)
}

fn syntax(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

fn unresolved(id: &str) -> ScimError {
    ScimError::bad(
        ScimType::InvalidValue,
        format!("Nothing was made under the bulkId \"{id}\"."),
    )
}
