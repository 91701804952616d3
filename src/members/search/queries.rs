//! SQL of finding members. It is put together from pieces of ours; whatever was typed is bound.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{Census, Facet, MANY, Order, Question, Start, rarity};
use crate::accounts;
use crate::members::model::{Filter, Managed, Membership, State};
use crate::members::queries::{MemberRow, Person, membership};
use crate::store::schema::{accounts as people, connections, members, scim_users};
use crate::store::sql::{Sql, Value};
use crate::store::{Conn, Result, rows_of_many};
use crate::teams;
use crate::web::Paging;

/// A member with what the list shows beside.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The member.
    pub member: Membership,
    /// The name, folded.
    pub name_key: String,
    /// The username of the account.
    pub username: String,
    /// How a directory knows the person, if one does.
    pub managed: Option<Managed>,
}

/// The end of an EXISTS that is asked for each row: PostgreSQL may not join it, which would read all of it for a few rows.
pub const ONE_LOOK: &str = " LIMIT 1 OFFSET 0)";

#[derive(QueryableByName)]
struct Fact {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Of so many words it is asked how rare they are.
const ASKED: usize = 4;

/// Everything about the organization that a list of members begins with, in one statement.
pub fn census(conn: &mut Conn, organization: &str, filter: &Filter) -> Result<Census> {
    let mut text = Sql::default();
    text.add("SELECT c.facet AS kind, c.people AS number FROM member_counts c WHERE c.people > 0 AND c.organization_id = ");
    text.bind(organization);
    text.add(
        " UNION ALL SELECT 'directories', COUNT(*) FROM connections d WHERE d.scim AND d.organization_id = ",
    );
    text.bind(organization);
    if let Some(team) = &filter.team {
        text.add(" UNION ALL SELECT 'team', t.people FROM teams t WHERE t.organization_id = ");
        text.bind(organization);
        text.add(" AND t.id = ");
        text.bind(team);
    }
    let words = accounts::wanted(&filter.text);
    let (mut facts, mut new) = (HashMap::new(), Vec::new());
    for (place, word) in counted(&words) {
        match rarity::known(organization, &word.0) {
            Some(number) => drop(facts.insert(of_word(place), number)),
            None => new.push((place, word)),
        }
    }
    count(&mut text, new.iter().copied(), &(MANY + 1).to_string());
    facts.extend(facts_of(conn, text)?);
    for (place, (word, _)) in new {
        let number = facts.get(&of_word(place));
        rarity::keep(organization, word, number.copied().unwrap_or_default());
    }
    let of = |kind: &str| facts.get(kind).copied().unwrap_or_default();
    let kinds = Facet::all().map(|facet| (facet, of(&facet.name())));
    Ok(Census {
        kinds: kinds.filter(|(_, people)| *people > 0).collect(),
        has_directory: of("directories") > 0,
        rarest: rarest(&facts, &words),
        in_team: of("team"),
    })
}

/// The words of which it is asked how rare they are, with their places.
pub fn counted(words: &[(String, String)]) -> impl Iterator<Item = (usize, &(String, String))> {
    words.iter().enumerate().take(ASKED)
}

/// Goes on with how many places of the index each of these words has, up to so many.
pub fn count<'a>(text: &mut Sql, words: impl Iterator<Item = (usize, &'a (String, String))>, most: &str) {
    for (place, (from, to)) in words {
        text.add(&format!(
            " UNION ALL SELECT '{}', COUNT(*) FROM (SELECT w.account_id FROM account_words w WHERE w.word >= ",
            of_word(place)
        ));
        text.bind(from);
        text.add(" AND w.word < ");
        text.bind(to);
        text.add(&format!(" LIMIT {most}) AS word{place}"));
    }
}

fn of_word(place: usize) -> String {
    format!("word {place}")
}

/// Whether a fact is about a word.
pub fn is_word(kind: &str) -> bool {
    kind.starts_with("word ")
}

/// The answers, by what they are about.
pub fn facts_of(conn: &mut Conn, text: Sql) -> Result<HashMap<String, i64>> {
    let facts = text.load::<Fact>(conn)?.into_iter();
    Ok(facts.map(|fact| (fact.kind, fact.number)).collect())
}

/// The word of fewest places: how many, and which.
pub fn rarest(facts: &HashMap<String, i64>, words: &[(String, String)]) -> Option<(i64, usize)> {
    let of = |place: usize| facts.get(&of_word(place)).copied().unwrap_or_default();
    counted(words).map(|(place, _)| (of(place), place)).min()
}

