//! `/Bulk`: several operations in one request (RFC 7644 §3.7), each of them all or nothing.

mod order;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::order::{Names, Order, order};
use super::request::{Answer, Context, Request, Verb};
use super::route;
use super::tokens::Caller;
use crate::scim::patch::MAX_OPERATIONS;
use crate::scim::schema::{BULK_RESPONSE_URN, Kind};
use crate::scim::{ScimError, ScimType, resource, schema};
use crate::store::Conn;

/// How long after the request came operations are still begun. All others of the organization wait meanwhile, and on SQLite
/// of the installation; on PostgreSQL they give up after 20 seconds.
const LONGEST: Duration = Duration::from_secs(15);
/// What stands before the bulkId where something refers to it.
const REFERENCE: &str = "bulkId:";

/// One line of the request.
struct Line {
    verb: Verb,
    path: String,
    bulk_id: Option<String>,
    /// Whether it is the first one with this bulkId: that one is meant where something refers to it.
    is_first_of_name: bool,
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
    let mut bulk = Bulk {
        made: HashMap::new(),
        answers: lines.iter().map(|_| None).collect(),
        errors: 0,
        most_errors: most_errors(body)?,
        told: Vec::new(),
    };
    let is_late = || context.begun.elapsed() >= LONGEST;
    bulk.run(lines, is_late, |line, path| {
        carry_out(conn, context, caller, line, path)
    })?;
    let operations: Vec<Value> = bulk.answers.into_iter().flatten().collect();
    let body = json!({ "schemas": [BULK_RESPONSE_URN], "Operations": operations });
    Ok(Answer::new(200, Some(body)).decided(bulk.told.join(" ")))
}

struct Bulk {
    /// The ids of what was made, by bulkId; none where making it failed.
    made: HashMap<String, Option<String>>,
    answers: Vec<Option<Value>>,
    errors: usize,
    most_errors: usize,
    told: Vec<String>,
}

impl Bulk {
    /// In the order of the request, but what refers to something that is made later waits for it. Nothing is begun once it
    /// is late, so that what refers to something that was not begun is told so, too, and not that it refers to nothing.
    fn run(
        &mut self,
        mut lines: Vec<Line>,
        is_late: impl Fn() -> bool,
        mut carry_out: impl FnMut(&mut Line, &str) -> Result<Result<Answer, ScimError>, ScimError>,
    ) -> Result<(), ScimError> {
        let names: Vec<Names<'_>> = lines.iter().map(Line::names).collect();
        let Order { done, circular } = order(&names);
        let circular = circular.into_iter().map(|at| (at, true));
        for (at, is_circular) in done.into_iter().map(|at| (at, false)).chain(circular) {
            if self.errors >= self.most_errors {
                break;
            }
            let Some(line) = lines.get_mut(at) else {
                continue;
            };
            let outcome = if is_circular {
                Err(in_a_circle())
            } else if is_late() {
                Err(late())
            } else {
                match self.resolve_line(line) {
                    Ok(path) => carry_out(line, &path)?,
                    Err(error) => Err(error),
                }
            };
            self.keep(at, line, outcome);
        }
        Ok(())
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
        if let Some(id) = line.bulk_id.as_ref().filter(|_| line.is_first_of_name) {
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

    /// Puts ids in the place of what the line refers to; answers its path.
    fn resolve_line(&self, line: &mut Line) -> Result<String, ScimError> {
        self.resolve(&mut line.data)?;
        let parts = line.path.split('/');
        let parts: Result<Vec<&str>, ScimError> = parts
            .map(|part| self.id_of(part).map(|id| id.unwrap_or(part)))
            .collect();
        Ok(parts?.join("/"))
    }

    fn resolve(&self, value: &mut Value) -> Result<(), ScimError> {
        match value {
            Value::String(text) => {
                if let Some(id) = self.id_of(text)? {
                    *text = id.to_owned();
                }
                Ok(())
            }
            Value::Array(all) => all.iter_mut().try_for_each(|one| self.resolve(one)),
            Value::Object(fields) => fields.values_mut().try_for_each(|one| self.resolve(one)),
            _ => Ok(()),
        }
    }

    /// The id of what a text refers to; none where it refers to nothing.
    fn id_of(&self, text: &str) -> Result<Option<&str>, ScimError> {
        let Some(name) = text.strip_prefix(REFERENCE) else {
            return Ok(None);
        };
        match self.made.get(name) {
            Some(Some(id)) => Ok(Some(id)),
            Some(None) | None => Err(unresolved(name)),
        }
    }
}

impl Line {
    fn names(&self) -> Names<'_> {
        let mut refers: Vec<&str> = self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix(REFERENCE))
            .collect();
        collect(&self.data, &mut refers);
        Names {
            makes: self.bulk_id.as_deref(),
            refers,
        }
    }
}

/// What a value refers to.
fn collect<'a>(value: &'a Value, refers: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => refers.extend(text.strip_prefix(REFERENCE)),
        Value::Array(all) => all.iter().for_each(|one| collect(one, refers)),
        Value::Object(fields) => fields.values().for_each(|one| collect(one, refers)),
        _ => {}
    }
}

/// Carries out a line so that nothing of it stays when it fails. The outer error ends the whole request, to be
/// tried again.
fn carry_out(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    line: &mut Line,
    path: &str,
) -> Result<Result<Answer, ScimError>, ScimError> {
    let request = match request(line, path) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = conn.nested(|conn| route::handle(conn, context, caller, &request));
    match outcome {
        Err(error) if error.status >= 500 => Err(error),
        outcome => Ok(outcome),
    }
}

