//! What a response says of itself, judged: is it a success, for us, an answer to our question, and of now?
//! (SAML Profiles §4.1.4.2 and §4.1.4.3, SAML Core §2.5 and §3.2.2.)

use super::instant;
use super::message::quoted;
use super::names::{SAML, SAMLP};
use super::xml::Element;
use super::{Provider, SamlError, ServiceProvider};

/// How far two clocks may be apart, in milliseconds.
const SKEW: i64 = 60_000;
/// An assertion is taken for so long after it was issued, whatever it says, in milliseconds.
const OLDEST: i64 = 600_000;
/// The same for one that nobody asked for.
const OLDEST_UNSOLICITED: i64 = 300_000;
/// A confirmation that is good for longer is no confirmation, in milliseconds.
const LONGEST_CONFIRMATION: i64 = 24 * 3_600_000;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// Against what a response is judged.
pub(super) struct Question<'a> {
    pub(super) provider: &'a Provider,
    pub(super) service_provider: &'a ServiceProvider,
    pub(super) expected_request: Option<&'a str>,
    pub(super) now: i64,
}

/// What is taken from an assertion that was believed.
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) expires_at: i64,
    pub(super) session_ends_at: Option<i64>,
    pub(super) authenticated_at: i64,
    pub(super) session_index: Option<String>,
    pub(super) authentication: Option<String>,
}

fn refused(check: &'static str, sentence: impl Into<String>) -> SamlError {
    SamlError::unbelieved(check, sentence)
}

/// A provider that refuses the person sends no assertion, and often no signature.
pub(super) fn refused_without_assertion(response: &Element) -> Result<(), SamlError> {
    let has = |name| response.named(SAML, name).next().is_some();
    if has("Assertion") || has("EncryptedAssertion") {
        return Ok(());
    }
    status(response)?;
    Err(refused("assertions", "The response has no assertion."))
}

/// Everything that stands outside the assertion.
pub(super) fn response(
    question: &Question,
    response: &Element,
    signed: bool,
    encrypted: bool,
) -> Result<(), SamlError> {
    version(response)?;
    status(response)?;
    destination(question, response, signed)?;
    request(question, response.attribute("InResponseTo"))?;
    if response.only(SAML, "Issuer").is_some() || signed || encrypted {
        issuer(question, response)?;
    }
    issued(question, response).map(|_| ())
}

fn version(element: &Element) -> Result<(), SamlError> {
    if element.attribute("Version") == Some("2.0") {
        return Ok(());
    }
    Err(refused(
        "version",
        format!("The {} is not one of SAML 2.0.", element.local),
    ))
}

fn status(response: &Element) -> Result<(), SamlError> {
    let status = response.only(SAMLP, "Status");
    let code = status.and_then(|status| status.only(SAMLP, "StatusCode"));
    let Some((status, code)) = status.zip(code) else {
        return Err(refused("status", "The response has no status."));
    };
    let value = code.attribute("Value").unwrap_or_default();
    let below = code.elements().next();
    if value == SUCCESS && below.is_none() {
        return Ok(());
    }
    let last = |uri: &str| quoted(uri.rsplit(':').next().unwrap_or_default());
    let mut said = last(value);
    if let Some(detail) = below.and_then(|below| below.attribute("Value")) {
        said.push_str(", ");
        said.push_str(&last(detail));
    }
    let message = status.only(SAMLP, "StatusMessage").and_then(Element::text);
    let message = message.filter(|text| !text.trim().is_empty());
    let message = message.map(|text| format!(" It says: “{}”.", quoted(text.trim())));
    let sentence = format!(
        "The identity provider did not sign the person in ({said}).{} Look at its own log for the reason.",
        message.unwrap_or_default()
    );
    Err(refused("status", sentence))
}

fn destination(question: &Question, response: &Element, signed: bool) -> Result<(), SamlError> {
    let ours = &question.service_provider.acs_url;
    match response.attribute("Destination") {
        Some(theirs) if theirs == ours => Ok(()),
        None if !signed => Ok(()),
        None => Err(refused(
            "destination",
            "The response is signed but does not say for which address (Destination).",
        )),
        Some(theirs) => Err(refused("destination", another_address(theirs, ours))),
    }
}

fn another_address(theirs: &str, ours: &str) -> String {
    format!(
        "The response is for another ACS address: {}. Update it in the identity provider to {ours}.",
        quoted(theirs)
    )
}

