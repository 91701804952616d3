//! What a back-up holds: lines of JSON, the same from both databases.
//!
//! First a line about the whole; then for each table a line with its name and columns, a line for each row, and a line
//! with their number and digest; at the end a line that says so. Rows are arrays, everything else is an object.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _, Write};

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::store::catalog::{self, Table};
use crate::store::copy::{self, Sum};
use crate::store::time::Timestamp;
use crate::store::{Conn, health};

/// The number of this form.
const FORMAT: u32 = 1;
/// The longest line that is read: far more than any row has.
const LONGEST: u64 = 256 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The number of the form.
    pub format: u32,
    /// The version of the program that wrote it.
    pub vestibule: String,
    /// When.
    pub made_at: Timestamp,
    /// The migrations of the database, in order: they say what the tables are like.
    pub migrations: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Opens {
    table: String,
    columns: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Closes {
    rows: u64,
    digest: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    tables: usize,
}

/// How many rows each table has.
pub type Counts = BTreeMap<String, u64>;

/// Writes every table as it stands in the running transaction.
///
/// # Errors
/// When the database or `to` refuses.
pub fn write(conn: &mut Conn, now: Timestamp, to: &mut dyn Write) -> Result<Counts, Fault> {
    let about = About {
        format: FORMAT,
        vestibule: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now,
        migrations: health::versions()?,
    };
    line(to, &about)?;
    let (tables, mut counts) = (catalog::tables(conn)?, Counts::new());
    for table in &tables {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        line(
            to,
            &Opens {
                table: table.name.clone(),
                columns,
            },
        )?;
        let mut sum = Sum::default();
        copy::rows(conn, table, &mut |row| -> Result<(), Fault> {
            sum.add(row);
            to.write_all(row.as_bytes())?;
            Ok(to.write_all(b"\n")?)
        })?;
        line(
            to,
            &Closes {
                rows: sum.rows,
                digest: sum.digest(),
            },
        )?;
        counts.insert(table.name.clone(), sum.rows);
    }
    line(to, &End { tables: tables.len() })?;
    Ok(counts)
}

fn line(to: &mut dyn Write, value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(value).map_err(Fault::new)?;
    Ok(to.write_all((text + "\n").as_bytes())?)
}

/// Reads an archive from its first line on.
pub struct Reader<R> {
    from: R,
    /// What the first line says.
    pub about: About,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// A sentence, when it is no archive, or one of another form.
    pub fn new(mut from: R) -> Result<Self, Fault> {
        let first = next(&mut from)?;
        let about: About = serde_json::from_str(&first)
            .map_err(|error| Fault::new(format!("The back-up’s beginning can’t be read: {error}.")))?;
        if about.format != FORMAT {
            return Err(Fault::new(format!(
                "The back-up has the form {}, made by Vestibule {}; this program reads the form {FORMAT}.",
                about.format, about.vestibule
            )));
        }
        Ok(Self { from, about })
    }

    /// Refuses what was written from other tables than this program has, naming both versions.
    ///
    /// # Errors
    /// The sentence.
    pub fn must_fit(&self, known: &[String]) -> Result<(), Fault> {
        let about = &self.about;
        let own = env!("CARGO_PKG_VERSION");
        let last = |all: &[String]| all.last().cloned().unwrap_or_default();
        if about.migrations == known {
            return Ok(());
        }
        let deed = if about.migrations.iter().all(|one| known.contains(one)) {
            format!(
                "Restore it with Vestibule {} of that state, then start this one, which brings it up to date",
                about.vestibule
            )
        } else {
            "Restore it with a program that is as new as it".to_owned()
        };
        Err(Fault::new(format!(
            "The back-up was made by Vestibule {} with the tables of {}; this is Vestibule {own} with the tables of {}. {deed}.",
            about.vestibule,
            last(&about.migrations),
            last(known)
        )))
    }

    /// Tells every row in pieces, checking numbers and digests as it goes; the end must come where it was written.
    ///
    /// # Errors
    /// Those of `each`, and a sentence where the archive is not what was written.
    pub fn each(
        mut self,
        mut each: impl FnMut(&str, &[String], &[String]) -> Result<(), Fault>,
    ) -> Result<(Counts, BTreeMap<String, String>), Fault> {
        let (mut counts, mut digests) = (Counts::new(), BTreeMap::new());
        loop {
            let text = next(&mut self.from)?;
            if let Ok(end) = serde_json::from_str::<End>(&text) {
                if end.tables != counts.len() {
                    return Err(Fault::new("The back-up lacks tables."));
                }
                return Ok((counts, digests));
            }
            let opens: Opens = serde_json::from_str(&text).map_err(Fault::new)?;
            let sum = self.table(&opens, &mut each)?;
            counts.insert(opens.table.clone(), sum.rows);
            digests.insert(opens.table, sum.digest());
        }
    }

    fn table(
        &mut self,
        opens: &Opens,
        each: &mut impl FnMut(&str, &[String], &[String]) -> Result<(), Fault>,
    ) -> Result<Sum, Fault> {
        let (mut sum, mut some) = (Sum::default(), Vec::with_capacity(copy::BATCH));
        loop {
            let text = next(&mut self.from)?;
            if text.starts_with('[') {
                sum.add(&text);
                some.push(text);
                if some.len() == copy::BATCH {
                    each(&opens.table, &opens.columns, &some)?;
                    some.clear();
                }
                continue;
            }
            each(&opens.table, &opens.columns, &some)?;
            let closes: Closes = serde_json::from_str(&text).map_err(Fault::new)?;
            if closes.rows != sum.rows || closes.digest != sum.digest() {
                return Err(Fault::new(format!(
                    "The back-up’s rows of {} are not those that were written.",
                    opens.table
                )));
            }
            return Ok(sum);
        }
    }
}

fn next(from: &mut impl BufRead) -> Result<String, Fault> {
    let mut text = String::new();
    from.by_ref().take(LONGEST).read_line(&mut text)?;
    if text.pop() == Some('\n') {
        Ok(text)
    } else {
        Err(Fault::new("The back-up is not whole: its end is missing."))
    }
}

/// Puts an archive into the running transaction, whose tables must be empty, and holds what stands there then against
/// what was read.
///
/// # Errors
/// A sentence, when it does not fit or the database refuses.
pub fn put(conn: &mut Conn, reader: Reader<impl BufRead>) -> Result<Counts, Fault> {
    reader.must_fit(&health::versions()?)?;
    let tables = catalog::tables(conn)?;
    // What triggers count is in the archive as well.
    let triggers = copy::triggers_off(conn, &tables)?;
    for table in tables.iter().rev() {
        // What the migrations themselves put there.
        if !copy::is_empty(conn, &table.name)? {
            copy::empty(conn, &table.name)?;
        }
    }
    let find = |name: &str, columns: &[String]| -> Result<&Table, Fault> {
        tables
            .iter()
            .find(|table| table.name == name)
            .filter(|table| table.columns.iter().map(|column| &column.name).eq(columns))
            .ok_or_else(|| Fault::new(format!("The table {name} is not what it was in the back-up.")))
    };
    let (counts, digests) =
        reader.each(|name, columns, rows| Ok(copy::write(conn, find(name, columns)?, rows)?))?;
    copy::triggers_on(conn, &tables, &triggers)?;
    for table in &tables {
        let sum = copy::sum(conn, table)?;
        if digests.get(&table.name) != Some(&sum.digest()) {
            return Err(Fault::new(format!(
                "The table {} does not hold what was written to it. Nothing was kept.",
                table.name
            )));
        }
    }
    Ok(counts)
}

/// Whether nobody uses this database yet: no organization, no person, no entry of the audit log.
///
/// # Errors
/// When the database refuses, or somebody uses it.
pub fn must_be_unused(conn: &mut Conn) -> Result<(), Fault> {
    for table in ["organizations", "accounts", "audit_events"] {
        if !copy::is_empty(conn, table)? {
            return Err(Fault::new(format!(
                "This database is in use: {table} has rows. Name an empty one by DATABASE_URL. Nothing was changed."
            )));
        }
    }
    Ok(())
}
