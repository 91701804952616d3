//! What somebody typed, pasted or uploaded, read into lines: a list of addresses written in any way, or a table with
//! a header (RFC 4180 and what spreadsheets make of it). Pure; what the lines are worth is judged in `review`.

use csv::{ReaderBuilder, StringRecord, Trim, WriterBuilder};

/// What the column of addresses may be called.
const ADDRESS: [&str; 6] = [
    "email",
    "e-mail",
    "mail",
    "address",
    "email address",
    "e-mail address",
];

/// The file that people fill in: a header, and one line that shows how it is meant.
pub const TEMPLATE: &str = "email,role,teams\r\nname@example.com,member,Engineering; Support\r\n";

/// What a line says of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Where it stands, from 1.
    pub number: u64,
    /// The address as it is written.
    pub email: String,
    /// The word of a role; empty where none is written.
    pub role: String,
    /// Names of teams; empty where none is written.
    pub teams: String,
}

/// A text that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Its lines; those without anything are left out.
    pub lines: Vec<Line>,
    /// Whether it was a table with a header.
    pub is_table: bool,
}

/// The text of a file: UTF-8, UTF-16 with its mark, or else what older spreadsheets write, a byte for each letter.
/// Addresses are ASCII in all of them.
pub fn decode(bytes: &[u8]) -> String {
    let wide = |order: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok().map(order))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        bytes => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    }
}

/// Reads a text.
///
/// # Errors
/// A sentence, where it can't be said what belongs to which line.
pub fn read(text: &str) -> Result<Sheet, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match header(&text) {
        Some((delimiter, columns)) => table(&text, delimiter, &columns),
        None => Ok(list(&text)),
    }
}

/// The pieces of a text between commas, semicolons, spaces and lines. The brackets that mail programs
/// put around an address fall away.
fn list(text: &str) -> Sheet {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let pieces = line.split(|letter: char| letter == ',' || letter == ';' || letter.is_whitespace());
        let addresses = pieces
            .map(|piece| piece.trim_matches(['<', '>', '"', '\'']))
            .filter(|piece| !piece.is_empty());
        lines.extend(addresses.map(|email| Line {
            number,
            email: email.to_owned(),
            ..Line::default()
        }));
    }
    Sheet {
        lines,
        is_table: false,
    }
}

/// Where the columns stand that count.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    email: usize,
    role: Option<usize>,
    teams: Option<usize>,
}

/// What separates the cells, and the columns, where the first line that says anything is a header.
fn header(text: &str) -> Option<(u8, Columns)> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|sign| first.bytes().filter(|byte| byte == sign).count())?;
    let mut record = StringRecord::new();
    reader(first, delimiter).read_record(&mut record).ok()?;
    let place = |names: &[&str]| {
        let named = |cell: &str| names.iter().any(|name| name.eq_ignore_ascii_case(cell));
        record.iter().position(named)
    };
    let columns = Columns {
        email: place(&ADDRESS)?,
        role: place(&["role"]),
        teams: place(&["teams", "team"]),
    };
    Some((delimiter, columns))
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes())
}

fn table(text: &str, delimiter: u8, columns: &Columns) -> Result<Sheet, String> {
    let mut lines = Vec::new();
    let mut numbers = Numbers {
        text,
        at: 0,
        number: 1,
    };
    // The header is among them.
    for record in reader(text, delimiter).records() {
        let record = record.map_err(|error| format!("The list can’t be read: {error}."))?;
        let number = numbers.of(record.position().map_or(0, csv::Position::byte));
        let cell = |place: Option<usize>| {
            let cell = place.and_then(|place| record.get(place));
            cell.unwrap_or_default().to_owned()
        };
        if record.iter().any(|cell| !cell.is_empty()) {
            lines.push(Line {
                number,
                email: cell(Some(columns.email)),
                role: cell(columns.role),
                teams: cell(columns.teams),
            });
        }
    }
    if !text.matches('"').count().is_multiple_of(2) && goes_on_after(text, numbers.number) {
        return Err(format!(
            "A quotation mark is opened in line {} and never closed, so that everything after it would be one \
             cell. Close it, or take it away.",
            numbers.number
        ));
    }
    if !lines.is_empty() {
        lines.remove(0);
    }
    Ok(Sheet {
        lines,
        is_table: true,
    })
}

/// Counts the lines of a text on the way.
struct Numbers<'a> {
    text: &'a str,
    at: usize,
    number: u64,
}

impl Numbers<'_> {
    /// The number of the line of the record that begins at this byte, empty lines before it left out.
    fn of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).max(self.at);
        let rest = self.text.get(from..).unwrap_or_default();
        let begins = from + (rest.len() - rest.trim_start_matches('\n').len());
        let passed = self.text.get(self.at..begins).unwrap_or_default();
        self.number += u64::try_from(passed.matches('\n').count()).unwrap_or_default();
        self.at = begins.max(self.at);
        self.number
    }
}

