//! As much of HTML as a scripted person needs: the forms and links of a page, and what it says.

/// One `<tag …>` with what stands between it and the next.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    /// Where its content begins in the page.
    end: usize,
}

/// A form with the fields that a browser would send, before a person touched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub id: Option<String>,
    pub action: String,
    pub post: bool,
    pub fields: Vec<Field>,
    pub buttons: Vec<Button>,
    /// Where the fields of the list begin that was opened last: several lists may share a name.
    list: usize,
}

/// A field; a box that is not ticked and a choice that is not made have a name but send nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub value: String,
    pub sent: bool,
    /// Radio buttons, check boxes and options: several fields may share a name, each with a value of its own.
    pub is_choice: bool,
}

/// A button that submits, with what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub text: String,
    pub sends: Option<(String, String)>,
    pub action: Option<String>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub text: String,
    pub address: String,
}

/// All forms of a page, in its order.
pub fn forms(page: &str) -> Vec<Form> {
    let tags = tags(page);
    // A control may stand outside of its form and name it: all forms first, then the controls.
    let mut forms: Vec<Form> = tags
        .iter()
        .filter(|tag| tag.name == "form")
        .map(Form::empty)
        .collect();
    let (mut begun, mut inside, mut select) = (0, None, None);
    for tag in &tags {
        match tag.name.as_str() {
            "form" => (begun, inside) = (begun + 1, Some(begun)),
            "/form" => inside = None,
            "select" => select = Some(tag),
            "/select" => select = None,
            _ => {}
        }
        let owner = match tag.get("form") {
            Some(id) => forms.iter().position(|form| form.id.as_ref() == Some(&id)),
            None => inside,
        };
        if let Some(owner) = owner.filter(|_| tag.get("disabled").is_none()) {
            forms[owner].add_control(tag, select, page);
        }
    }
    forms
}

/// All links of a page, in its order.
pub fn links(page: &str) -> Vec<Link> {
    let anchors = tags(page).into_iter().filter(|tag| tag.name == "a");
    anchors
        .filter_map(|tag| {
            Some(Link {
                address: tag.get("href")?,
                text: text(tag.content(page, "</a")),
            })
        })
        .collect()
}

/// What a person reads: no tags, no styles or scripts, one space between words.
pub fn text(page: &str) -> String {
    let mut plain = String::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let lower = rest.get(..8).unwrap_or(rest).to_ascii_lowercase();
        let until = match lower.as_str() {
            tag if tag.starts_with("<!--") => "-->",
            tag if tag.starts_with("<script") => "</script>",
            tag if tag.starts_with("<style") => "</style>",
            tag if tag.starts_with("<title") => "</title>",
            _ => ">",
        };
        let inline = [
            "<b>", "</b>", "<em>", "</em>", "<strong>", "</strong", "<code>", "</code>", "<span", "</span>",
            "<a ", "</a>",
        ];
        if !inline.iter().any(|tag| lower.starts_with(tag)) {
            plain.push(' ');
        }
        rest = rest.find(until).map_or("", |end| &rest[end + until.len()..]);
    }
    plain.push_str(rest);
    decoded(&plain).split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Form {
    fn empty(tag: &Tag) -> Self {
        Self {
            id: tag.get("id"),
            action: tag.get("action").unwrap_or_default(),
            post: tag
                .get("method")
                .is_some_and(|method| method.eq_ignore_ascii_case("post")),
            fields: Vec::new(),
            buttons: Vec::new(),
            list: 0,
        }
    }

    fn add_control(&mut self, tag: &Tag, select: Option<&Tag>, page: &str) {
        match (tag.name.as_str(), select) {
            ("input", _) => self.add_input(tag),
            ("textarea", _) => {
                let value = decoded(tag.content(page, "</textarea"));
                self.add(
                    tag,
                    value.strip_prefix('\n').unwrap_or(&value).to_owned(),
                    true,
                    false,
                );
            }
            ("button", _)
                if tag
                    .get("type")
                    .is_none_or(|kind| kind.eq_ignore_ascii_case("submit")) =>
            {
                self.buttons.push(Button {
                    text: text(tag.content(page, "</button")),
                    sends: tag
                        .get("name")
                        .map(|name| (name, tag.get("value").unwrap_or_default())),
                    action: tag.get("formaction"),
                });
            }
            ("select", _) => self.list = self.fields.len(),
            ("option", Some(select)) => self.add_option(tag, select, page),
            _ => {}
        }
    }

    /// A list of which nothing is chosen sends its first line, unless several may be chosen.
    fn add_option(&mut self, tag: &Tag, select: &Tag, page: &str) {
        let one = select.get("multiple").is_none();
        let chosen = tag.get("selected").is_some();
        let first = self.fields.len() == self.list;
        if one && chosen {
            let list = self.fields.iter_mut().skip(self.list);
            list.for_each(|field| field.sent = false);
        }
        let value = tag.get("value").unwrap_or_else(|| text(tag.content(page, "<")));
        self.add(select, value, chosen || (one && first), true);
    }

    fn add_input(&mut self, tag: &Tag) {
        let kind = tag.get("type").unwrap_or_default().to_ascii_lowercase();
        let value = tag.get("value");
        match kind.as_str() {
            "submit" => self.buttons.push(Button {
                text: value.clone().unwrap_or_else(|| "Submit".into()),
                sends: tag.get("name").map(|name| (name, value.unwrap_or_default())),
                action: tag.get("formaction"),
            }),
            "button" | "reset" | "image" | "file" => {}
            "checkbox" | "radio" => {
                let ticked = tag.get("checked").is_some();
                self.add(tag, value.unwrap_or_else(|| "on".into()), ticked, true);
            }
            _ => self.add(tag, value.unwrap_or_default(), true, false),
        }
    }

    fn add(&mut self, tag: &Tag, value: String, sent: bool, is_choice: bool) {
        if let Some(name) = tag.get("name").filter(|name| !name.is_empty()) {
            self.fields.push(Field {
                name,
                value,
                sent,
                is_choice,
            });
        }
    }
}

