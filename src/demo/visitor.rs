//! A browser of the poorest kind: it follows redirects and keeps cookies, so that the demo's first
//! sign-ins are real ones.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, redirect};
use url::Url;

/// Asks as a directory does, by its token.
pub async fn asks(address: &str, token: &str) -> Result<(), String> {
    let client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build();
    let request = client
        .map_err(|error| error.to_string())?
        .get(address)
        .bearer_auth(token);
    let answer = request.send().await.and_then(Response::error_for_status);
    answer.map(drop).map_err(|error| error.to_string())
}

/// One person at one browser.
pub struct Visitor {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// A browser without cookies.
    pub fn new() -> Result<Self, String> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(10));
        Ok(Self {
            client: client.build().map_err(|error| error.to_string())?,
            cookies: BTreeMap::new(),
        })
    }

    /// Starts a sign-in at `address`, says at the provider to be `person`, and answers the status of the
    /// page where that ends.
    pub async fn sign_in(&mut self, address: &str, person: &str) -> Result<u16, String> {
        let mut at = Url::parse(address).map_err(|error| error.to_string())?;
        let mut form: Vec<(String, String)> = Vec::new();
        for _ in 0..12 {
            if at.path() == "/authorize" {
                form.push(("person".to_owned(), person.to_owned()));
            }
            let request = if form.is_empty() {
                self.client.get(at.clone())
            } else {
                self.client.post(at.clone()).form(&form)
            };
            form.clear();
            let answer = self.send(request).await?;
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            if let Some(to) = to {
                at = at.join(to).map_err(|error| error.to_string())?;
                continue;
            }
            let status = answer.status().as_u16();
            let page = answer.text().await.map_err(|error| error.to_string())?;
            let Some((action, fields)) = form_by_saml(&page) else {
                return Ok(status);
            };
            form.extend(fields);
            if page.contains("name=\"person\"") {
                form.push(("person".to_owned(), person.to_owned()));
            }
            at = at.join(&action).map_err(|error| error.to_string())?;
        }
        Err("it was sent from page to page without an end".to_owned())
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Response, String> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = request
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

/// Where the form of a page of SAML goes, and what it holds; none on another page.
fn form_by_saml(page: &str) -> Option<(String, Vec<(String, String)>)> {
    if !page.contains("name=\"SAMLResponse\"") && !page.contains("action=\"/saml/") {
        return None;
    }
    let (_, form) = page.split_once("<form ")?;
    let value = |text: &str, name: &str| -> Option<String> {
        let (_, rest) = text.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| unescaped(value))
    };
    let fields = form
        .split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|input| Some((value(input, "name")?, value(input, "value")?)));
    Some((value(form, "action")?, fields.collect()))
}

/// The references that the templates write.
fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&")
}

#[cfg(test)]
mod tests {
    use super::form_by_saml;

    #[test]
    fn a_form_of_saml_is_filled_in() {
        let page = "<form id=\"onwards\" method=\"post\" action=\"http://us/acs\"><input type=\"hidden\" name=\"SAMLResponse\" value=\"a+b=\"></form>";
        let (action, fields) = form_by_saml(page).unwrap();
        assert_eq!(
            (action.as_str(), fields),
            (
                "http://us/acs",
                vec![("SAMLResponse".to_owned(), "a+b=".to_owned())]
            )
        );
        assert_eq!(form_by_saml("<form action=\"/elsewhere\">"), None);
    }
}
