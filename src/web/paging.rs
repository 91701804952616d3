//! Lists are paged by key, not by offset: a page stays what it is while rows arrive.

use serde::Deserialize;

use crate::store::time::Timestamp;

/// How many rows a page shows.
pub const PAGE: usize = 50;

/// Where a page begins: after or before a row's key. From the query string.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Paging {
    /// Rows after this key, in the list's order.
    #[serde(default)]
    pub after: String,
    /// Rows before this key.
    #[serde(default)]
    pub before: String,
}

impl Paging {
    /// Whether rows are wanted that stand before a key. The query then reads backwards, and
    /// [`Slice::cut`] turns them round.
    pub fn is_backwards(&self) -> bool {
        !self.before.is_empty() && self.after.is_empty()
    }

    /// The key to go on from, if any.
    pub fn key(&self) -> Option<&str> {
        [&self.after, &self.before]
            .into_iter()
            .map(String::as_str)
            .find(|key| !key.is_empty())
    }

    /// The key of a list that is ordered by time: a moment, and the id of the row for rows of the same
    /// moment. What is no such key counts as none.
    pub fn moment(&self) -> Option<(Timestamp, String)> {
        let (at, id) = self.key()?.split_once('.')?;
        Some((at.parse().ok()?, id.to_owned()))
    }

    /// Writes what [`Paging::moment`] reads.
    pub fn moment_key(at: Timestamp, id: &str) -> String {
        format!("{at}.{id}")
    }

    /// How many rows a query has to read: one more than is shown tells whether there are more.
    pub fn limit() -> i64 {
        i64::try_from(PAGE + 1).unwrap_or(i64::MAX)
    }
}

/// The address of a list with these filters, to which the key of a page is added; empty ones are left
/// out.
pub fn base(filters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(filters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        text if text.is_empty() => "?".to_owned(),
        text => format!("?{text}&"),
    }
}

/// What stands behind the path of a list to show it with the filters that it had, from the field `filters` in which a form
/// about its rows carried them (its [`base`]). It is written anew: nothing but a query can come of it.
pub fn kept(fields: &[(String, String)]) -> String {
    let field = fields.iter().find(|(name, _)| name == "filters");
    let text = field.map_or("", |(_, value)| value.trim_start_matches('?'));
    let pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    base(&pairs).trim_end_matches(['?', '&']).to_owned()
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The key for "Next page", if there is one.
    pub next: Option<String>,
    /// The key for "Previous page", if there is one.
    pub previous: Option<String>,
}

impl<T> Slice<T> {
    /// Cuts what a query read (up to [`Paging::limit`] rows in its direction) to a page.
    pub fn cut(mut rows: Vec<T>, paging: &Paging, key: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        if paging.is_backwards() {
            rows.reverse();
        }
        let from_the_middle = paging.key().is_some();
        let (has_next, has_previous) = if paging.is_backwards() {
            (true, more)
        } else {
            (more, from_the_middle)
        };
        Self {
            next: rows.last().filter(|_| has_next).map(&key),
            previous: rows.first().filter(|_| has_previous).map(&key),
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_the_filters() {
        assert_eq!(base(&[("a", ""), ("b", "")]), "?");
        assert_eq!(base(&[("a", "x&y"), ("b", ""), ("c", "1")]), "?a=x%26y&c=1&");
    }

    #[test]
    fn a_form_about_rows_leads_back_to_the_list_as_it_was() {
        let back = |text: &str| kept(&[("id".into(), "1".into()), ("filters".into(), text.into())]);
        assert_eq!(back(&base(&[("a", "x&y"), ("c", "1")])), "?a=x%26y&c=1");
        assert_eq!(back("?"), "");
        assert_eq!(back("//elsewhere.example/\r\nx: y"), "");
        assert_eq!(back("a=\r\nx: y"), "?a=%0D%0Ax%3A+y");
        assert_eq!(kept(&[]), "");
    }

    #[test]
    fn a_moment_is_read_back() {
        let paging = |after: &str| Paging {
            after: after.into(),
            before: String::new(),
        };
        let key = Paging::moment_key(17, "a1");
        assert_eq!(paging(&key).moment(), Some((17, "a1".into())));
        assert_eq!(paging("x.a1").moment(), None);
        assert_eq!(paging("").moment(), None);
    }

    #[test]
    fn pages_know_their_neighbours() {
        let key = |n: &usize| n.to_string();
        let first = Slice::cut((0..=PAGE).collect(), &Paging::default(), key);
        assert_eq!(
            (first.rows.len(), first.next.as_deref(), first.previous),
            (PAGE, Some("49"), None)
        );
        let last = Slice::cut(
            vec![50, 51],
            &Paging {
                after: "49".into(),
                before: String::new(),
            },
            key,
        );
        assert_eq!((last.next, last.previous.as_deref()), (None, Some("50")));
        let back = Slice::cut(
            (0..50).rev().collect(),
            &Paging {
                after: String::new(),
                before: "50".into(),
            },
            key,
        );
        assert_eq!(
            (back.rows.first(), back.next.as_deref(), back.previous),
            (Some(&0), Some("49"), None)
        );
    }
}
