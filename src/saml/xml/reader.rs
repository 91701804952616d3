//! The reader itself: one pass over the text, with a stack of its own.

use std::borrow::Cow;

use super::characters::{is_allowed, replaced};
use super::{Attribute, Element, Node, XmlError};

/// Deeper documents are refused; a SAML message has about twelve levels.
const DEEPEST: usize = 64;
/// Documents with more elements are refused.
const MOST_ELEMENTS: usize = 10_000;
/// Elements with more attributes, namespaces included, are refused.
const MOST_ATTRIBUTES: usize = 64;
/// The namespace of the prefix `xml` (Namespaces in XML §3).
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Reads a document: one element, perhaps behind an XML declaration in UTF-8.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(text: &str) -> Result<Element<'_>, XmlError> {
    if let Some(character) = text.chars().find(|c| !is_allowed(*c)) {
        return Err(format!(
            "The XML has the character U+{:04X}, which XML forbids.",
            u32::from(character)
        ));
    }
    let mut reader = Reader {
        text,
        at: 0,
        scope: Vec::new(),
        elements: 0,
    };
    reader.declaration()?;
    reader.white_space_and_comments()?;
    let root = reader.document()?;
    reader.white_space_and_comments()?;
    if reader.at == text.len() {
        Ok(root)
    } else {
        Err("Something stands behind the root element.".to_owned())
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A raw name: prefix and local part.
type Name<'a> = (&'a str, &'a str);

struct Reader<'a> {
    text: &'a str,
    at: usize,
    scope: Vec<(&'a str, &'a str)>,
    elements: usize,
}

/// An element whose end has not come yet.
struct Open<'a> {
    element: Element<'a>,
    name: Name<'a>,
    scope: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    fn expect(&mut self, expected: &str) -> Result<(), XmlError> {
        if self.skip(expected) {
            Ok(())
        } else {
            Err(format!("“{expected}” is missing at byte {} of the XML.", self.at))
        }
    }

    /// The text before `end`, which is skipped.
    fn until(&mut self, end: &str) -> Result<&'a str, XmlError> {
        let (before, _) = self
            .rest()
            .split_once(end)
            .ok_or_else(|| format!("“{end}” is missing: the XML is not complete."))?;
        self.at += before.len() + end.len();
        Ok(before)
    }

    fn white_space(&mut self) -> bool {
        let count = self.rest().bytes().take_while(|byte| is_space(*byte)).count();
        self.at += count;
        count > 0
    }

    fn declaration(&mut self) -> Result<(), XmlError> {
        if !self.rest().starts_with("<?xml") {
            return Ok(());
        }
        let inside = self.until("?>")?.to_ascii_lowercase().replace('\'', "\"");
        let encoding = inside.split_once("encoding").map(|(_, rest)| rest);
        let encoding = encoding.and_then(|rest| rest.split('"').nth(1));
        if !inside.starts_with("<?xml ") || !inside.contains("version=\"1.0\"") {
            return Err("The XML declaration is not one of XML 1.0.".to_owned());
        }
        match encoding {
            None | Some("utf-8" | "us-ascii") => Ok(()),
            Some(_) => Err("The XML is not in UTF-8.".to_owned()),
        }
    }

    fn white_space_and_comments(&mut self) -> Result<(), XmlError> {
        loop {
            self.white_space();
            if !self.rest().starts_with("<!") && !self.rest().starts_with("<?") {
                return Ok(());
            }
            self.comment()?;
        }
    }

    /// A comment; whatever else begins with `<!` or `<?` is refused.
    fn comment(&mut self) -> Result<(), XmlError> {
        if !self.skip("<!--") {
            return Err(refused_markup(self.rest()).to_owned());
        }
        if self.until("-->")?.contains("--") {
            return Err("A comment has “--” in it.".to_owned());
        }
        Ok(())
    }

    /// The element here, with a stack of its own instead of recursion.
    fn document(&mut self) -> Result<Element<'a>, XmlError> {
        let mut open: Vec<Open<'a>> = Vec::new();
        loop {
            let closed = if self.rest().starts_with("</") {
                Some(self.end_tag(open.pop())?)
            } else if self.rest().starts_with("<!") || self.rest().starts_with("<?") {
                self.comment()?;
                add(&mut open, Node::Comment)?;
                None
            } else if self.rest().starts_with('<') {
                self.start(&mut open)?
            } else {
                let text = self.characters()?;
                add(&mut open, Node::Text(text))?;
                None
            };
            match closed {
                Some(element) if open.is_empty() => return Ok(element),
                Some(element) => add(&mut open, Node::Element(element))?,
                None => {}
            }
        }
    }

    /// A start tag: the element is opened, or returned when it is empty.
    fn start(&mut self, open: &mut Vec<Open<'a>>) -> Result<Option<Element<'a>>, XmlError> {
        self.elements += 1;
        if open.len() >= DEEPEST {
            return Err(format!("The XML is nested deeper than {DEEPEST} levels."));
        }
        if self.elements > MOST_ELEMENTS {
            return Err(format!("The XML has more than {MOST_ELEMENTS} elements."));
        }
        let scope = self.scope.len();
        let (name, element, empty) = self.start_tag()?;
        if !empty {
            open.push(Open { element, name, scope });
            return Ok(None);
        }
        self.scope.truncate(scope);
        Ok(Some(element))
    }

    fn start_tag(&mut self) -> Result<(Name<'a>, Element<'a>, bool), XmlError> {
        let start = self.at;
        self.expect("<")?;
        let name = self.name()?;
        let name_end = self.at;
        let mut raw = Vec::new();
        let mut declared = Vec::new();
        loop {
            let space = self.white_space();
            let empty = self.skip("/>");
            if empty || self.skip(">") {
                self.scope.extend(declared.iter().copied());
                let element = Element {
                    namespace: self.namespace(name.0)?,
                    local: name.1,
                    attributes: self.attributes(raw)?,
                    declared,
                    children: Vec::new(),
                    range: start..self.at,
                    name_end,
                };
                return Ok((name, element, empty));
            }
            if !space || raw.len() + declared.len() >= MOST_ATTRIBUTES {
                return Err(format!(
                    "A start tag can't be read at byte {} of the XML.",
                    self.at
                ));
            }
            self.attribute(&mut raw, &mut declared)?;
        }
    }

    fn attribute(
        &mut self,
        raw: &mut Vec<(Name<'a>, Cow<'a, str>)>,
        declared: &mut Vec<(&'a str, &'a str)>,
    ) -> Result<(), XmlError> {
        let name = self.name()?;
        self.white_space();
        self.expect("=")?;
        self.white_space();
        let quote = if self.skip("\"") { "\"" } else { "'" };
        if quote == "'" {
            self.expect("'")?;
        }
        let value = self.until(quote)?;
        if value.contains('<') {
            return Err("An attribute's value has “<” in it.".to_owned());
        }
        match name {
            ("", "xmlns") => declare(declared, "", value),
            ("xmlns", prefix) => declare(declared, prefix, value),
            _ => {
                raw.push((name, replaced(value, true)?));
                Ok(())
            }
        }
    }

    fn attributes(&self, raw: Vec<(Name<'a>, Cow<'a, str>)>) -> Result<Vec<Attribute<'a>>, XmlError> {
        let mut attributes: Vec<Attribute<'a>> = Vec::with_capacity(raw.len());
        for ((prefix, local), value) in raw {
            let namespace = if prefix.is_empty() {
                ""
            } else {
                self.namespace(prefix)?
            };
            if attributes
                .iter()
                .any(|one| one.local == local && one.namespace == namespace)
            {
                return Err(format!("The attribute {local} is there twice."));
            }
            attributes.push(Attribute {
                namespace,
                local,
                value,
            });
        }
        Ok(attributes)
    }

    fn namespace(&self, prefix: &str) -> Result<&'a str, XmlError> {
        if prefix == "xml" {
            return Ok(XML);
        }
        let found = self.scope.iter().rev().find(|(bound, _)| *bound == prefix);
        match found {
            Some((_, uri)) => Ok(uri),
            None if prefix.is_empty() => Ok(""),
            None => Err(format!("The prefix {prefix} has no namespace.")),
        }
    }

    fn end_tag(&mut self, open: Option<Open<'a>>) -> Result<Element<'a>, XmlError> {
        self.expect("</")?;
        let name = self.name()?;
        self.white_space();
        self.expect(">")?;
        let Some(mut open) = open.filter(|open| open.name == name) else {
            return Err(format!("The end tag of {} does not fit.", name.1));
        };
        self.scope.truncate(open.scope);
        open.element.range.end = self.at;
        Ok(open.element)
    }

    /// A name of ASCII characters with at most one colon (Namespaces in XML §4).
    fn name(&mut self) -> Result<Name<'a>, XmlError> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte);
        let length = self.rest().bytes().take_while(|byte| allowed(byte)).count();
        let name = self.rest().get(..length).unwrap_or_default();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let prefixed = name.contains(':');
        if !starts(local) || local.contains(':') || (prefixed && !starts(prefix)) {
            return Err(format!("A name can't be read at byte {} of the XML.", self.at));
        }
        self.at += length;
        Ok((prefix, local))
    }

    fn characters(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let rest = self.rest();
        let length = rest.find('<').ok_or("The XML is not complete.")?;
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        if text.contains("]]>") {
            return Err("The XML has “]]>” in a text.".to_owned());
        }
        replaced(text, false)
    }
}

