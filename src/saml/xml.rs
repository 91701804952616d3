//! A small strict reader of XML 1.0 with namespaces, for messages of people we don't know. It refuses what a
//! SAML message never needs and attackers do: DOCTYPE, processing instructions, CDATA, entities of one's own,
//! names beyond ASCII, deep or endless documents. It never opens anything and never recurses without a limit.

use std::borrow::Cow;
use std::ops::Range;

mod characters;
mod reader;

pub use reader::parse;

/// Why a text is not XML that we read: a sentence.
pub type XmlError = String;

/// An element with all that is in it.
#[derive(Debug, Clone, Default)]
pub struct Element<'a> {
    /// The namespace, or nothing.
    pub namespace: &'a str,
    /// The name without its prefix.
    pub local: &'a str,
    /// The attributes, without those that declare namespaces.
    pub attributes: Vec<Attribute<'a>>,
    /// The namespaces declared here: prefix (empty for the default one) and URI.
    pub declared: Vec<(&'a str, &'a str)>,
    /// What is in it, in order.
    pub children: Vec<Node<'a>>,
    /// Where it stands in the text.
    pub range: Range<usize>,
    /// Where its name ends in the text, so that something can be written behind it.
    pub name_end: usize,
}

/// An attribute.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    /// The namespace; an attribute without a prefix has none.
    pub namespace: &'a str,
    /// The name without its prefix.
    pub local: &'a str,
    /// The value, references replaced.
    pub value: Cow<'a, str>,
}

/// Something in an element.
#[derive(Debug, Clone)]
pub enum Node<'a> {
    /// An element.
    Element(Element<'a>),
    /// Text, references replaced. Never empty; two texts stand beside each other only around a comment.
    Text(Cow<'a, str>),
    /// A comment, of which nothing is kept.
    Comment,
}

impl<'a> Element<'a> {
    /// Whether it is this element of this namespace.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// The value of an attribute without a namespace.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter();
        found
            .find(|one| one.namespace.is_empty() && one.local == name)
            .map(|one| one.value.as_ref())
    }

    /// The elements right below it.
    pub fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The elements of this name right below it.
    pub fn named(&self, namespace: &str, local: &str) -> impl Iterator<Item = &Element<'a>> {
        self.elements()
            .filter(move |element| element.is(namespace, local))
    }

    /// The one element of this name right below it; none, when there are two.
    pub fn only(&self, namespace: &str, local: &str) -> Option<&Element<'a>> {
        let mut found = self.named(namespace, local);
        let one = found.next();
        one.filter(|_| found.next().is_none())
    }

    /// It and all elements in it, in the order of the text.
    pub fn all(&self) -> Vec<&Element<'a>> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(element) = found.get(next).copied() {
            next += 1;
            found.extend(element.elements());
        }
        found.sort_by_key(|element| element.range.start);
        found
    }

    /// The text in it, when there is nothing else: no elements and no comments.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        for child in &self.children {
            match child {
                Node::Text(part) => text.push_str(part),
                _ => return None,
            }
        }
        Some(text)
    }

    /// Whether text stands beside elements or comments in it. White space does not count.
    pub fn is_mixed(&self) -> bool {
        let is_text = |child: &Node| matches!(child, Node::Text(text) if !text.bytes().all(reader::is_space));
        self.children.iter().any(is_text) && !self.children.iter().all(|child| matches!(child, Node::Text(_)))
    }
}
