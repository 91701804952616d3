//! The list of denials, and one denial.

use actix_web::web;
use askama::Template;

use super::filter::{Filter, Wanted};
use super::model::{Denial, Note, State};
use super::queries;
use super::remedy::{Now, Remedy, remedy};
use super::suggest::{self, Suggestion, suggestions};
use crate::access::Rule;
use crate::session::{Admin, Frame};
use crate::sign_ins::chart::{self, Chart};
use crate::sign_ins::{self, Counted, Line, Outcome, SignIn};
use crate::store::time::{Timestamp, date};
use crate::store::{Conn, DbError};
use crate::web::{Choice, Page, Paging, Problem, Site, Slice};

/// How far rows are counted.
const MOST: i64 = 1_000;
/// How many notes are shown.
const NOTES: i64 = 100;
/// How many attempts of one person are shown.
const ATTEMPTS: i64 = 50;

#[derive(Template)]
#[template(path = "denied/list.html")]
pub struct List {
    frame: Frame,
    filter: Filter,
    states: Vec<Choice>,
    reasons: Vec<Choice>,
    assignments: Vec<Choice>,
    connections: Vec<Choice>,
    caption: String,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
    base: String,
    chart: Option<Chart>,
    empty: Option<Empty>,
    elsewhere: Option<String>,
    is_default: bool,
}

/// A row of the list.
struct Row {
    denial: Denial,
    connection: String,
    /// The beginning of what they wrote who ask; may be empty.
    message: String,
}

/// Why the list is empty; each has its own text.
enum Empty {
    /// Nobody was ever denied.
    Never,
    /// Nobody waits for an answer.
    Answered,
    /// The filter matches nobody.
    NoMatch,
}

/// What the list reads, in one snapshot.
struct Loaded {
    wanted: Wanted,
    rows: Vec<Denial>,
    count: usize,
    connections: Vec<(String, String)>,
    days: Vec<Counted>,
    any: bool,
    /// A reference led to a sign-in that is no denial.
    elsewhere: Option<String>,
}

/// `/orgs/{org}/denied`.
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    let (organization, now) = (admin.organization.clone(), site.now());
    let filter = filter.into_inner();
    let asked = filter.clone();
    let me = admin.signed.account.clone();
    let loaded = site
        .store
        .reading(move |conn| load(conn, &organization, &me, now, &asked))
        .await
        .map_err(Problem::from)?;
    Ok(Page::new(List::of(admin.frame("denied"), now, filter, loaded)))
}

fn load(
    conn: &mut Conn,
    organization: &str,
    me: &str,
    now: Timestamp,
    filter: &Filter,
) -> Result<Loaded, DbError> {
    let named = match filter.reference() {
        Some(reference) => sign_ins::find_by_reference(conn, organization, &reference)?,
        None => None,
    };
    let wanted = filter.wanted(me, named.is_some());
    let (one, elsewhere) = match named {
        None => (None, None),
        Some((_, Some(denial))) => (Some(denial), None),
        Some((sign_in, None)) => (Some(String::new()), Some(sign_in)),
    };
    let rows = queries::page(conn, organization, &wanted, one.as_deref(), &filter.paging)?;
    let is_all = filter.paging.key().is_none() && rows.len() <= crate::web::paging::PAGE;
    let count = if is_all {
        rows.len()
    } else {
        queries::count(conn, organization, &wanted, one.as_deref(), MOST + 1)?
    };
    Ok(Loaded {
        any: !rows.is_empty() || queries::any(conn, organization)?,
        rows,
        count,
        connections: queries::connections(conn, organization)?,
        days: sign_ins::days(conn, organization, chart::first_day(now))?,
        elsewhere,
        wanted,
    })
}

