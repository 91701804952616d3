//! How each provider is told about us: the pages of `docs/connecting/`, read here so that the product and its documentation
//! say the same. In the page the connection's own addresses stand where the documents have a word in braces.

/// A provider that has a guide.
pub struct Guide {
    /// Its word in addresses.
    pub word: &'static str,
    /// Its name.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! guide {
    ($word:literal, $name:literal) => {
        Guide {
            word: $word,
            name: $name,
            text: include_str!(concat!("../../docs/connecting/", $word, ".md")),
        }
    };
}

/// Every provider that has a guide; the last is for all others.
pub const GUIDES: [Guide; 7] = [
    guide!("okta", "Okta"),
    guide!("entra", "Microsoft Entra ID"),
    guide!("google", "Google Workspace"),
    guide!("onelogin", "OneLogin"),
    guide!("jumpcloud", "JumpCloud"),
    guide!("keycloak", "Keycloak"),
    guide!("other", "Another provider"),
];

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading of the second level.
    Heading(String),
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// Things to do, in order.
    Steps(Vec<Vec<Span>>),
    /// Things to know.
    Notes(Vec<Vec<Span>>),
    /// Fields and what goes into them: the heads, then the rows.
    Table(Vec<String>, Vec<Vec<Vec<Span>>>),
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// As it is.
    Text(String),
    /// What a console calls something.
    Strong(String),
    /// What is typed or copied.
    Code(String),
}

impl Guide {
    /// The guide with this word.
    pub fn find(word: &str) -> Option<&'static Self> {
        GUIDES.iter().find(|guide| guide.word == word)
    }

    /// What concerns one protocol: all but the parts of the others. `addresses` are the words in braces with what stands in
    /// their place.
    pub fn blocks(&self, protocol: &str, addresses: &[(&str, String)]) -> Vec<Block> {
        let mut kept = true;
        let blocks = parse(self.text).into_iter().filter(|block| {
            if let Block::Heading(title) = block {
                kept = !title.starts_with("By ") || title == &format!("By {protocol}");
            }
            kept
        });
        blocks.map(|block| filled(block, addresses)).collect()
    }
}

/// Reads what the guides are written in: headings, paragraphs, lists and tables of Markdown, with `code` and **strong**.
fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in text.lines().map(str::trim) {
        let numbered = line
            .split_once(". ")
            .filter(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        if line.is_empty() || line.starts_with("# ") {
            blocks.push(Block::Paragraph(Vec::new()));
        } else if let Some(title) = line.strip_prefix("## ") {
            blocks.push(Block::Heading(title.to_owned()));
        } else if let Some(note) = line.strip_prefix("- ") {
            add(&mut blocks, Block::Notes(vec![spans(note)]));
        } else if let Some((_, step)) = numbered {
            add(&mut blocks, Block::Steps(vec![spans(step)]));
        } else if line.starts_with('|') {
            row(&mut blocks, line);
        } else {
            add(&mut blocks, Block::Paragraph(spans(line)));
        }
    }
    blocks.retain(|block| *block != Block::Paragraph(Vec::new()));
    blocks
}

/// Adds to the last block where it is of the same kind. Lines of a paragraph are one paragraph.
fn add(blocks: &mut Vec<Block>, new: Block) {
    let rest = match blocks.last_mut() {
        Some(last) => join(last, new),
        None => Some(new),
    };
    blocks.extend(rest);
}

/// The new block, unless it went into the last one.
fn join(last: &mut Block, new: Block) -> Option<Block> {
    match (last, new) {
        (Block::Steps(all), Block::Steps(more)) | (Block::Notes(all), Block::Notes(more)) => {
            all.extend(more);
            None
        }
        (Block::Paragraph(all), Block::Paragraph(more)) if !all.is_empty() => {
            all.push(Span::Text(" ".to_owned()));
            all.extend(more);
            None
        }
        (_, new) => Some(new),
    }
}

fn row(blocks: &mut Vec<Block>, line: &str) {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    if cells.iter().all(|cell| cell.chars().all(|letter| letter == '-')) {
        return;
    }
    if let Some(Block::Table(_, rows)) = blocks.last_mut() {
        rows.push(cells.iter().map(|cell| spans(cell)).collect());
    } else {
        let heads = cells.iter().map(|cell| (*cell).to_owned()).collect();
        blocks.push(Block::Table(heads, Vec::new()));
    }
}

