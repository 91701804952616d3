//! Where a page deep in the list of a directory's people begins, without passing over all who stand before it.
//!
//! People are listed in the order of their ids, which is that of their making. Blocks part this order: each begins
//! at an id and knows how many people are in it, so that at most one block is passed over one by one. A new person
//! mostly comes into the last block; a block that is full is closed behind its last person.

mod queries;

use crate::store::{Conn, Result};

/// How many people a block has before it is closed.
const FULL: i64 = 500;

/// Where a page begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// How many people there are in all.
    pub total: i64,
    /// The page begins with nobody whose id is before this one …
    pub from: String,
    /// … and after so many whose id is not.
    pub passed: i64,
}

/// Where the page begins before which so many people stand.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, connection: &str, offset: i64) -> Result<Place> {
    Ok(place(&queries::blocks(conn, connection)?, offset))
}

/// Counts somebody who is new. Whoever calls this holds the organization.
///
/// # Errors
/// When the database refuses.
pub fn add(conn: &mut Conn, connection: &str, id: &str) -> Result<()> {
    match queries::count(conn, connection, id, 1)? {
        None => queries::insert(conn, connection, "", 1),
        Some(users) if users >= FULL && queries::is_last(conn, connection, id)? => {
            // Behind this id, and not behind any later one: ids are of one length.
            queries::insert(conn, connection, &format!("{id}0"), 0)
        }
        Some(_) => Ok(()),
    }
}

/// Counts somebody no longer. Whoever calls this holds the organization.
///
/// # Errors
/// When the database refuses.
pub fn remove(conn: &mut Conn, connection: &str, id: &str) -> Result<()> {
    queries::count(conn, connection, id, -1).map(drop)
}

/// Of blocks in their order: the first id of each, and how many people are in it.
fn place(blocks: &[(String, i64)], offset: i64) -> Place {
    let mut before = 0;
    let mut found = ("", 0);
    for (from, users) in blocks {
        if before <= offset {
            found = (from, before);
        }
        before += users;
    }
    Place {
        total: before,
        from: found.0.to_owned(),
        passed: offset - found.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_in_the_block_that_holds_its_first_person() {
        let blocks = [("", 3), ("c", 0), ("d", 2), ("f", 1)].map(|(from, users)| (from.to_owned(), users));
        for (offset, from, passed) in [
            (0, "", 0),
            (2, "", 2),
            (3, "d", 0),
            (4, "d", 1),
            (5, "f", 0),
            (6, "f", 1),
            (1_000, "f", 995),
        ] {
            let found = place(&blocks, offset);
            assert_eq!(
                (found.from.as_str(), found.passed, found.total),
                (from, passed, 6),
                "{offset}"
            );
        }
        assert_eq!(
            place(&[], 7),
            Place {
                total: 0,
                from: String::new(),
                passed: 7
            }
        );
    }
}
