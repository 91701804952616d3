//! SQL of finding members by name: as they stand, or those of a word that finds very many.

use super::queries::{Found, ONE_LOOK, Sort, asked_for, count, counted, facts_of, is_word, rarest};
use super::{Facet, Question, Start, VERY_MANY, WALKED};
use crate::accounts;
use crate::store::sql::Sql;
use crate::store::{Conn, Result};

/// Of the names that a word finds, so many times a page are looked at before all of them are sorted.
const NEAREST: i64 = 4;
/// Each account once. Not DISTINCT: SQLite sorts once for both this and the order.
const ONCE: &str = " GROUP BY w.name_key, w.account_id";

/// As they stand by name, leaving out whom the question is not about.
pub fn by_name(question: &Question<'_>, sort: &Sort, most: i64) -> Sql {
    let mut text = Sql::new("SELECT m.id AS id, CAST(0 AS BIGINT) AS number FROM members m WHERE 1 = 1");
    asked_for(&mut text, question, &[], Start::Names { is_short: false });
    first_of(&mut text, sort, most);
    text
}

/// The first of those who are left, by name, from the key on.
fn first_of(text: &mut Sql, sort: &Sort, most: i64) {
    sort.from(text, "m.name_key", "m.id");
    let way = sort.way;
    text.add(&format!(" ORDER BY m.name_key {way}, m.id {way} LIMIT {most}"));
}

/// The first ones by name; where these stand far apart, those whom the rarest word finds.
pub fn walked(
    conn: &mut Conn,
    question: &Question<'_>,
    facets: &[(Facet, i64)],
    sort: &Sort,
    most: i64,
) -> Result<Vec<Found>> {
    let words = accounts::wanted(&question.filter.text);
    let facts = facts_of(conn, short_walk(question, &words, sort, most))?;
    let place = rarest(&facts, &words).map_or(0, |(_, place)| place);
    let mut people: Vec<_> = facts.into_iter().filter(|(kind, _)| !is_word(kind)).collect();
    people.sort_unstable_by_key(|(_, number)| *number);
    let found: Vec<Found> = people
        .into_iter()
        .map(|(id, _)| Found { id, number: 0 })
        .collect();
    if is_page(&found, most) {
        return Ok(found);
    }
    first(question, facets, place, sort, most).load(conn)
}

/// Those among the next so many names, numbered; and if they do not fill the page, how many places each word has. Both in
/// one statement: else the few searches that need the second would ask once more than a page may.
fn short_walk(question: &Question<'_>, words: &[(String, String)], sort: &Sort, most: i64) -> Sql {
    let (sign, way, before) = (sort.sign(), sort.way, sort.before());
    let mut text =
        Sql::new("WITH walk AS MATERIALIZED (SELECT m.id AS id, m.name_key AS k FROM members m WHERE 1 = 1");
    asked_for(&mut text, question, &[], Start::Names { is_short: true });
    text.add(&format!(
        " AND m.name_key {before}= (SELECT m.name_key FROM members m WHERE m.organization_id = "
    ));
    text.bind(question.organization);
    if let Some((name, _)) = &sort.from {
        text.add(&format!(" AND m.name_key {sign}= ")).value(name.clone());
    }
    text.add(&format!(
        " ORDER BY m.name_key {way}, m.id {way} LIMIT 1 OFFSET {WALKED})"
    ));
    first_of(&mut text, sort, most);
    text.add(&format!(
        ") SELECT id AS kind, ROW_NUMBER() OVER (ORDER BY k {way}, id {way}) AS number FROM walk"
    ));
    let so_many = format!("CASE WHEN (SELECT COUNT(*) FROM walk) < {most} THEN {VERY_MANY} ELSE 0 END");
    count(&mut text, counted(words), &so_many);
    text
}

/// The first of those whom a word finds, by name: among the nearest names, or where these do not fill the page, among all.
pub fn with_word(
    conn: &mut Conn,
    question: &Question<'_>,
    facets: &[(Facet, i64)],
    place: usize,
    sort: &Sort,
    most: i64,
) -> Result<Vec<Found>> {
    let found: Vec<Found> = nearest(question, facets, place, sort, most).load(conn)?;
    if is_page(&found, most) {
        return Ok(found);
    }
    first(question, facets, place, sort, most).load(conn)
}

