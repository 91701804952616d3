//! The audit log as administrators read it.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::entry::{Entry, Field};
use super::export::Format;
use super::{queries, words};
use crate::session::{Admin, Frame};
use crate::store::text::tame;
use crate::store::time::{DAY, Timestamp, date, parse_day};
use crate::web::download;
use crate::web::paging::base;
use crate::web::{Choice, Page, Paging, Problem, Site, Slice};

/// What the log is filtered by, as the address says it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(flatten)]
    paging: Paging,
}

/// The filter understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Part of the actor's name, or the whole address, username or name of a person; in lower case.
    pub actor: Option<String>,
    /// The action's word.
    pub action: Option<String>,
    /// The subject's id, part of its name, or the whole address, username or name of a person; in lower case.
    pub subject: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
pub struct List {
    frame: Frame,
    filter: Filter,
    actions: Vec<(&'static str, Vec<Choice>)>,
    caption: String,
    page: Slice<Entry>,
    base: String,
    is_filtered: bool,
}

#[derive(Template)]
#[template(path = "audit/one.html")]
pub struct One {
    frame: Frame,
    fields: Vec<Field>,
    entry: Entry,
}

impl Filter {
    fn wanted(&self) -> Wanted {
        let filled = |text: &str| (!text.trim().is_empty()).then(|| tame(text.trim(), 100));
        Wanted {
            actor: filled(&self.actor).map(|text| text.to_lowercase()),
            action: filled(&self.action),
            subject: filled(&self.subject).map(|text| text.to_lowercase()),
            from: parse_day(&self.from),
            until: parse_day(&self.to).map(|day| day + DAY),
        }
    }

    fn base(&self) -> String {
        base(&[
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("from", &self.from),
            ("to", &self.to),
        ])
    }

    /// Every known action under what it is about, and the one that the address names if it is none of them.
    fn actions(&self) -> Vec<(&'static str, Vec<Choice>)> {
        let of = |(title, actions): &words::Group| {
            let choice = |(word, sentence): &(&str, &str)| Choice::new(word, sentence, &self.action);
            (*title, actions.iter().map(choice).collect())
        };
        let mut groups: Vec<(&str, Vec<Choice>)> = words::all().iter().map(of).collect();
        let is_known = groups
            .iter()
            .flat_map(|(_, choices)| choices)
            .any(|choice| choice.chosen);
        if !is_known && !self.action.is_empty() {
            groups.push((
                "Others",
                vec![Choice::new(&self.action, &self.action, &self.action)],
            ));
        }
        groups
    }
}

impl Wanted {
    fn caption(&self, count: usize) -> String {
        let words = [
            Some(format!(
                "{count} {} on this page",
                if count == 1 { "entry" } else { "entries" }
            )),
            self.actor.as_ref().map(|text| format!("by “{text}”")),
            self.action
                .as_ref()
                .map(|word| format!("“{}”", words::sentence(word))),
            self.subject.as_ref().map(|text| format!("to “{text}”")),
            self.from.map(|day| format!("from {}", date(day))),
            self.until.map(|day| format!("until {}", date(day - DAY))),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        format!("{}; newest first", words.join(", "))
    }
}

impl List {
    /// The address of the same entries as a file of this kind, below the organization's.
    fn file(&self, extension: &str) -> String {
        let address = format!("/audit.{extension}{}", self.base);
        address.trim_end_matches(['?', '&']).to_owned()
    }
}

/// `/orgs/{org}/audit`.
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    let organization = admin.organization.clone();
    let filter = filter.into_inner();
    let wanted = filter.wanted();
    let (asked, paging) = (wanted.clone(), filter.paging.clone());
    let rows = site
        .store
        .reading(move |conn| queries::page(conn, &organization, &asked, &paging))
        .await
        .map_err(Problem::from)?;
    let page = Slice::cut(rows, &filter.paging, |row| row.id.clone());
    Ok(Page::new(List {
        frame: admin.frame("audit"),
        actions: filter.actions(),
        caption: wanted.caption(page.rows.len()),
        base: filter.base(),
        is_filtered: wanted != Wanted::default(),
        page,
        filter,
    }))
}

/// `/orgs/{org}/audit.csv`: what the filters leave, all of it.
pub async fn csv(admin: Admin, site: web::Data<Site>, filter: web::Query<Filter>) -> HttpResponse {
    file(&admin, &site, &filter, Format::Csv)
}

/// `/orgs/{org}/audit.jsonl`: the same for machines.
pub async fn json_lines(admin: Admin, site: web::Data<Site>, filter: web::Query<Filter>) -> HttpResponse {
    file(&admin, &site, &filter, Format::JsonLines)
}

fn file(admin: &Admin, site: &Site, filter: &Filter, format: Format) -> HttpResponse {
    let (organization, wanted) = (admin.organization.clone(), filter.wanted());
    let (name, mut last) = (format!("audit.{}", format.extension()), String::new());
    download::file(
        &site.store,
        &name,
        format.media_type(),
        format.header(),
        move |conn| {
            let some = queries::wanted_after(conn, &organization, &wanted, &last, download::ROWS)?;
            if let Some(end) = some.last() {
                last.clone_from(&end.id);
            }
            Ok(some.iter().map(|entry| format.line(entry)).collect())
        },
    )
}

/// `/orgs/{org}/audit/{id}`.
pub async fn one(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<One>, Problem> {
    let organization = admin.organization.clone();
    let (_, id) = path.into_inner();
    let entry = site
        .store
        .reading(move |conn| queries::find(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    Ok(Page::new(One {
        frame: admin.frame("audit"),
        fields: entry.fields(),
        entry,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_nobody_knows_can_still_be_looked_for() {
        let filter = Filter {
            action: "moon.landed".into(),
            ..Filter::default()
        };
        let chosen: Vec<_> = filter
            .actions()
            .into_iter()
            .flat_map(|(_, choices)| choices)
            .filter(|choice| choice.chosen)
            .collect();
        assert_eq!(chosen, [Choice::new("moon.landed", "moon.landed", "moon.landed")]);
    }

    #[test]
    fn the_caption_says_the_filters() {
        let filter = Filter {
            actor: " Olive ".into(),
            action: "member.removed".into(),
            to: "2026-11-23".into(),
            ..Filter::default()
        };
        assert_eq!(
            filter.wanted().caption(1),
            "1 entry on this page, by “olive”, “Removed a member”, until 23 November 2026; newest first"
        );
    }
}
