//! The part of a switch's page that names people: groups with their first names, one group page by page, a file; or
//! how far it has come.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::Deserialize;

use crate::previews::change::Change;
use crate::previews::csv;
use crate::previews::line::Line;
use crate::previews::preview::{Group, Preview};
use crate::previews::replay::DAYS;
use crate::previews::runs::{Asked as Run, Previews};
use crate::session::Owner;
use crate::sign_ins::chart::grouped;
use crate::web::paging::{PAGE, base};
use crate::web::{Choice, Page, Paging, Problem, Site, Slice};

/// After how many seconds a page that is not ready asks again.
const AGAIN: &str = "1";

/// What an address asks of the preview.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    days: String,
    how: String,
    format: String,
    #[serde(flatten)]
    paging: Paging,
}

/// How many days back, as it was typed.
pub fn days(text: &str) -> i64 {
    text.parse()
        .ok()
        .filter(|days| (1..=366).contains(days))
        .unwrap_or(DAYS)
}

/// What the page shows of it.
pub struct Shown {
    preview: Option<Arc<Preview>>,
    working: (usize, usize),
    /// How many days back.
    pub days: i64,
    how: String,
    /// One page of the group that was asked for.
    slice: Option<Slice<Line>>,
    /// Whether a file is wanted.
    is_csv: bool,
    /// The change as the address has it, each with its value.
    query: Vec<(String, String)>,
}

impl Shown {
    /// Asks for it, or how far it has come.
    ///
    /// # Errors
    /// When it can't be worked out.
    pub async fn load(
        owner: &Owner,
        site: &Site,
        previews: &Previews,
        change: &Change,
        asked: &Asked,
        query: Vec<(String, String)>,
    ) -> Result<Self, Problem> {
        let days = days(&asked.days);
        let (preview, working) = match previews.ask(site, &owner.organization, change, days).await? {
            Run::Known(preview) => (Some(preview), (0, 0)),
            Run::Working(done, total) => (None, (done, total)),
        };
        let group = preview.as_ref().and_then(|preview| preview.group(&asked.how));
        let slice = group.map(|group| cut(group.lines, &asked.paging));
        Ok(Self {
            how: asked.how.clone(),
            is_csv: asked.format == "csv",
            preview,
            working,
            days,
            slice,
            query,
        })
    }

    /// The file, where one was asked for and can be made.
    pub fn file(&self) -> Option<Result<HttpResponse, Problem>> {
        let preview = self.preview.as_ref().filter(|_| self.is_csv)?;
        let lines = preview.lines.iter();
        let wanted = lines.filter(|line| self.how.is_empty() || line.kind.word() == self.how);
        Some(csv::of(wanted).map_err(Problem::internal).map(|body| {
            HttpResponse::Ok()
                .content_type("text/csv; charset=utf-8")
                .insert_header((
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"preview.csv\"",
                ))
                .body(body)
        }))
    }

    /// How a page that is not ready asks again by itself; none for one that is.
    pub fn again(&self) -> Option<HeaderValue> {
        let again = format!("{AGAIN}; url={}", self.all());
        HeaderValue::try_from(again)
            .ok()
            .filter(|_| self.preview.is_none())
    }

    /// Whether everything is known, and the deed can be done.
    pub fn preview(&self) -> Option<&Preview> {
        self.preview.as_deref()
    }

    /// What the form carries.
    pub fn digest(&self) -> &str {
        self.preview.as_ref().map_or("", |preview| &preview.digest)
    }

    /// The groups, of which only the first people are named.
    pub fn groups(&self) -> Vec<Group<'_>> {
        self.preview().map(Preview::groups).unwrap_or_default()
    }

    /// The group that was asked for.
    pub fn group(&self) -> Option<Group<'_>> {
        self.preview()?.group(&self.how)
    }

    /// One page of it.
    pub fn slice(&self) -> Option<&Slice<Line>> {
        self.slice.as_ref()
    }

    /// The address of a group, to which the key of a page is added.
    pub fn base(&self, how: &str) -> String {
        let days = self.days.to_string();
        let mut pairs: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        pairs.extend([("days", days.as_str()), ("how", how)]);
        base(&pairs)
    }

    /// The address of everybody.
    pub fn all(&self) -> String {
        self.base("").trim_end_matches('&').to_owned()
    }

    /// The change, for the form that chooses other days.
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The days to choose from.
    pub fn choices(&self) -> Vec<Choice> {
        let chosen = self.days.to_string();
        let one = |days: &str| Choice::new(days, &format!("{days} days"), &chosen);
        ["7", "30", "90", "180", "365"]
            .iter()
            .map(|days| one(days))
            .collect()
    }

    /// How far it has come, for the bar.
    pub fn working(&self) -> (usize, usize) {
        (self.working.0, self.working.1.max(1))
    }

    /// How far it has come, in words.
    pub fn how_far(&self) -> String {
        let (done, total) = self.working;
        format!("{} of about {} records are read.", number(done), number(total))
    }
}

fn number(count: usize) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The answer with this page, which may ask again by itself.
pub fn answered<T: askama::Template>(again: Option<HeaderValue>, page: Page<T>) -> HttpResponse {
    let mut answer = page.response();
    if let Some(again) = again {
        answer.headers_mut().insert(header::REFRESH, again);
    }
    answer
}

/// One page of a group, from a key on.
fn cut(lines: &[Line], paging: &Paging) -> Slice<Line> {
    let from = match paging.key() {
        None => 0,
        Some(key) if paging.is_backwards() => lines
            .partition_point(|line| line.key().as_str() < key)
            .saturating_sub(PAGE),
        Some(key) => lines.partition_point(|line| line.key().as_str() <= key),
    };
    let until = lines.len().min(from + PAGE);
    let rows = lines.get(from..until).unwrap_or_default().to_vec();
    Slice {
        next: rows.last().filter(|_| until < lines.len()).map(Line::key),
        previous: rows.first().filter(|_| from > 0).map(Line::key),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Denial;
    use crate::previews::line::{Basis, Kind};

    #[test]
    fn a_group_is_paged_by_its_keys() {
        let line = |number: usize| Line {
            kind: Kind::Out(Denial::NotInvited),
            name: format!("P{number:03}"),
            email: String::new(),
            email_key: String::new(),
            before: String::new(),
            after: String::new(),
            basis: Basis::Invited,
            connection: String::new(),
        };
        let lines: Vec<Line> = (0..120).map(line).collect();
        let first = cut(&lines, &Paging::default());
        assert_eq!((first.rows.len(), first.previous.is_some()), (PAGE, false));
        let after = |key: Option<String>| Paging {
            after: key.unwrap_or_default(),
            before: String::new(),
        };
        let second = cut(&lines, &after(first.next));
        assert_eq!(second.rows[0].name, "P050");
        let third = cut(&lines, &after(second.next));
        assert_eq!((third.rows.len(), third.next), (20, None));
        let back = Paging {
            after: String::new(),
            before: third.previous.unwrap(),
        };
        assert_eq!(cut(&lines, &back).rows[0].name, "P050");
    }

    #[test]
    fn nonsense_is_ninety_days() {
        assert_eq!([days("30"), days("0"), days("x"), days("9999")], [30, 90, 90, 90]);
    }
}