impl List {
    fn of(frame: Frame, now: Timestamp, filter: Filter, loaded: Loaded) -> Self {
        let slice = Slice::cut(loaded.rows, &filter.paging, |row| {
            Paging::moment_key(row.last_at, &row.id)
        });
        let name = |id: &Option<String>| {
            let known = loaded
                .connections
                .iter()
                .find(|(known, _)| Some(known) == id.as_ref());
            known.map(|(_, name)| name.clone()).unwrap_or_default()
        };
        let empty = slice
            .rows
            .is_empty()
            .then(|| why_empty(&loaded.wanted, loaded.any));
        let rows = slice.rows.into_iter().map(|denial| Row {
            connection: name(&denial.connection),
            message: denial.asks_in_short(),
            denial,
        });
        Self {
            rows: rows.collect(),
            frame,
            states: filter.states(),
            reasons: filter.reasons(),
            assignments: filter.assignments(),
            connections: filter.connections(&loaded.connections),
            caption: caption(loaded.count, &loaded.wanted.in_words(&loaded.connections)),
            previous: slice.previous,
            next: slice.next,
            base: filter.base(),
            chart: Chart::of(now, "denied", &loaded.days, |one| one.outcome == Outcome::Denied),
            empty,
            elsewhere: loaded.elsewhere,
            is_default: loaded.wanted.is_default(),
            filter,
        }
    }
}

fn why_empty(wanted: &Wanted, any: bool) -> Empty {
    match (any, wanted.is_default()) {
        (false, _) => Empty::Never,
        (true, true) => Empty::Answered,
        (true, false) => Empty::NoMatch,
    }
}

fn caption(count: usize, filters: &[String]) -> String {
    let count = match i64::try_from(count) {
        Ok(1) => "1 person".to_owned(),
        Ok(some) if some <= MOST => format!("{some} people"),
        _ => "More than 1,000 people".to_owned(),
    };
    let words: Vec<&str> = std::iter::once(count.as_str())
        .chain(filters.iter().map(String::as_str))
        .collect();
    format!("{}; newest first", words.join(", "))
}

#[derive(Template)]
#[template(path = "denied/one.html")]
pub struct One {
    frame: Frame,
    denial: Denial,
    remedy: Remedy,
    lines: Vec<Line>,
    sign_in: Option<SignIn>,
    others: Vec<SignIn>,
    history: Option<(String, String)>,
    suggestions: Vec<Suggestion>,
    notes: Vec<Note>,
    carers: Vec<Choice>,
    me: String,
    note: String,
    note_error: Option<String>,
}

/// What one denial's page reads, in one snapshot.
struct Whole {
    denial: Denial,
    sign_in: Option<SignIn>,
    others: Vec<SignIn>,
    now: Now,
    jit_off: Option<(Option<Timestamp>, String)>,
    suggestions: Vec<Suggestion>,
    notes: Vec<Note>,
    carers: Vec<(String, String)>,
}