fn add<'a>(open: &mut [Open<'a>], node: Node<'a>) -> Result<(), XmlError> {
    let parent = open.last_mut().ok_or("The XML has no root element.")?;
    parent.element.children.push(node);
    Ok(())
}

fn refused_markup(rest: &str) -> &'static str {
    let start = rest.get(..9).unwrap_or_default().to_ascii_uppercase();
    if start.starts_with("<!DOCTYPE") {
        "The XML has a DOCTYPE, which a SAML message must not have."
    } else if start.starts_with("<![CDATA[") {
        "The XML has a CDATA section, which is not read here."
    } else if start.starts_with("<?") {
        "The XML has a processing instruction, which is not read here."
    } else {
        "The XML has a declaration that is not read here."
    }
}

/// Only absolute URIs in plain ASCII; `xml` and `xmlns` keep their meaning (Namespaces in XML §2.2, §3).
fn declare<'a>(
    declared: &mut Vec<(&'a str, &'a str)>,
    prefix: &'a str,
    uri: &'a str,
) -> Result<(), XmlError> {
    let plain = uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"&\"'<>".contains(&byte));
    let absolute = uri.contains(':') || (uri.is_empty() && prefix.is_empty());
    let reserved = prefix == "xmlns" || prefix == "xml" || uri == XML || uri.contains("/2000/xmlns");
    if !plain || !absolute || reserved {
        return Err(format!(
            "The namespace of the prefix “{prefix}” is not an absolute address."
        ));
    }
    if declared.iter().any(|(bound, _)| *bound == prefix) {
        return Err(format!("The namespace of the prefix “{prefix}” is there twice."));
    }
    declared.push((prefix, uri));
    Ok(())
}