/// In both places: the request that this browser made, or none at all when nobody asked.
fn request(question: &Question, answered: Option<&str>) -> Result<(), SamlError> {
    match (question.expected_request, answered) {
        (Some(expected), Some(answered)) if expected == answered => Ok(()),
        (Some(_), Some(_)) => Err(refused(
            "in_response_to",
            "The response answers another request than the one that this browser made. Start the sign-in again.",
        )),
        (Some(_), None) => Err(refused(
            "in_response_to",
            "The response does not say which request it answers (InResponseTo), although one was made.",
        )),
        (None, Some(_)) => Err(refused(
            "in_response_to",
            "The response answers a request that is not known here: it is over, was used already, or another \
             browser made it. Start the sign-in again.",
        )),
        (None, None) if question.provider.idp_initiated => Ok(()),
        (None, None) => Err(refused(
            "unsolicited",
            "The response came unasked. Start the sign-in here, or allow the connection to take sign-ins that the \
             identity provider starts.",
        )),
    }
}

fn issuer(question: &Question, element: &Element) -> Result<(), SamlError> {
    let ours = &question.provider.entity_id;
    let found = element.only(SAML, "Issuer");
    let name = found.and_then(Element::text);
    let Some((found, name)) = found.zip(name) else {
        return Err(refused(
            "issuer",
            format!("The {} does not say who issued it.", element.local),
        ));
    };
    let entity = |format: &str| format == ENTITY;
    let plain = found
        .attributes
        .iter()
        .all(|one| one.namespace.is_empty() && one.local == "Format");
    if !plain || !found.attribute("Format").is_none_or(entity) {
        return Err(refused("issuer", "The issuer is not named by its entity id."));
    }
    if name.trim() == ours {
        return Ok(());
    }
    let sentence = format!(
        "The {} is from “{}”, not from the connection’s identity provider “{ours}”. Correct the entity id in the \
         connection if the provider is the right one.",
        element.local.to_ascii_lowercase(),
        quoted(name.trim()),
    );
    Err(refused("issuer", sentence))
}

/// When it was issued: not in the future, and not too long ago.
fn issued(question: &Question, element: &Element) -> Result<i64, SamlError> {
    let at = required_time(element, "IssueInstant")?;
    let oldest = if question.expected_request.is_some() {
        OLDEST
    } else {
        OLDEST_UNSOLICITED
    };
    if at > question.now + SKEW {
        return Err(clock(
            "issued_in_future",
            "was issued in the future",
            at,
            question.now,
        ));
    }
    if at + oldest + SKEW <= question.now {
        return Err(clock("too_old", "was issued too long ago", at, question.now));
    }
    Ok(at)
}

fn clock(check: &'static str, what: &str, at: i64, now: i64) -> SamlError {
    let (at, now) = (instant::write(at), instant::write(now));
    refused(
        check,
        format!("The response {what}: {at}, and here it is {now}. Compare the clocks of both servers."),
    )
}

fn required_time(element: &Element, name: &str) -> Result<i64, SamlError> {
    let missing = || refused("time", format!("The {} has no {name}.", element.local));
    time(element, name)?.ok_or_else(missing)
}

/// A time that may be left out, but not be written in another way than UTC.
fn time(element: &Element, name: &str) -> Result<Option<i64>, SamlError> {
    let Some(text) = element.attribute(name) else {
        return Ok(None);
    };
    let wrong = || {
        refused(
            "time",
            format!("{name} is not a time in UTC: “{}”.", quoted(text)),
        )
    };
    instant::read(text).map(Some).ok_or_else(wrong)
}

/// Everything that an assertion must say of time and place.
pub(super) fn assertion(question: &Question, assertion: &Element) -> Result<Accepted, SamlError> {
    version(assertion)?;
    let id = assertion.attribute("ID").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| refused("assertion_id", "The assertion has no ID."))?;
    issuer(question, assertion)?;
    issued(question, assertion)?;
    conditions(question, assertion)?;
    let expires_at = confirmations(question, assertion)?;
    let (session_ends_at, statement) = statements(question, assertion)?;
    let context = statement.only(SAML, "AuthnContext");
    let authentication = context.and_then(|context| context.only(SAML, "AuthnContextClassRef")?.text());
    Ok(Accepted {
        id: id.to_owned(),
        expires_at: expires_at.min(question.now + LONGEST_CONFIRMATION) + 2 * SKEW,
        session_ends_at,
        authenticated_at: required_time(statement, "AuthnInstant")?,
        session_index: statement.attribute("SessionIndex").map(quoted),
        authentication: authentication.map(|class| quoted(class.trim())),
    })
}

fn conditions(question: &Question, assertion: &Element) -> Result<(), SamlError> {
    let Some(conditions) = assertion.only(SAML, "Conditions") else {
        return Err(refused("audience", no_audience(question)));
    };
    window(question, conditions, "expired")?;
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    let unknown = |one: &&Element| one.namespace != SAML || !known.contains(&one.local);
    if let Some(unknown) = conditions.elements().find(unknown) {
        let sentence = format!(
            "The assertion has a condition that is not known here: {}.",
            quoted(unknown.local)
        );
        return Err(refused("condition", sentence));
    }
    let mut restrictions = conditions.named(SAML, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(refused("audience", no_audience(question)));
    }
    for restriction in restrictions {
        audience(question, restriction)?;
    }
    Ok(())
}

