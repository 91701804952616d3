//! A letter, from its parts to plain text and HTML.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::disarm::disarm;
use crate::access::EmailAddress;
use crate::store::time::Timestamp;

/// The longest subject and sender's name, in characters.
const HEADER: usize = 150;

/// What a letter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody is invited.
    Invitation,
    /// An invitation ends soon.
    Reminder,
    /// The link by which somebody without an account sets a connection up.
    SetupLink,
    /// Somebody who was denied asks to be let in.
    Request,
    /// What became of such a request.
    Outcome,
    /// The denials of a day.
    Digest,
    /// Owners are told of something that ends, fills up or breaks.
    Warning,
    /// Something that bears on safety was changed.
    Security,
    /// The link to a new password.
    PasswordReset,
    /// The operator tries the mail server.
    Test,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Invitation,
        Self::Reminder,
        Self::SetupLink,
        Self::Request,
        Self::Outcome,
        Self::Digest,
        Self::Warning,
        Self::Security,
        Self::PasswordReset,
        Self::Test,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reminder => "reminder",
            Self::SetupLink => "setup_link",
            Self::Request => "request",
            Self::Outcome => "outcome",
            Self::Digest => "digest",
            Self::Warning => "warning",
            Self::Security => "security",
            Self::PasswordReset => "password_reset",
            Self::Test => "test",
        }
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Invitation => "Invitation",
            Self::Reminder => "Reminder of an invitation",
            Self::SetupLink => "Set-up link",
            Self::Request => "Request for access",
            Self::Outcome => "Answer to a request",
            Self::Digest => "Denials of a day",
            Self::Warning => "Warning",
            Self::Security => "Security notice",
            Self::PasswordReset => "New password",
            Self::Test => "Test",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// One piece of a letter. The texts are disarmed; the paths are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Say(String),
    Quote(Vec<String>),
    Facts(Vec<(String, String)>),
    Items(Vec<(String, String)>),
    Act(String, String),
}

/// A letter about to be queued. Every text that comes in is disarmed ([`disarm`]).
#[derive(Debug, Clone)]
pub struct Letter {
    pub(super) kind: Kind,
    pub(super) to: EmailAddress,
    pub(super) organization: Option<String>,
    pub(super) from_name: String,
    pub(super) subject: String,
    pub(super) about: (String, String),
    pub(super) useful_until: Option<Timestamp>,
    pub(super) parts: Vec<Part>,
    pub(super) because: String,
}

/// What is kept of a letter until it is sent, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    letter: &'a Letter,
    origin: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: &'a Letter,
    origin: &'a str,
}

impl Letter {
    /// A letter to one address. The subject stands over the text as well, and never has a secret.
    #[must_use]
    pub fn new(kind: Kind, to: &EmailAddress, subject: &str) -> Self {
        Self {
            kind,
            to: to.clone(),
            organization: None,
            from_name: String::new(),
            subject: disarm(subject).chars().take(HEADER).collect(),
            about: Default::default(),
            useful_until: None,
            parts: Vec::new(),
            because: String::new(),
        }
    }

    /// It is this organization's: its administrators see what becomes of it, and it carries the name.
    #[must_use]
    pub fn of(mut self, organization: &str, name: &str) -> Self {
        self.organization = Some(organization.to_owned());
        self.from_name = disarm(name).chars().take(HEADER).collect();
        self
    }

    /// What it is about, such as `invitation` and its id.
    #[must_use]
    pub fn about(mut self, kind: &str, id: &str) -> Self {
        self.about = (kind.to_owned(), id.to_owned());
        self
    }

    /// When it is of no use any more, and is not sent.
    #[must_use]
    pub fn useful_until(mut self, end: Timestamp) -> Self {
        self.useful_until = Some(end);
        self
    }

    /// A paragraph.
    #[must_use]
    pub fn say(mut self, text: impl AsRef<str>) -> Self {
        self.parts.push(Part::Say(disarm(text.as_ref())));
        self
    }