/// Every other piece between backticks is code, and of the rest every other one between double stars is strong.
fn spans(line: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (index, piece) in line.split('`').enumerate() {
        if index % 2 == 1 {
            found.push(Span::Code(piece.to_owned()));
            continue;
        }
        for (index, piece) in piece
            .split("**")
            .enumerate()
            .filter(|(_, piece)| !piece.is_empty())
        {
            found.push(match index % 2 {
                0 => Span::Text(piece.to_owned()),
                _ => Span::Strong(piece.to_owned()),
            });
        }
    }
    found
}

fn filled(block: Block, addresses: &[(&str, String)]) -> Block {
    let fill = |text: String| {
        addresses.iter().fold(text, |text, (word, address)| {
            text.replace(&format!("{{{word}}}"), address)
        })
    };
    let line = |line: Vec<Span>| -> Vec<Span> {
        let span = |span| match span {
            Span::Text(text) => Span::Text(fill(text)),
            Span::Code(text) => Span::Code(fill(text)),
            strong @ Span::Strong(_) => strong,
        };
        line.into_iter().map(span).collect()
    };
    let lines = |lines: Vec<Vec<Span>>| lines.into_iter().map(line).collect::<Vec<_>>();
    match block {
        Block::Paragraph(text) => Block::Paragraph(line(text)),
        Block::Steps(steps) => Block::Steps(lines(steps)),
        Block::Notes(notes) => Block::Notes(lines(notes)),
        Block::Table(heads, rows) => Block::Table(heads, rows.into_iter().map(lines).collect()),
        heading @ Block::Heading(_) => heading,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["redirect address", "entity id", "ACS address", "metadata address"];

    fn addresses() -> Vec<(&'static str, String)> {
        WORDS
            .map(|word| (word, format!("https://door.example/{}", word.replace(' ', "-"))))
            .to_vec()
    }

    #[test]
    fn a_guide_is_read_into_its_parts() {
        let text = "# T\n\nOne\ntwo.\n\n## By X\n1. Press **Go**.\n2. Type `{redirect address}`.\n\n| A | B |\n|---|---|\n| a | `{x}` |\n\n- n\n";
        let blocks = parse(text);
        assert_eq!(blocks.len(), 5, "{blocks:#?}");
        assert!(matches!(&blocks[1], Block::Heading(title) if title == "By X"));
        let Block::Steps(steps) = &blocks[2] else {
            panic!("{blocks:?}")
        };
        assert_eq!(
            steps[0],
            [
                Span::Text("Press ".into()),
                Span::Strong("Go".into()),
                Span::Text(".".into())
            ]
        );
        assert_eq!(steps[1][1], Span::Code("{redirect address}".into()));
        assert!(matches!(&blocks[3], Block::Table(heads, rows) if heads.len() == 2 && rows.len() == 1));
    }

    #[test]
    fn every_guide_says_what_to_do_and_leaves_no_word_in_braces() {
        for guide in &GUIDES {
            for (protocol, address) in [
                ("OpenID Connect", "redirect-address"),
                ("SAML 2.0", "ACS-address"),
            ] {
                let blocks = guide.blocks(protocol, &addresses());
                let all = format!("{blocks:?}");
                assert!(all.contains(address), "{} by {protocol}: {all}", guide.word);
                assert!(
                    blocks
                        .iter()
                        .any(|block| matches!(block, Block::Steps(steps) if steps.len() > 2))
                );
                assert!(
                    WORDS.iter().all(|word| !all.contains(&format!("{{{word}}}"))),
                    "{}",
                    guide.word
                );
                let other = if protocol == "SAML 2.0" {
                    "By OpenID Connect"
                } else {
                    "By SAML 2.0"
                };
                assert!(!all.contains(other) && all.contains(&format!("By {protocol}")));
            }
            assert!(
                guide.text.starts_with(&format!("# {}\n", guide.name)),
                "{}",
                guide.word
            );
            assert!(guide.text.contains("As of "), "{} has no date", guide.word);
        }
    }
}