/// `NotBefore` and `NotOnOrAfter` of an element.
fn window(question: &Question, element: &Element, expired: &'static str) -> Result<(), SamlError> {
    if let Some(at) = time(element, "NotBefore")?.filter(|at| *at > question.now + SKEW) {
        return Err(clock("not_yet", "is not good yet", at, question.now));
    }
    if let Some(at) = time(element, "NotOnOrAfter")?.filter(|at| at.saturating_add(SKEW) <= question.now) {
        return Err(clock(expired, "is over", at, question.now));
    }
    Ok(())
}

fn no_audience(question: &Question) -> String {
    let ours = &question.service_provider.entity_id;
    format!("The assertion does not say for whom it is. Set the audience in the identity provider to {ours}.")
}

fn audience(question: &Question, restriction: &Element) -> Result<(), SamlError> {
    let ours = &question.service_provider.entity_id;
    let named: Vec<String> = restriction
        .named(SAML, "Audience")
        .filter_map(Element::text)
        .collect();
    if named.iter().any(|name| name.trim() == ours) {
        return Ok(());
    }
    let theirs: Vec<String> = named.iter().take(3).map(|name| quoted(name.trim())).collect();
    let sentence = format!(
        "The assertion is for another audience: {}. Set the audience (the entity id of the service provider) in the \
         identity provider to {ours}.",
        theirs.join(", ")
    );
    Err(refused("audience", sentence))
}

/// At least one bearer confirmation must hold; the answer is when the last of them ends.
fn confirmations(question: &Question, assertion: &Element) -> Result<i64, SamlError> {
    let subject = assertion.only(SAML, "Subject");
    let subject = subject.ok_or_else(|| refused("subject", "The assertion says nothing of a person."))?;
    let mut ends = None;
    let mut first_fault = None;
    for confirmation in subject.named(SAML, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match bearer(question, confirmation) {
            Ok(end) => ends = ends.max(Some(end)),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    let none = || {
        refused(
            "confirmation",
            "The assertion is not one for whoever brings it (bearer).",
        )
    };
    ends.ok_or_else(|| first_fault.unwrap_or_else(none))
}

fn bearer(question: &Question, confirmation: &Element) -> Result<i64, SamlError> {
    let data = confirmation.only(SAML, "SubjectConfirmationData");
    let data =
        data.ok_or_else(|| refused("recipient", "The assertion does not say for which address it is."))?;
    let ours = &question.service_provider.acs_url;
    match data.attribute("Recipient") {
        Some(theirs) if theirs == ours => {}
        Some(theirs) => return Err(refused("recipient", another_address(theirs, ours))),
        None => {
            return Err(refused(
                "recipient",
                "The assertion does not say for which address it is (Recipient).",
            ));
        }
    }
    if data.attribute("NotBefore").is_some() {
        return Err(refused(
            "confirmation",
            "The bearer confirmation has a NotBefore, which SAML forbids.",
        ));
    }
    window(question, data, "expired")?;
    let missing = || refused("no_expiry", "The bearer confirmation has no end (NotOnOrAfter).");
    let end = time(data, "NotOnOrAfter")?.ok_or_else(missing)?;
    if end > question.now + LONGEST_CONFIRMATION {
        let sentence = "The bearer confirmation is good for more than a day. Let the identity provider issue it for \
                        a few minutes.";
        return Err(refused("lifetime", sentence));
    }
    request(question, data.attribute("InResponseTo"))?;
    Ok(end)
}

/// The first statement that the person signed in there, and when the earliest of their sessions ends.
fn statements<'e, 'a>(
    question: &Question,
    assertion: &'e Element<'a>,
) -> Result<(Option<i64>, &'e Element<'a>), SamlError> {
    let mut ends: Option<i64> = None;
    for statement in assertion.named(SAML, "AuthnStatement") {
        let at = required_time(statement, "AuthnInstant")?;
        if at > question.now + SKEW {
            return Err(clock(
                "issued_in_future",
                "tells of a sign-in in the future",
                at,
                question.now,
            ));
        }
        if let Some(end) = time(statement, "SessionNotOnOrAfter")? {
            if end <= question.now {
                return Err(clock(
                    "session_over",
                    "is of a session that is over",
                    end,
                    question.now,
                ));
            }
            ends = Some(ends.map_or(end, |other| other.min(end)));
        }
    }
    let first = assertion.named(SAML, "AuthnStatement").next();
    let missing = || {
        refused(
            "authn_statement",
            "The assertion does not say that the person signed in (AuthnStatement).",
        )
    };
    Ok((ends, first.ok_or_else(missing)?))
}
