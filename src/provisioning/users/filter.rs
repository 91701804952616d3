//! A filter over people as SQL. Values are bound, names of columns are ours, and what no column tells is
//! looked at in memory for those whom the columns let through: never for everybody.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::model::name_key;
use crate::provisioning::tokens::Caller;
use crate::scim::filter::{Comparison, Filter, Operator};
use crate::scim::path::AttributePath;
use crate::scim::schema::Kind;
use crate::scim::{ScimError, ScimType, date};

/// A value that stands in a statement as `$n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// Which people a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What stands behind `WHERE`, with `?` for each value.
    pub text: String,
    /// The values.
    pub bound: Vec<Bound>,
    /// Whether it says all that the filter says. If not, it lets more people through.
    pub exact: bool,
    /// Whether its text is one of few.
    pub usual: bool,
    /// Whether it speaks of memberships.
    joined: bool,
}

impl Condition {
    /// The people of the caller's connection whom the filter, if there is one, lets through; `by_name` where
    /// they are wanted in the order of their user names.
    ///
    /// # Errors
    /// 400 `invalidFilter` where the filter asks for what is not offered.
    pub fn new(caller: &Caller, filter: Option<&Filter>, by_name: bool) -> Result<Self, ScimError> {
        let mut part = Part::new(
            "scim_users.connection_id = ?",
            vec![Bound::Text(caller.connection.id.clone())],
        );
        if let Some(filter) = filter {
            let compiled = Compiler { caller }.compile(filter)?;
            let Some(more) = compiled else {
                return Err(not_offered(
                    "People are not searched by this alone. Search by id, userName, externalId, displayName, \
                     emails, active, groups or meta, alone or beside it.",
                ));
            };
            part = part.and(more.narrowed());
        }
        if by_name {
            // The index that keeps user names in order stands behind the organization.
            let organization = Bound::Text(caller.organization.clone());
            part = part.and(Part::new("scim_users.organization_id = ?", vec![organization]));
        }
        Ok(Self {
            text: part.text,
            bound: part.bound,
            exact: part.exact,
            usual: is_usual(filter),
            joined: part.joined,
        })
    }

    /// The same, of those alone whose id is not before this one.
    #[must_use]
    pub fn beginning_at(mut self, first: &str) -> Self {
        self.text.push_str(" AND scim_users.id >= ?");
        self.bound.push(Bound::Text(first.to_owned()));
        self
    }

    /// The tables that it speaks of.
    pub fn from(&self) -> &'static str {
        if self.joined {
            "scim_users LEFT JOIN members ON members.id = scim_users.member_id"
        } else {
            "scim_users"
        }
    }
}

/// What directories ask all day: for everybody, or by one value. Texts of such statements are few.
fn is_usual(filter: Option<&Filter>) -> bool {
    match filter {
        None => true,
        Some(Filter::Compare(it)) => it.operator == Operator::Equal,
        Some(_) => false,
    }
}

/// The order in which people were made.
pub const BY_ID: &str = "scim_users.id";

/// The columns that a list is sorted by.
///
/// # Errors
/// 400 `invalidPath` where there is no column for it.
pub fn order(sort_by: Option<&AttributePath>, descending: bool) -> Result<&'static str, ScimError> {
    let key = sort_by.map(AttributePath::key);
    // Ids sort by the time they were made.
    Ok(match (key.as_deref(), descending) {
        (None | Some("id" | "meta.created"), false) => BY_ID,
        (None | Some("id" | "meta.created"), true) => "scim_users.id DESC",
        (Some("meta.lastmodified"), false) => "scim_users.modified_at, scim_users.id",
        (Some("meta.lastmodified"), true) => "scim_users.modified_at DESC, scim_users.id DESC",
        (Some("username"), false) => "scim_users.user_name_key",
        (Some("username"), true) => "scim_users.user_name_key DESC",
        (Some("displayname"), false) => "scim_users.display_key, scim_users.id",
        (Some("displayname"), true) => "scim_users.display_key DESC, scim_users.id DESC",
        (Some("externalid"), false) => "scim_users.external_id, scim_users.id",
        (Some("externalid"), true) => "scim_users.external_id DESC, scim_users.id DESC",
        _ => {
            return Err(ScimError::bad(
                ScimType::InvalidPath,
                "People are sorted by id, userName, displayName, externalId, meta.created or meta.lastModified.",
            ));
        }
    })
}

