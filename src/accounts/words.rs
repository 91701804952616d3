//! The words by which accounts are found: of their names, addresses and usernames, folded. Whoever searches types how
//! words begin, so that an index answers, however many accounts there are.

use std::collections::BTreeSet;

/// How much of a word counts, in characters.
const LONGEST: usize = 64;
/// How many words of one account count, and how many of a search.
const MOST: usize = 16;

/// The words of an account: those of the name and of the address before its `@`, the whole address, its domain, and
/// the username. The migration that began it does the same in SQL.
pub(super) fn words_of(name_key: &str, email_key: &str, username: &str) -> BTreeSet<String> {
    let (local, domain) = email_key.split_once('@').unwrap_or((email_key, ""));
    let pieces = local.split(['.', '-', '_']);
    let whole = [email_key, domain, username];
    // The whole ones first, so that a name of very many words does not push them out.
    let all = whole.into_iter().chain(name_key.split_whitespace()).chain(pieces);
    let words = all.filter(|word| !word.is_empty()).map(cut);
    words.take(MOST).collect()
}

fn cut(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

/// The beginnings of words that a search asks for, the longest first: each from where to where words lie that
/// begin so, in the order of bytes.
pub fn wanted(text: &str) -> Vec<(String, String)> {
    let folded = text.to_lowercase();
    let words: BTreeSet<String> = folded.split_whitespace().take(MOST).map(cut).collect();
    let mut words: Vec<String> = words.into_iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let range = |word: String| {
        let end = format!("{word}\u{10ffff}");
        (word, end)
    };
    words.into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_each_of_its_words() {
        let words = words_of("ada king lovelace", "ada.lovelace@corp.example", "ada4711");
        let expected = [
            "ada",
            "ada.lovelace@corp.example",
            "ada4711",
            "corp.example",
            "king",
            "lovelace",
        ];
        assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        assert_eq!(words_of("bob@x.example", "bob@x.example", "bob1").len(), 4);
        assert_eq!(
            words_of("a b c d e f g h i j k l m n o p", "z@x.example", "zed1").len(),
            MOST
        );
    }

    #[test]
    fn a_search_is_for_how_words_begin() {
        let range = |word: &str| (word.to_owned(), format!("{word}\u{10ffff}"));
        assert_eq!(wanted(" Lov  ada LOV "), [range("ada"), range("lov")]);
        assert_eq!(wanted("  "), []);
        let (from, to) = range("ada");
        let (from, to) = (from.as_str(), to.as_str());
        assert!("ada" >= from && "adaé" < to && "adb" > to);
    }
}
