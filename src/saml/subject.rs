//! The `NameID`: the person's name at the provider that never changes (SAML Core §2.2.3 and §8.3).

use super::SamlError;
use super::judge::Question;
use super::message::quoted;
use super::names::SAML;
use super::xml::Element;

/// The longest `NameID` and qualifier, in bytes.
const LONGEST: usize = 1024;

/// A `NameID` that can be a key.
pub(super) struct NameId {
    /// `email`, `persistent` or `unspecified`.
    pub(super) format: &'static str,
    pub(super) value: String,
    qualifier: Option<String>,
    ours: Option<String>,
}

impl NameId {
    /// The key: format, qualifiers, value. No two different ones are the same text, because a bar in a
    /// qualifier is written in another way.
    pub(super) fn key(&self) -> String {
        if self.qualifier.is_none() && self.ours.is_none() {
            return format!("{}:{}", self.format, self.value);
        }
        let part = |part: &Option<String>| {
            part.as_deref()
                .unwrap_or_default()
                .replace('%', "%25")
                .replace('|', "%7C")
        };
        format!(
            "{}|{}|{}|{}",
            self.format,
            part(&self.qualifier),
            part(&self.ours),
            self.value
        )
    }
}

/// Reads the person's `NameID`.
pub(super) fn read(question: &Question, assertion: &Element) -> Result<NameId, SamlError> {
    let subject = assertion.only(SAML, "Subject");
    let found = subject.and_then(|subject| subject.only(SAML, "NameID"));
    let Some(found) = found else {
        let sentence = "The assertion has no NameID. Let the identity provider send one: the e-mail address or a \
                        persistent identifier.";
        return Err(SamlError::unbelieved("name_id", sentence));
    };
    let format = format(found.attribute("Format"))?;
    let value = found.text().map(|text| text.trim().to_owned());
    let invisible = |value: &str| value.chars().any(char::is_control);
    let value = value.filter(|value| !value.is_empty() && value.len() <= LONGEST && !invisible(value));
    let Some(value) = value else {
        let sentence = "The NameID is empty, too long, or not one plain text.";
        return Err(SamlError::unbelieved("name_id", sentence));
    };
    Ok(NameId {
        format,
        value,
        qualifier: qualifier(found, "NameQualifier", &question.provider.entity_id)?,
        ours: qualifier(found, "SPNameQualifier", &question.service_provider.entity_id)?,
    })
}

fn format(uri: Option<&str>) -> Result<&'static str, SamlError> {
    let uri = uri.unwrap_or_default();
    match uri.rsplit_once(":nameid-format:") {
        None if uri.is_empty() => Ok("unspecified"),
        Some((_, "emailAddress")) => Ok("email"),
        Some((_, "persistent")) => Ok("persistent"),
        Some((_, "unspecified")) => Ok("unspecified"),
        _ => {
            let why = if uri.ends_with(":transient") {
                ", which is another one each time"
            } else {
                ""
            };
            let sentence = format!(
                "The NameID has the format “{}”{why}. Set it in the identity provider to emailAddress or persistent.",
                quoted(uri)
            );
            Err(SamlError::unbelieved("name_id_format", sentence))
        }
    }
}

/// A qualifier that says more than the parties themselves.
fn qualifier(found: &Element, name: &str, implied: &str) -> Result<Option<String>, SamlError> {
    let value = found
        .attribute(name)
        .filter(|value| !value.is_empty() && *value != implied);
    if value.is_some_and(|value| value.len() > LONGEST) {
        return Err(SamlError::unbelieved(
            "name_id",
            format!("The {name} of the NameID is too long."),
        ));
    }
    Ok(value.map(str::to_owned))
}