/// `?` becomes `$1`, `$2`, …: SQLite numbers them by their first use, PostgreSQL by their names.
pub fn numbered(text: &str) -> String {
    let mut numbered = String::with_capacity(text.len() + 16);
    for (index, piece) in text.split('?').enumerate() {
        if index > 0 {
            numbered.push('$');
            numbered.push_str(&index.to_string());
        }
        numbered.push_str(piece);
    }
    numbered
}

/// A condition, with `?` for each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The SQL.
    pub text: String,
    /// The values.
    pub bound: Vec<Bound>,
    exact: bool,
    joined: bool,
    /// A statement by an index for the ids of all whom this lets through, and perhaps of some more.
    few: Option<(String, Vec<Bound>)>,
}

impl Part {
    /// A condition that says it all.
    pub fn new(text: impl Into<String>, bound: Vec<Bound>) -> Self {
        Self {
            text: text.into(),
            bound,
            exact: true,
            joined: false,
            few: None,
        }
    }

    fn found_by(self, few: String, bound: Vec<Bound>) -> Self {
        Self {
            few: Some((few, bound)),
            ..self
        }
    }

    /// With the way by the index spelled out: no planner is left to guess it.
    fn narrowed(self) -> Self {
        let Some((few, bound)) = self.few.clone() else {
            return self;
        };
        let way = format!("scim_users.id IN ({few})");
        if way == self.text {
            return self;
        }
        Self::new(way, bound).and(self)
    }

    fn always(yes: bool) -> Self {
        Self::new(if yes { "1 = 1" } else { "1 = 0" }, vec![])
    }

    fn and(mut self, mut other: Self) -> Self {
        let few = self.few.take().or_else(|| other.few.take());
        Self {
            few,
            ..self.with(" AND ", other)
        }
    }

    fn or(mut self, mut other: Self) -> Self {
        let few = match (self.few.take(), other.few.take()) {
            (Some((one, mut bound)), Some((two, more))) => {
                bound.extend(more);
                Some((format!("{one} UNION ALL {two}"), bound))
            }
            _ => None,
        };
        Self {
            few,
            ..self.with(" OR ", other)
        }
    }

    /// This and another with a word between them.
    pub fn with(mut self, word: &str, other: Self) -> Self {
        self.bound.extend(other.bound);
        Self {
            text: format!("{}{word}({})", self.text, other.text),
            bound: self.bound,
            exact: self.exact && other.exact,
            joined: self.joined || other.joined,
            few: None,
        }
    }

    /// The contrary.
    pub fn not(self) -> Self {
        Self {
            text: format!("NOT ({})", self.text),
            few: None,
            ..self
        }
    }
}

struct Compiler<'a> {
    caller: &'a Caller,
}