fn request(line: &mut Line, path: &str) -> Result<Request, ScimError> {
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
    // A line is carried out once.
    let data = std::mem::take(&mut line.data);
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
    let mut names = HashSet::new();
    operations
        .iter()
        .map(|operation| {
            let line = line(operation)?;
            let is_first_of_name = line.bulk_id.clone().is_none_or(|id| names.insert(id));
            Ok(Line {
                is_first_of_name,
                ..line
            })
        })
        .collect()
}

fn line(operation: &Value) -> Result<Line, ScimError> {
    let fields = operation
        .as_object()
        .ok_or_else(|| syntax("An operation is an object."))?;
    let text = |name: &str| member(fields, name).and_then(Value::as_str).map(str::to_owned);
    let verb = text("method").and_then(|method| Verb::parse(&method.to_ascii_uppercase()));
    let verb = verb.ok_or_else(|| syntax("The \"method\" of an operation is POST, PUT, PATCH or DELETE."))?;
    let path = text("path").ok_or_else(|| syntax("An operation has a \"path\", such as /Users."))?;
    let data = member(fields, "data");
    Ok(Line {
        data: data.map(|data| taken(verb, &path, data)).unwrap_or_default(),
        verb,
        path,
        bulk_id: text("bulkId"),
        is_first_of_name: true,
        version: text("version"),
    })
}

/// The data without what no attribute holds: nothing is looked for in that.
fn taken(verb: Verb, path: &str, data: &Value) -> Value {
    let kind = match path.trim_start_matches('/').split('/').next() {
        Some("Users") => Kind::User,
        Some("Groups") => Kind::Group,
        _ => return data.clone(),
    };
    match data {
        Value::Object(fields) if verb != Verb::Patch => fields
            .iter()
            .filter(|(name, _)| resource::takes(kind, name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
            .into(),
        _ => data.clone(),
    }
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

fn in_a_circle() -> ScimError {
    ScimError::new(409, "This operation and others refer to each other in a circle.")
}

fn late() -> ScimError {
    ScimError::new(
        503,
        "No time was left to begin this operation. Send it again, with fewer at once.",
    )
}

fn unresolved(id: &str) -> ScimError {
    ScimError::bad(
        ScimType::InvalidValue,
        format!("Nothing was made under the bulkId \"{id}\"."),
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn bulk(lines: &[Line], most_errors: usize) -> Bulk {
        Bulk {
            made: HashMap::new(),
            answers: lines.iter().map(|_| None).collect(),
            errors: 0,
            most_errors,
            told: Vec::new(),
        }
    }

    fn making(path: &str, name: &str, data: &Value) -> Line {
        line(&json!({"method": "POST", "path": path, "bulkId": name, "data": data})).unwrap()
    }

    fn made(id: &str) -> Answer {
        Answer {
            location: Some(format!("https://id.example/{id}")),
            ..Answer::new(201, None)
        }
    }

    /// SCIM-080, SCIM-015.
    #[test]
    fn what_no_attribute_holds_refers_to_nothing() {
        let lines = vec![
            making(
                "/Groups",
                "g",
                &json!({"unknown": "bulkId:nobody", "MEMBERS": ["bulkId:u"], "meta": ["bulkId:g"]}),
            ),
            making(
                "/Users",
                "u",
                &json!({"urn:x:2.0:Y": ["bulkId:g"], "userName": "u"}),
            ),
        ];
        let mut sent = Vec::new();
        let mut all = bulk(&lines, usize::MAX);
        let told = all.run(
            lines,
            || false,
            |line, path| {
                sent.push((path.to_owned(), line.data.clone()));
                Ok(Ok(made("id1")))
            },
        );
        assert_eq!(told, Ok(()));
        assert_eq!(
            sent,
            [
                ("/Users".to_owned(), json!({"userName": "u"})),
                ("/Groups".to_owned(), json!({"MEMBERS": ["id1"]})),
            ]
        );
    }

    /// Whatever is not begun is answered all the same, also what refers to it.
    /// SCIM-080, RES-011.
    #[test]
    fn what_comes_too_late_is_told_so() {
        let lines = || {
            let refers = |number: u32| json!({"x": if number == 4 { "bulkId:3" } else { "" }});
            (0..5)
                .map(|number| Line {
                    data: refers(number),
                    ..making("/Users", &number.to_string(), &json!({}))
                })
                .collect::<Vec<_>>()
        };
        for (most_errors, answered) in [(usize::MAX, 5), (1, 3)] {
            let begun = Cell::new(0);
            let mut all = bulk(&lines(), most_errors);
            let told = all.run(
                lines(),
                || begun.get() == 2,
                |_, _| {
                    begun.set(begun.get() + 1);
                    Ok(Ok(made("id")))
                },
            );
            assert_eq!(told, Ok(()));
            let statuses: Vec<_> = all
                .answers
                .iter()
                .flatten()
                .map(|it| it["status"].clone())
                .collect();
            assert_eq!(statuses, ["201", "201", "503", "503", "503"][..answered]);
        }
    }

    /// Of two of one name the first is meant, whatever becomes of the second.
    /// SCIM-080.
    #[test]
    fn a_name_that_is_used_twice_means_the_first() {
        let body = json!({"schemas": [schema::BULK_REQUEST_URN], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}},
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}},
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": {}},
        ]});
        let lines = lines(body.as_object().unwrap()).unwrap();
        let (mut all, mut paths) = (bulk(&lines, usize::MAX), Vec::new());
        let told = all.run(
            lines,
            || false,
            |_, path| {
                paths.push(path.to_owned());
                Ok(if paths.len() == 2 {
                    Err(ScimError::not_found())
                } else {
                    Ok(made("first"))
                })
            },
        );
        assert_eq!(told, Ok(()));
        assert_eq!(paths, ["/Users", "/Users", "/Users/first"]);
    }
}