/// A member that was found.
#[derive(QueryableByName)]
pub struct Found {
    /// The membership's id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// How many there are in all, where they are counted on the way; else 0.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// From each kind the first ones, and of those the first ones.
pub fn merged(question: &Question<'_>, facets: &[(Facet, i64)], sort: &Sort, most: i64) -> Sql {
    let mut text = Sql::default();
    text.add("SELECT id, number FROM (");
    for (place, (facet, _)) in facets.iter().enumerate() {
        let union = if place == 0 { "" } else { " UNION ALL " };
        text.add(union);
        text.add(&format!(
            "SELECT * FROM (SELECT m.id AS id, {} AS k, CAST(0 AS BIGINT) AS number FROM members m WHERE m.organization_id = ",
            sort.column
        ));
        text.bind(question.organization);
        text.add(" AND m.facet = ");
        text.bind(&facet.name());
        narrow(&mut text, question, Start::Kinds);
        sort.from(&mut text, sort.column, "m.id");
        text.add(&format!(
            " ORDER BY {} {way}, m.id {way} LIMIT {most}) AS kind{place}",
            sort.column,
            way = sort.way
        ));
    }
    text.add(&format!(
        ") AS found ORDER BY k {way}, id {way} LIMIT {most}",
        way = sort.way
    ));
    text
}

/// All of the few that the start leaves, counted, and of those the ones from the key on.
pub fn gathered(
    question: &Question<'_>,
    facets: &[(Facet, i64)],
    start: Start,
    sort: &Sort,
    most: i64,
) -> Sql {
    let mut text = Sql::default();
    text.add(&format!(
        "SELECT id, number FROM (SELECT m.id AS id, {} AS k, COUNT(*) OVER () AS number FROM (",
        sort.column
    ));
    let words = accounts::wanted(&question.filter.text);
    let word = match start {
        Start::Word(place) => words.get(place),
        _ => None,
    };
    let on = match (word, &question.filter.team) {
        (Some((from, to)), _) => {
            text.add("SELECT DISTINCT w.account_id AS one FROM account_words w WHERE w.word >= ");
            text.bind(from);
            text.add(" AND w.word < ");
            text.bind(to);
            "m.account_id"
        }
        (None, team) => {
            text.add("SELECT DISTINCT t.member_id AS one FROM team_members t WHERE t.team_id = ");
            text.bind(team.as_deref().unwrap_or_default());
            "m.id"
        }
    };
    // CROSS JOIN keeps SQLite to this order.
    text.add(&format!(") AS start CROSS JOIN members m WHERE {on} = start.one"));
    asked_for(&mut text, question, facets, start);
    text.add(") AS found WHERE 1 = 1");
    sort.from(&mut text, "k", "id");
    text.add(&format!(
        " ORDER BY k {way}, id {way} LIMIT {most}",
        way = sort.way
    ));
    text
}

/// Of a member `m`: that the question is about them, as far as the start does not see to it.
pub fn asked_for(text: &mut Sql, question: &Question<'_>, facets: &[(Facet, i64)], start: Start) {
    text.add(" AND m.organization_id = ");
    text.bind(question.organization);
    if question.kinds.is_none() {
        by_columns(text, question.filter);
    } else {
        text.add(" AND m.facet IN ")
            .list(facets.iter().map(|(facet, _)| facet.name()));
    }
    narrow(text, question, start);
}

/// What [`Facet::fits`] says of the filter, by the columns: SQLite puts a facet together anew for each row that it looks at.
fn by_columns(text: &mut Sql, filter: &Filter) {
    match filter.state {
        Some(state) => text.add(" AND m.state = ").bind(state.as_str()),
        None => text.add(" AND m.state <> ").bind(State::Removed.as_str()),
    };
    if let Some(role) = filter.role {
        text.add(" AND m.role = ").bind(&role.to_string());
    }
    if let Some(source) = filter.source {
        text.add(" AND m.source = ").bind(source.as_str());
    }
    match filter.managed {
        Some(true) => text.add(" AND m.managed"),
        Some(false) => text.add(" AND NOT m.managed"),
        None => text,
    };
}

/// What the start does not see to. The team comes first: that is one look into an index, and leaves fewer to look at.
///
/// Each is looked up by itself for whoever has come so far.
fn narrow(text: &mut Sql, question: &Question<'_>, start: Start) {
    if let Some(team) = question.filter.team.as_ref().filter(|_| start != Start::Team) {
        text.add(" AND EXISTS (SELECT 1 FROM team_members t WHERE t.member_id = m.id AND t.team_id = ");
        text.bind(team);
        text.add(ONE_LOOK);
    }
    for (place, (from, to)) in accounts::wanted(&question.filter.text).iter().enumerate() {
        if start == Start::Word(place) || start == Start::NamesWith(place) {
            continue;
        }
        text.add(
            " AND EXISTS (SELECT 1 FROM account_words w WHERE w.account_id = m.account_id AND w.word >= ",
        );
        text.bind(from);
        text.add(" AND w.word < ");
        text.bind(to);
        text.add(ONE_LOOK);
    }
    if let Some(team) = question.outside {
        text.add(" AND NOT EXISTS (SELECT 1 FROM team_members t WHERE t.member_id = m.id AND t.team_id = ");
        text.bind(team);
        text.add(")");
    }
    if let Some(team) = question.taken_from {
        text.add(" AND EXISTS (SELECT 1 FROM team_members t WHERE t.member_id = m.id AND t.team_id = ");
        text.bind(team);
        text.add(" AND t.source IN ")
            .list(teams::Source::TAKEN_BY_HAND.map(teams::Source::as_str));
        text.add(ONE_LOOK);
    }
    if let Some(member) = question.but {
        text.add(" AND m.id <> ");
        text.bind(member);
    }
}

/// By what it is sorted, and from where on.
pub struct Sort {
    column: &'static str,
    /// `ASC` or `DESC`.
    pub way: &'static str,
    /// The key's value and the member's id.
    pub from: Option<(Value, String)>,
}

impl Sort {
    /// The order of a list, from the place on that the address names.
    pub fn of(order: Order, paging: &Paging) -> Self {
        let key = paging.key().and_then(|key| key.split_once('.'));
        let from = key.and_then(|(id, value)| {
            let value = if order.is_by_name() {
                Value::Text(value.to_owned())
            } else {
                Value::Number(value.parse().ok()?)
            };
            Some((value, id.to_owned()))
        });
        Self {
            column: match order {
                Order::Name => "m.name_key",
                Order::Newest | Order::Oldest => "m.joined_at",
                Order::Seen | Order::Unseen => "COALESCE(m.last_sign_in_at, 0)",
            },
            way: if order.is_descending() == paging.is_backwards() {
                "ASC"
            } else {
                "DESC"
            },
            from,
        }
    }

