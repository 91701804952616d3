//! Text that comes from outside, made fit for a column and for a pattern.

/// At most `most` characters of `text`, each control character replaced by U+FFFD: PostgreSQL refuses
/// NUL, and a line feed or an escape would forge lines wherever the text is written later.
pub fn tame(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}

/// The pattern for `LIKE … ESCAPE '\\'` that finds this text anywhere, and nothing else.
pub fn part(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// The places of so many rows of values in a statement: `($1, $2), ($3, $4)`.
pub fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{part, places, tame};

    #[test]
    fn each_value_has_its_place() {
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(0, 3), "");
    }

    /// OUT-005.
    #[test]
    fn control_characters_and_long_tails_do_not_pass() {
        assert_eq!(tame("Ada\0\r\nKing", 20), "Ada\u{fffd}\u{fffd}\u{fffd}King");
        assert_eq!(tame("Жаннет", 3), "Жан");
    }

    #[test]
    fn signs_of_patterns_stand_for_themselves() {
        assert_eq!(part(r"50%_\"), r"%50\%\_\\%");
    }
}