fn is_page(found: &[Found], most: i64) -> bool {
    i64::try_from(found.len()).is_ok_and(|found| found == most)
}

/// The first of those whom a word finds, among a few pages of names. A database picks these without sorting the others. Of
/// the last name there may be more people, whose ids come earlier: it is left out.
fn nearest(question: &Question<'_>, facets: &[(Facet, i64)], place: usize, sort: &Sort, most: i64) -> Sql {
    let (way, names) = (sort.way, NEAREST * most);
    // Somebody may have several words that begin so. Of a letter's names, which lie in order, each is taken once; the others
    // would all have to be sorted for that.
    let once = if wanted(question, place).is_some_and(|(word, _)| is_letter(&word)) {
        ONCE
    } else {
        ""
    };
    let mut text = Sql::new("WITH nearest AS MATERIALIZED (");
    names_of(&mut text, question, place, sort);
    text.add(&format!(
        "{once} ORDER BY w.name_key {way}, w.account_id {way} LIMIT {names}) \
         SELECT m.id AS id, CAST(0 AS BIGINT) AS number FROM (SELECT DISTINCT k, one FROM nearest \
         WHERE k {} (SELECT {}(k) FROM nearest)) AS start CROSS JOIN members m WHERE ",
        sort.before(),
        sort.last()
    ));
    fits(&mut text, question, facets, place, sort);
    text.add(&format!(" ORDER BY start.k {way}, m.id {way} LIMIT {most}"));
    text
}

/// The first of those whom a word finds, without a look at all of them. They are gone through in the order of their names
/// until enough fit: the page ends with the last of these at the latest, in whatever order a database went. Then it is
/// made of the names up to there.
fn first(question: &Question<'_>, facets: &[(Facet, i64)], place: usize, sort: &Sort, most: i64) -> Sql {
    let way = sort.way;
    let mut text = Sql::new("SELECT m.id AS id, CAST(0 AS BIGINT) AS number FROM (");
    names_of(&mut text, question, place, sort);
    text.add(&format!(
        " AND w.name_key {}= (SELECT {}(k) FROM (SELECT start.k AS k FROM (",
        sort.before(),
        sort.last()
    ));
    names_of(&mut text, question, place, sort);
    // A LIMIT keeps it to the order.
    text.add(&format!(
        "{ONCE} ORDER BY w.name_key {way}, w.account_id {way} LIMIT {}) AS start WHERE EXISTS (SELECT 1 FROM members m WHERE ",
        i64::MAX
    ));
    fits(&mut text, question, facets, place, sort);
    text.add(&format!(
        "{ONE_LOOK} LIMIT {most}) AS these){ONCE}) AS start CROSS JOIN members m WHERE "
    ));
    fits(&mut text, question, facets, place, sort);
    text.add(&format!(" ORDER BY start.k {way}, m.id {way} LIMIT {most}"));
    text
}

fn wanted(question: &Question<'_>, place: usize) -> Option<(String, String)> {
    accounts::wanted(&question.filter.text).into_iter().nth(place)
}

fn is_letter(word: &str) -> bool {
    word.chars().count() == 1
}

/// The accounts that a word finds, from the key's name on. One letter has an index of its own, in which the names lie in order.
fn names_of(text: &mut Sql, question: &Question<'_>, place: usize, sort: &Sort) {
    text.add("SELECT w.name_key AS k, w.account_id AS one FROM account_words w WHERE 1 = 1");
    if let Some((from, to)) = wanted(question, place) {
        if is_letter(&from) {
            text.add(" AND substr(w.word, 1, 1) = ").bind(&from);
        } else {
            text.add(" AND w.word >= ").bind(&from);
            text.add(" AND w.word < ").bind(&to);
        }
    }
    if let Some((name, _)) = &sort.from {
        text.add(&format!(" AND w.name_key {}= ", sort.sign()));
        text.value(name.clone());
    }
}

/// Of a member `m`: that they are one of those accounts, that the question is about them, and that they come after the key.
fn fits(text: &mut Sql, question: &Question<'_>, facets: &[(Facet, i64)], place: usize, sort: &Sort) {
    text.add("m.account_id = start.one");
    asked_for(text, question, facets, Start::NamesWith(place));
    sort.from(text, "m.name_key", "m.id");
}