    /// Where the following ones are.
    pub fn sign(&self) -> char {
        if self.way == "ASC" { '>' } else { '<' }
    }

    /// Where those before a place are.
    pub fn before(&self) -> char {
        if self.way == "ASC" { '<' } else { '>' }
    }

    /// What the last one of all has.
    pub fn last(&self) -> &'static str {
        if self.way == "ASC" { "MAX" } else { "MIN" }
    }

    /// Goes on with: and comes after the key.
    pub fn from(&self, text: &mut Sql, column: &str, id: &str) {
        let Some((value, last)) = &self.from else {
            return;
        };
        let sign = self.sign();
        text.add(&format!(" AND {column} {sign}= "));
        text.value(value.clone());
        text.add(&format!(" AND ({column} {sign} "));
        text.value(value.clone());
        text.add(&format!(" OR {id} {sign} "));
        text.bind(last);
        text.add(")");
    }
}

/// How a directory knows somebody: the connection's name, whether it still writes, the user name, and whether it took
/// the person over.
type KnownAs = (Option<String>, Option<bool>, Option<String>, Option<bool>);

/// The members with these ids, in the order of the ids.
pub fn rows(conn: &mut Conn, ids: &[String]) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = members::table
        .inner_join(people::table)
        .left_join(scim_users::table.on(scim_users::member_id.eq(members::id.nullable())))
        .left_join(
            connections::table.on(connections::id
                .nullable()
                .eq(scim_users::connection_id.nullable())),
        )
        .filter(members::id.eq_any(ids))
        .select((
            // The columns alone: with `as_select` it would be a statement of one database.
            <MemberRow as Selectable<Pg>>::construct_selection(),
            <Person as Selectable<Pg>>::construct_selection(),
            people::name_key,
            people::username,
            (
                connections::name.nullable(),
                connections::scim.nullable(),
                scim_users::user_name.nullable(),
                scim_users::adopted.nullable(),
            ),
        ));
    let found: Vec<(MemberRow, Person, String, String, KnownAs)> = rows_of_many(conn, wanted)?;
    let mut by_id: HashMap<String, Listed> = HashMap::with_capacity(found.len());
    for (row, person, name_key, username, known) in found {
        let member = membership((row, person));
        let listed = Listed {
            managed: managed(&member.id, known),
            member,
            name_key,
            username,
        };
        by_id.insert(listed.member.id.clone(), listed);
    }
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

fn managed(member: &str, known: KnownAs) -> Option<Managed> {
    let (Some(connection), Some(is_synchronised), Some(user_name), Some(adopted)) = known else {
        return None;
    };
    Some(Managed {
        member: member.to_owned(),
        connection,
        is_synchronised,
        user_name,
        adopted,
    })
}