impl Compiler<'_> {
    /// The condition, or nothing where no column says anything about the filter.
    fn compile(&self, filter: &Filter) -> Result<Option<Part>, ScimError> {
        match filter {
            Filter::And(all) => self.all(all),
            Filter::Or(all) => self.any(all),
            Filter::Not(inner) => {
                let inner = self.compile(inner)?;
                Ok(inner.filter(|part| part.exact).map(Part::not))
            }
            Filter::Present(path) => {
                known(path)?;
                Ok(present(&path.key()))
            }
            Filter::Compare(it) => {
                known(&it.path)?;
                Ok(self.compare(&it.path.key(), it))
            }
            Filter::Value(path, inner) => {
                known(path)?;
                Ok(if path.key() == "emails" {
                    self.address(inner)
                } else {
                    None
                })
            }
        }
    }

    /// What columns say of some is enough to find the people; the rest is looked at in memory.
    fn all(&self, all: &[Filter]) -> Result<Option<Part>, ScimError> {
        let mut parts = Vec::with_capacity(all.len());
        for filter in all {
            parts.push(self.compile(filter)?);
        }
        let exact = parts.iter().all(Option::is_some);
        let joined = parts.into_iter().flatten().reduce(enclosed_and);
        Ok(joined.map(|part| Part {
            exact: part.exact && exact,
            ..part
        }))
    }

    fn any(&self, all: &[Filter]) -> Result<Option<Part>, ScimError> {
        let mut parts = Vec::with_capacity(all.len());
        for filter in all {
            parts.push(self.compile(filter)?);
        }
        let parts: Option<Vec<Part>> = parts.into_iter().collect();
        Ok(parts.and_then(|parts| parts.into_iter().reduce(|one, other| enclosed(one).or(other))))
    }

    fn compare(&self, key: &str, it: &Comparison) -> Option<Part> {
        match (key, &it.value) {
            (_, Value::Null) => {
                let absent = present(key)?.not();
                match it.operator {
                    Operator::Equal => Some(absent),
                    Operator::NotEqual => Some(absent.not()),
                    _ => Some(Part::always(false)),
                }
            }
            ("id", Value::String(text)) => Some(column("scim_users.id", it.operator, text)),
            ("externalid", Value::String(text)) => Some(self.indexed("external_id", it.operator, text)),
            ("username", Value::String(text)) => Some(self.named(it.operator, text)),
            ("displayname", Value::String(text)) => {
                Some(self.indexed("display_key", it.operator, &text.to_lowercase()))
            }
            ("emails" | "emails.value", Value::String(text)) => Some(self.addresses(it.operator, text)),
            ("active", value) => active(it.operator, value),
            ("meta.created", Value::String(text)) => moment("scim_users.created_at", it.operator, text),
            ("meta.lastmodified", Value::String(text)) => moment("scim_users.modified_at", it.operator, text),
            ("groups" | "groups.value", Value::String(text)) if it.operator == Operator::Equal => {
                Some(Part::new(
                    "scim_users.id IN (SELECT user_id FROM scim_group_members WHERE group_id = ?)",
                    vec![Bound::Text(text.clone())],
                ))
            }
            _ => None,
        }
    }

    fn connection(&self) -> Bound {
        Bound::Text(self.caller.connection.id.clone())
    }

    /// A column with an index behind the connection.
    fn indexed(&self, name: &str, operator: Operator, text: &str) -> Part {
        let part = column(&format!("scim_users.{name}"), operator, text);
        if !matches!(operator, Operator::Equal | Operator::StartsWith) || text.is_empty() {
            return part;
        }
        let inner = column(&format!("one.{name}"), operator, text);
        let mut bound = vec![self.connection()];
        bound.extend(inner.bound);
        let few = format!(
            "SELECT one.id FROM scim_users AS one WHERE one.connection_id = ? AND {}",
            inner.text
        );
        part.found_by(few, bound)
    }

    /// User names are unique in the organization, and indexed there.
    fn named(&self, operator: Operator, text: &str) -> Part {
        let composed = match operator {
            Operator::Equal | Operator::NotEqual => name_key(text),
            _ => text.nfkc().collect::<String>().to_lowercase(),
        };
        let part = column("scim_users.user_name_key", operator, &composed);
        if !matches!(operator, Operator::Equal | Operator::StartsWith) || composed.is_empty() {
            return part;
        }
        let inner = column("one.user_name_key", operator, &composed);
        let mut bound = vec![Bound::Text(self.caller.organization.clone())];
        bound.extend(inner.bound);
        let few = format!(
            "SELECT one.id FROM scim_users AS one WHERE one.organization_id = ? AND {}",
            inner.text
        );
        part.found_by(few, bound)
    }

    /// `emails[type eq "work" and value eq "…"]`: the value finds the people.
    fn address(&self, inner: &Filter) -> Option<Part> {
        match inner {
            Filter::Compare(it) if it.path.key() == "value" && it.operator != Operator::NotEqual => {
                let text = it.value.as_str()?;
                Some(self.addresses(it.operator, text))
            }
            Filter::And(all) => {
                let found = all.iter().find_map(|filter| self.address(filter))?;
                Some(Part {
                    exact: found.exact && all.len() == 1,
                    ..found
                })
            }
            _ => None,
        }
    }

    fn addresses(&self, operator: Operator, text: &str) -> Part {
        let text = text.to_lowercase();
        if operator == Operator::NotEqual {
            return self.addresses(Operator::Equal, &text).not();
        }
        let (first, further) = (
            column("one.email_key", operator, &text),
            column("more.email_key", operator, &text),
        );
        let mut bound = vec![self.connection()];
        bound.extend(first.bound);
        bound.push(self.connection());
        bound.extend(further.bound);
        let few = format!(
            "SELECT one.id FROM scim_users AS one WHERE one.connection_id = ? AND {} \
             UNION ALL SELECT more.user_id FROM scim_emails AS more WHERE more.connection_id = ? AND {}",
            first.text, further.text
        );
        Part::new(format!("scim_users.id IN ({few})"), bound.clone()).found_by(few, bound)
    }
}

