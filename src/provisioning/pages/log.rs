//! What the directory asked, and what was done.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::{Around, Id, Within, connection};
use crate::provisioning::log::{self, Kept, Log, Wanted};
use crate::session::{Admin, Frame};
use crate::store::text::tame;
use crate::web::paging::base;
use crate::web::{Choice, Page, Paging, Problem, Site, Slice};

/// The fields of the filter as the address has them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    person: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    outcome: String,
    #[serde(flatten)]
    paging: Paging,
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const OUTCOMES: [(&str, &str); 3] = [
    ("done", "Done"),
    ("refused", "Refused"),
    ("failed", "Our own fault"),
];

#[derive(Template)]
#[template(path = "provisioning/log.html")]
pub struct List {
    around: Around,
    frame: Frame,
    filter: Filter,
    methods: Vec<Choice>,
    outcomes: Vec<Choice>,
    caption: String,
    page: Slice<Kept>,
    base: String,
    is_filtered: bool,
}

#[derive(Template)]
#[template(path = "provisioning/log_one.html")]
pub struct One {
    around: Around,
    frame: Frame,
    entry: Kept,
    body: String,
    answer: String,
}

impl Filter {
    fn wanted(&self) -> Wanted {
        let person = self.person.trim();
        let outcome = OUTCOMES.iter().find(|(word, _)| *word == self.outcome);
        Wanted {
            person: (!person.is_empty()).then(|| tame(&person.to_lowercase(), 100)),
            method: METHODS.into_iter().find(|method| *method == self.method),
            statuses: outcome.map(|(word, _)| match *word {
                "done" => (0, 400),
                "refused" => (400, 500),
                _ => (500, 1_000),
            }),
        }
    }

    fn base(&self) -> String {
        base(&[
            ("person", &self.person),
            ("method", &self.method),
            ("outcome", &self.outcome),
        ])
    }

    fn caption(&self, wanted: &Wanted, count: usize) -> String {
        let outcome = OUTCOMES
            .iter()
            .find(|(word, _)| *word == self.outcome)
            .map(|(_, title)| title.to_lowercase());
        let words = [
            Some(format!(
                "{count} {} on this page",
                if count == 1 { "request" } else { "requests" }
            )),
            wanted.person.as_ref().map(|text| format!("about “{text}”")),
            wanted.method.map(str::to_owned),
            outcome,
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        format!("{}; newest first", words.join(", "))
    }
}

/// `GET /orgs/{org}/connections/{id}/directory/log`
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    log: web::Data<Log>,
    path: Id,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    log.settle().await;
    let (organization, id) = (admin.organization.clone(), path.into_inner().1);
    let filter = filter.into_inner();
    let wanted = filter.wanted();
    let (asked, paging) = (wanted.clone(), filter.paging.clone());
    let (connection, rows) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let rows = log::page(conn, &connection.id, &asked, &paging)?;
            Ok((connection, rows))
        })
        .await?;
    let page = Slice::cut(rows, &filter.paging, |row| row.id.clone());
    let around = Around::of(&admin, &site, connection);
    let methods = std::iter::once(Choice::new("", "Any", &filter.method));
    let outcomes = std::iter::once(Choice::new("", "Any", &filter.outcome));
    Ok(Page::new(List {
        frame: around.frame.clone(),
        around,
        methods: methods
            .chain(METHODS.map(|method| Choice::new(method, method, &filter.method)))
            .collect(),
        outcomes: outcomes
            .chain(OUTCOMES.map(|(word, title)| Choice::new(word, title, &filter.outcome)))
            .collect(),
        caption: filter.caption(&wanted, page.rows.len()),
        base: filter.base(),
        is_filtered: wanted != Wanted::default(),
        page,
        filter,
    }))
}

/// `GET /orgs/{org}/connections/{id}/directory/log/{entry}`
pub async fn one(
    admin: Admin,
    site: web::Data<Site>,
    log: web::Data<Log>,
    path: Within,
) -> Result<Page<One>, Problem> {
    log.settle().await;
    let (_, id, key) = path.into_inner();
    let organization = admin.organization.clone();
    let (connection, entry) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let entry = log::one(conn, &connection.id, &key)?.ok_or(Problem::NotFound)?;
            Ok((connection, entry))
        })
        .await?;
    let around = Around::of(&admin, &site, connection);
    Ok(Page::new(One {
        frame: around.frame.clone(),
        around,
        body: laid_out(&entry.body),
        answer: laid_out(&entry.answer),
        entry,
    }))
}

/// JSON with a line for each member, where it is whole; else the text as it is.
fn laid_out(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_nobody_knows_filter_nothing() {
        let filter = Filter {
            method: "BREW".into(),
            outcome: "odd".into(),
            ..Filter::default()
        };
        assert_eq!(filter.wanted(), Wanted::default());
        let filter = Filter {
            person: " Ada ".into(),
            method: "PATCH".into(),
            outcome: "refused".into(),
            ..Filter::default()
        };
        assert_eq!(
            filter.caption(&filter.wanted(), 1),
            "1 request on this page, about “ada”, PATCH, refused; newest first"
        );
    }

    #[test]
    fn bodies_are_laid_out_where_they_are_whole() {
        assert_eq!(laid_out(r#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(laid_out(r#"{"a": … (10 bytes"#), r#"{"a": … (10 bytes"#);
    }
}
