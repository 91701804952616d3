//! The list as a file for a spreadsheet (RFC 4180). What a spreadsheet would take for a formula is text.

use super::line::Line;

/// The lines with a header.
///
/// # Errors
/// Never for text; the writer's own.
pub(super) fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    out.write_record([
        "how",
        "name",
        "email",
        "today",
        "afterwards",
        "known_from",
        "through",
    ])?;
    for line in lines {
        let word = line.kind.word();
        let fields = [
            word.as_str(),
            &line.name,
            &line.email,
            &line.before,
            &line.after,
            line.basis.title(),
            &line.connection,
        ];
        out.write_record(fields.map(harmless))?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    /// UPL-005.
    #[test]
    fn nothing_is_a_formula() {
        assert_eq!(harmless("=cmd()"), "'=cmd()");
        assert_eq!(harmless("-1"), "'-1");
        assert_eq!(harmless("Ada"), "Ada");
    }
}