/// Whether something stands after the line with this number.
fn goes_on_after(text: &str, number: u64) -> bool {
    let after = usize::try_from(number).unwrap_or(usize::MAX);
    text.lines().skip(after).any(|line| !line.trim().is_empty())
}

/// Writes lines as a table that [`read`] reads.
pub fn write<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str, String)>) -> String {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(["email", "role", "teams"]);
    for (email, role, teams) in lines {
        let _ = writer.write_record([email, role, &teams]);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emails(sheet: &Sheet) -> Vec<(u64, &str)> {
        let lines = sheet.lines.iter();
        lines.map(|line| (line.number, line.email.as_str())).collect()
    }

    fn line(number: u64, email: &str, role: &str, teams: &str) -> Line {
        Line {
            number,
            email: email.into(),
            role: role.into(),
            teams: teams.into(),
        }
    }

    #[test]
    fn a_list_may_be_written_in_any_way() {
        let typed = "ada@corp.example, bob@corp.example;carol@corp.example\r\n\n<dan@corp.example>\teve@corp.example ,";
        let sheet = read(typed).unwrap();
        let expected = [(1, "ada"), (1, "bob"), (1, "carol"), (3, "dan"), (3, "eve")];
        let expected = expected.map(|(number, name)| (number, format!("{name}@corp.example")));
        let expected: Vec<_> = expected
            .iter()
            .map(|(number, email)| (*number, email.as_str()))
            .collect();
        assert_eq!((emails(&sheet), sheet.is_table), (expected, false));
        assert_eq!(read(" ,;\n").unwrap(), Sheet::default());
    }

    #[test]
    fn a_table_is_read_by_its_header() {
        for text in [
            "email,role,teams\nada@a.example,admin,\"Sales, Support\"\n\nbob@a.example,,\n",
            "\u{feff}\r\nName;E-Mail;TEAMS;Role\r\nAda;ada@a.example;Sales, Support;admin\r\n;;;\r\nBob;bob@a.example\r\n",
            "role\temail\tteams\r\nadmin\tada@a.example\tSales, Support\r\n\r\n\tbob@a.example\t",
            "teams,\"email\",role,notes\r\"Sales, Support\", ada@a.example , admin ,\"two\nlines\"\r\r,bob@a.example",
        ] {
            let sheet = read(text).unwrap();
            assert!(sheet.is_table, "{text}");
            let [ada, bob] = sheet.lines.as_slice() else {
                panic!("{text}: {sheet:?}");
            };
            assert_eq!(
                *ada,
                line(ada.number, "ada@a.example", "admin", "Sales, Support"),
                "{text}"
            );
            assert_eq!(*bob, line(bob.number, "bob@a.example", "", ""), "{text}");
            assert!(ada.number < bob.number, "{sheet:?}");
        }
        let sheet = read("email\na@a.example\n\nb@a.example").unwrap();
        assert_eq!(emails(&sheet), [(2, "a@a.example"), (4, "b@a.example")]);
    }

    #[test]
    fn without_a_column_of_addresses_it_is_a_list() {
        let sheet = read("name,role\nada@a.example,admin").unwrap();
        assert!(!sheet.is_table);
        assert_eq!(sheet.lines.len(), 4);
    }

    /// UPL-001.
    #[test]
    fn a_mark_that_is_never_closed_is_told_with_its_line() {
        let text = "email,name\na@a.example,Ada\nb@a.example,\"Bob\nc@a.example,Carol\n";
        assert!(read(text).unwrap_err().contains("line 3"));
        // An inch is no quotation.
        let sheet = read("email,size\na@a.example,5\"\nb@a.example,6").unwrap();
        assert_eq!(sheet.lines.len(), 2);
    }

    /// UPL-001.
    #[test]
    fn files_are_read_whatever_wrote_them() {
        let text = "email,name\nada@a.example,Zoë";
        let little: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let big: Vec<u8> = [0xfe, 0xff]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect();
        let latin: Vec<u8> = text
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap())
            .collect();
        for bytes in [text.as_bytes(), &little, &big, &latin] {
            assert_eq!(decode(bytes), text);
        }
        assert_eq!(read(&decode(&[0xff, 0xfe, 0x61])).unwrap(), Sheet::default());
    }

    /// UPL-005.
    #[test]
    fn what_is_written_is_read_again() {
        let teams = "0199;0200".to_owned();
        let text = write([
            ("ada@a.example", "admin", teams.clone()),
            ("\"b, c\"@a.example", "", String::new()),
        ]);
        let sheet = read(&text).unwrap();
        assert_eq!(
            sheet.lines,
            [
                line(2, "ada@a.example", "admin", &teams),
                line(3, "\"b, c\"@a.example", "", "")
            ]
        );
        assert_eq!(
            read(TEMPLATE).unwrap().lines,
            [line(2, "name@example.com", "member", "Engineering; Support")]
        );
    }
}