impl Tag {
    fn get(&self, attribute: &str) -> Option<String> {
        self.attributes
            .iter()
            .find(|(name, _)| name == attribute)
            .map(|(_, value)| value.clone())
    }

    fn content<'a>(&self, page: &'a str, until: &str) -> &'a str {
        let rest = &page[self.end..];
        &rest[..rest.find(until).unwrap_or(rest.len())]
    }
}

fn tags(page: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = page[at..].find('<').map(|start| at + start) {
        if page[start..].starts_with("<!--") {
            at = page[start..]
                .find("-->")
                .map_or(page.len(), |end| start + end + 3);
            continue;
        }
        let (tag, end) = tag(page, start + 1);
        at = end;
        let closed = match tag.name.as_str() {
            "script" => "</script",
            "style" => "</style",
            "textarea" => "</textarea",
            _ => "",
        };
        at = page[at..].find(closed).map_or(page.len(), |end| at + end);
        found.push(tag);
    }
    found
}

/// Reads `name attribute="value" …>` from `start`, and says where it ended.
fn tag(page: &str, start: usize) -> (Tag, usize) {
    let name_end = page[start..]
        .find(|c: char| c.is_whitespace() || c == '>')
        .map_or(page.len(), |end| start + end);
    let name = page[start..name_end].to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut at = name_end;
    loop {
        let rest = page[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        at = page.len() - rest.len();
        if rest.is_empty() || rest.starts_with('>') {
            let end = (at + 1).min(page.len());
            return (
                Tag {
                    name,
                    attributes,
                    end,
                },
                end,
            );
        }
        let key_end = rest
            .find(|c: char| c.is_whitespace() || "=>".contains(c))
            .unwrap_or(rest.len())
            .max(1);
        let key = rest[..key_end].to_ascii_lowercase();
        let after = rest[key_end..].trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            attributes.push((key, String::new()));
            at += key_end;
            continue;
        };
        let quote = value.chars().next().filter(|c| "\"'".contains(*c));
        let value = if quote.is_some() { &value[1..] } else { value };
        let ends = |c: char| quote.map_or(c.is_whitespace() || c == '>', |quote| c == quote);
        let value_end = value.find(ends).unwrap_or(value.len());
        attributes.push((key, decoded(&value[..value_end])));
        at = page.len() - value.len() + value_end + usize::from(quote.is_some() && value_end < value.len());
    }
}

fn decoded(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let known = rest
            .find(';')
            .and_then(|end| Some((character(&rest[1..end])?, end + 1)));
        let (letter, length) = known.unwrap_or(('&', 1));
        plain.push(letter);
        rest = &rest[length..];
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
        Some(decimal) => decimal.parse().ok(),
        None => None,
    };
    let named = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
    ];
    number
        .and_then(char::from_u32)
        .or_else(|| Some(named.iter().find(|(known, _)| *known == name)?.1))
}

#[test]
fn a_form_is_read_as_a_browser_reads_it() {
    let page = r#"<!-- <form> --><form method="POST" action='/go?a=1&amp;b=2' id=first>
        <input type="hidden" name="csrf" value="a&quot;b&#x27;"><input name=email required>
        <input type="checkbox" name="keep" checked> <input type="checkbox" name="never" value="yes">
        <select name="role"><option>Member</option><option value="admin" selected>Admin</option></select>
        <textarea name="note">
one <b> &lt; two</textarea><input name="off" disabled value="x">
        <button name="then" value="stay"><b>Invite</b> them</button><button type="button">Menu</button>
        </form><input form="first" name="late" value="9"/><a href="/x">A <em>link</em></a>"#;
    let forms = forms(page);
    assert_eq!(forms.len(), 1, "{forms:?}");
    let form = &forms[0];
    assert!(form.post && form.action == "/go?a=1&b=2", "{form:?}");
    let sent: Vec<_> = form.fields.iter().filter(|field| field.sent).collect();
    let sent: Vec<_> = sent
        .iter()
        .map(|field| (field.name.as_str(), field.value.as_str()))
        .collect();
    let expected = [
        ("csrf", "a\"b'"),
        ("email", ""),
        ("keep", "on"),
        ("role", "admin"),
        ("note", "one <b> < two"),
        ("late", "9"),
    ];
    assert_eq!(sent, expected);
    let button = Button {
        text: "Invite them".into(),
        sends: Some(("then".into(), "stay".into())),
        action: None,
    };
    assert_eq!(form.buttons, [button]);
    assert_eq!(
        links(page),
        [Link {
            text: "A link".into(),
            address: "/x".into()
        }]
    );
    assert_eq!(
        text("<title>t</title><h1>Access&nbsp;denied</h1><p>Not <b>you</b>.</p><script>x<y</script>"),
        "Access denied Not you."
    );
}