fn enclosed(part: Part) -> Part {
    Part {
        text: format!("({})", part.text),
        ..part
    }
}

fn enclosed_and(one: Part, other: Part) -> Part {
    enclosed(one).and(other)
}

/// Refuses attributes that no schema has: a filter by one would be a filter by nothing.
fn known(path: &AttributePath) -> Result<(), ScimError> {
    if path.key() == "schemas" || Kind::User.resolve(path).is_some() {
        return Ok(());
    }
    Err(not_offered(
        "The filter names an attribute that users don’t have.",
    ))
}

fn not_offered(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, detail)
}

fn present(key: &str) -> Option<Part> {
    let column = match key {
        "id" | "username" | "active" | "meta" | "meta.created" | "meta.lastmodified" | "schemas" => {
            return Some(Part::always(true));
        }
        "externalid" => "scim_users.external_id",
        "displayname" => "scim_users.display_key",
        "emails" | "emails.value" => "scim_users.email_key",
        _ => return None,
    };
    Some(Part::new(format!("{column} <> ''"), vec![]))
}

/// A text column that is empty where the attribute is absent: an absent attribute differs from every value,
/// and no other comparison fits it.
pub fn column(column: &str, operator: Operator, text: &str) -> Part {
    let bound = || Bound::Text(text.to_owned());
    let plain = |sign: &str| Part::new(format!("{column} {sign} ?"), vec![bound()]);
    let there = |sign: &str| Part::new(format!("({column} <> '' AND {column} {sign} ?)"), vec![bound()]);
    match operator {
        Operator::Equal if text.is_empty() => Part::always(false),
        Operator::NotEqual if text.is_empty() => Part::always(true),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith if text.is_empty() => {
            Part::new(format!("{column} <> ''"), vec![])
        }
        Operator::Equal => plain("="),
        Operator::NotEqual => plain("<>"),
        // Without LIKE, which has signs of its own and on SQLite does not know case.
        Operator::Contains => Part::new(format!("replace({column}, ?, '') <> {column}"), vec![bound()]),
        Operator::EndsWith => Part::new(
            format!("substr({column}, length({column}) - length(?) + 1) = ?"),
            vec![bound(), bound()],
        ),
        Operator::StartsWith => Part::new(
            format!("({column} >= ? AND {column} < ?)"),
            vec![bound(), Bound::Text(format!("{text}{}", char::MAX))],
        ),
        Operator::Greater => there(">"),
        Operator::GreaterOrEqual => there(">="),
        Operator::Less => there("<"),
        Operator::LessOrEqual => there("<="),
    }
}

/// By the membership, or else by the directory's word, as [`super::model::Person::is_active`].
fn active(operator: Operator, value: &Value) -> Option<Part> {
    let wanted = match value {
        Value::Bool(wanted) => *wanted,
        Value::String(word) if word.eq_ignore_ascii_case("true") => true,
        Value::String(word) if word.eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    let is_active = Part {
        joined: true,
        ..Part::new("COALESCE(members.state = 'active', scim_users.active)", vec![])
    };
    match (operator, wanted) {
        (Operator::Equal, true) | (Operator::NotEqual, false) => Some(is_active),
        (Operator::Equal, false) | (Operator::NotEqual, true) => Some(is_active.not()),
        _ => None,
    }
}

pub fn moment(column: &str, operator: Operator, text: &str) -> Option<Part> {
    let at = date::parse(text)?;
    let sign = match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => return None,
    };
    Some(Part::new(format!("{column} {sign} ?"), vec![Bound::Number(at)]))
}
