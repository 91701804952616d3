//! A browser of the poorest kind: it follows redirects and keeps cookies, so that the demo's first
//! sign-ins are real ones.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, redirect};
use url::Url;

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
        for _ in 0..10 {
            let asks_who = at.path() == "/authorize";
            let request = if asks_who {
                self.client.post(at.clone()).form(&[("person", person)])
            } else {
                self.client.get(at.clone())
            };
            let answer = self.send(request).await?;
            let Some(to) = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()) else {
                return Ok(answer.status().as_u16());
            };
            at = at.join(to).map_err(|error| error.to_string())?;
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