/// `/orgs/{org}/denied/{id}`.
pub async fn one(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<One>, Problem> {
    let page = shown(&admin, &site, path.into_inner().1, String::new(), None).await?;
    Ok(Page::new(page))
}

/// The page, with a note that was typed and what is wrong with it.
pub(super) async fn shown(
    admin: &Admin,
    site: &Site,
    id: String,
    note: String,
    note_error: Option<String>,
) -> Result<One, Problem> {
    let (organization, now) = (admin.organization.clone(), site.now());
    let whole = site
        .store
        .reading(move |conn| whole(conn, &organization, &id, now))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    Ok(One {
        note,
        note_error,
        me: admin.signed.account.clone(),
        ..One::of(admin.frame("denied"), whole)
    })
}

fn whole(conn: &mut Conn, organization: &str, id: &str, now: Timestamp) -> Result<Option<Whole>, DbError> {
    let Some(denial) = queries::find(conn, organization, id)? else {
        return Ok(None);
    };
    let sign_in = sign_ins::find(conn, organization, &denial.last_sign_in)?;
    let mut others = sign_ins::of_person(conn, organization, &denial.person_key, ATTEMPTS + 1)?;
    others.retain(|other| other.id != denial.last_sign_in);
    let account = sign_in.as_ref().and_then(|sign_in| sign_in.account.as_deref());
    let jit_off = match &denial.connection {
        Some(connection) => queries::jit_off(conn, organization, connection)?,
        None => None,
    };
    let around = suggest::around(conn, &denial, now)?;
    Ok(Some(Whole {
        suggestions: suggestions(&denial, &around, now),
        notes: queries::notes(conn, &denial.id, NOTES)?,
        carers: queries::carers(conn, organization)?,
        now: Now {
            domain: around.domain,
            ..queries::now(conn, organization, account, &denial.email_key, now)?
        },
        sign_in,
        others,
        jit_off,
        denial,
    }))
}

impl One {
    fn of(frame: Frame, whole: Whole) -> Self {
        let Whole {
            denial,
            sign_in,
            others,
            now,
            jit_off,
            suggestions,
            notes,
            carers,
        } = whole;
        let role = frame.role;
        let connection_name = sign_in
            .as_ref()
            .map_or("", |sign_in| sign_in.connection_name.as_str());
        let mut lines = sign_in.as_ref().map(SignIn::lines).unwrap_or_default();
        // A record that knows who had switched it says so itself.
        let knows = |sign_in: &SignIn| sign_in.judged.jit.is_some();
        let jit_off = jit_off.filter(|_| !sign_in.as_ref().is_some_and(knows));
        if let Some(since) = jit_off.and_then(|(at, by)| off_since(&denial, at, &by)) {
            add_to_jit(&mut lines, &since);
        }
        Self {
            frame,
            remedy: remedy(&denial, connection_name, &now, role),
            lines,
            history: history(&denial),
            others,
            sign_in,
            suggestions: if denial.state == State::Settled {
                Vec::new()
            } else {
                suggestions
            },
            notes,
            carers: std::iter::once(Choice::new("", "Nobody", &denial.assigned_account))
                .chain(
                    carers
                        .iter()
                        .map(|(id, name)| Choice::new(id, name, &denial.assigned_account)),
                )
                .collect(),
            me: String::new(),
            note: String::new(),
            note_error: None,
            denial,
        }
    }
}

/// "Off since 14 November 2026, by Ada Lovelace.", where that explains this denial.
fn off_since(denial: &Denial, at: Option<Timestamp>, by: &str) -> Option<String> {
    let at = at.filter(|at| *at <= denial.last_at)?;
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(", by {by}")
    };
    Some(format!(" Off since {}{by}.", date(at)))
}

fn add_to_jit(lines: &mut [Line], since: &str) {
    for line in lines.iter_mut().filter(|line| line.rule == Some(Rule::JitOn)) {
        line.facts.push_str(since);
    }
}

/// Where the answer to the denial is found: the text of a link and its path.
fn history(denial: &Denial) -> Option<(String, String)> {
    match (denial.state, &denial.invitation) {
        (State::Settled, _) if !denial.settled_by.is_empty() => Some((
            "the sign-in that settled it".to_owned(),
            format!("/sign-ins/{}", denial.settled_by),
        )),
        (State::Invited, Some(invitation)) => {
            Some(("the invitation".to_owned(), format!("/invitations/{invitation}")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denied::model::tests::denial;

    #[test]
    fn the_caption_counts_and_says_the_filters() {
        assert_eq!(caption(1, &["open".into()]), "1 person, open; newest first");
        assert_eq!(caption(1_000, &[]), "1000 people; newest first");
        assert_eq!(caption(1_001, &[]), "More than 1,000 people; newest first");
    }

    #[test]
    fn the_toggle_explains_only_denials_after_it() {
        let mut mary = denial("not_invited", State::Open);
        mary.last_at = 1_795_459_867_123;
        let text = off_since(&mary, Some(mary.last_at), "Ada").unwrap();
        assert_eq!(text, " Off since 23 November 2026, by Ada.");
        assert_eq!(off_since(&mary, Some(mary.last_at + 1), "Ada"), None);
        assert_eq!(off_since(&mary, None, "Ada"), None);
    }

    #[test]
    fn an_answer_is_linked_to() {
        let mut mary = denial("not_invited", State::Settled);
        mary.settled_by = "s9".into();
        assert_eq!(history(&mary).unwrap().1, "/sign-ins/s9");
        mary.state = State::Invited;
        mary.invitation = Some("i1".into());
        assert_eq!(history(&mary).unwrap().1, "/invitations/i1");
        mary.state = State::Open;
        assert_eq!(history(&mary), None);
    }
}