    /// What somebody wrote, line by line.
    #[must_use]
    pub fn quote(mut self, text: &str) -> Self {
        let lines = text.lines().map(disarm).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.take(50).collect();
        if !lines.is_empty() {
            self.parts.push(Part::Quote(lines));
        }
        self
    }

    /// A fact with its label. Those that follow each other stand together.
    #[must_use]
    pub fn fact(self, label: &str, value: &str) -> Self {
        self.add_fact(label, disarm(value))
    }

    /// An address that was proven or read as one, with its label. It stays whole.
    #[must_use]
    pub fn address(self, label: &str, value: &EmailAddress) -> Self {
        self.add_fact(label, value.as_str().to_owned())
    }

    fn add_fact(mut self, label: &str, value: String) -> Self {
        let fact = (label.to_owned(), value);
        if let Some(Part::Facts(facts)) = self.parts.last_mut() {
            facts.push(fact);
        } else {
            self.parts.push(Part::Facts(vec![fact]));
        }
        self
    }

    /// A line of a list; `path` is a path of ours that it leads to, or empty.
    #[must_use]
    pub fn item(mut self, text: &str, path: &str) -> Self {
        let item = (disarm(text), path.to_owned());
        if let Some(Part::Items(items)) = self.parts.last_mut() {
            items.push(item);
        } else {
            self.parts.push(Part::Items(vec![item]));
        }
        self
    }

    /// What the reader is to do: a button that leads to a path of ours. It may hold a token.
    #[must_use]
    pub fn act(mut self, label: &str, path: &str) -> Self {
        self.parts.push(Part::Act(disarm(label), path.to_owned()));
        self
    }

    /// Why the reader gets this letter, and what to do if it was not expected.
    #[must_use]
    pub fn because(mut self, text: &str) -> Self {
        self.because = disarm(text);
        self
    }

    pub(super) fn body(&self, origin: &str) -> Result<Body, askama::Error> {
        let text = Text { letter: self, origin }.render()?;
        let html = Html { letter: self, origin }.render()?;
        Ok(Body { text, html })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        let to = EmailAddress::parse("ada@corp.example").unwrap();
        Letter::new(Kind::Invitation, &to, "Visit evil.example\r\nBcc: x <b>")
            .of("acme", "<script>Acme</script> evil.example")
            .say("Hello <b>Ada</b>")
            .fact("Who invited", "Mallory https://evil.example")
            .address("For", &to)
            .quote("one\n\ntwo <i>")
            .item("A denial", "/orgs/acme/denied/1?a=1&b=2")
            .act("Come in", "/invitation/token")
            .because("You were invited.")
    }

    #[test]
    fn text_and_html_say_the_same() {
        let body = letter().body("https://door.example").unwrap();
        for text in [&body.text, &body.html] {
            assert!(text.contains("https://door.example/invitation/token"));
            assert!(text.contains("ada@corp.example"));
            assert!(text.contains("Mallory https[:]//evil[.]example"));
            assert!(text.contains("You were invited."));
            assert!(!text.contains("evil.example"));
        }
        assert_eq!(
            body.text,
            "Visit evil[.]example Bcc: x <b>\n\nHello <b>Ada</b>\n\nWho invited: Mallory https[:]//evil[.]example\nFor: ada@corp.example\n\n> one\n> two <i>\n\n- A denial\n  https://door.example/orgs/acme/denied/1?a=1&b=2\n\nCome in:\nhttps://door.example/invitation/token\n\n-- \nYou were invited.\nSent by Vestibule at https://door.example/ for <script>Acme</script> evil[.]example. Nobody reads answers to this address."
        );
    }

    /// EML-003, OUT-001.
    #[test]
    fn html_has_no_markup_of_others_and_asks_nobody() {
        let html = letter().body("https://door.example").unwrap().html;
        for never in ["<script", "<b>", "<i>", "<img", "url(", "src=", "http-equiv"] {
            assert!(!html.contains(never), "{never}");
        }
        let links: Vec<&str> = html.split("href=\"").skip(1).collect();
        assert_eq!(links.len(), 3);
        assert!(links.iter().all(|link| link.starts_with("https://door.example/")));
    }

    #[test]
    fn each_kind_has_one_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("poem"), None);
    }
}
