//! Somebody who speaks HTTP by hand: with the cookies of a browser, without its manners.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, redirect};

use super::Browser;

/// What every answer carries, and this value exactly.
const DRESS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Whoever holds these cookies.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    cookies: String,
    /// The token that forms of this browser carry.
    pub token: String,
}

/// An answer, not followed anywhere.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Caller {
    /// Somebody without any cookie.
    pub fn nobody() -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30));
        Self {
            client: client.build().unwrap(),
            cookies: String::new(),
            token: String::new(),
        }
    }

    /// Whoever sits at this browser, whose page has a form that ends with this button.
    pub fn at(browser: &Browser, button: &str) -> Self {
        let fields = browser.fields(button);
        let token = fields.iter().find(|(name, _)| name == "form_token");
        let cookies = ["session", "form", "invitation", "set_up", "connect"]
            .into_iter()
            .filter_map(|name| {
                let name = format!("vestibule_{name}");
                browser.cookie(&name).map(|value| format!("{name}={value}"))
            });
        Self {
            cookies: cookies.collect::<Vec<_>>().join("; "),
            token: token.expect("a form without its token").1.clone(),
            ..Self::nobody()
        }
    }

    /// With just these cookies.
    pub fn with_cookies(cookies: &str) -> Self {
        Self {
            cookies: cookies.into(),
            ..Self::nobody()
        }
    }

    /// Asks for a page. The request says that it comes from elsewhere, which a page that only shows does not mind.
    pub async fn get(&self, url: &str) -> Answer {
        self.ask(Method::GET, url, &[("origin", "https://evil.example")], "")
            .await
    }

    /// Posts a form as a page of ours would.
    pub async fn post(&self, url: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.ask(Method::POST, url, &headers, &body).await
    }

    /// Posts JSON as a script of somebody who is signed in would.
    pub async fn post_json(&self, url: &str, body: &serde_json::Value) -> Answer {
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        self.ask(Method::POST, url, &headers, &body.to_string()).await
    }

    /// Asks with these headers, and checks those of the answer.
    pub async fn ask(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask_bytes(method, url, headers, body.as_bytes().to_vec())
            .await
    }

    /// The same with a body that may be no text.
    pub async fn ask_bytes(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self.client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        if !self.cookies.is_empty() {
            request = request.header("cookie", &self.cookies);
        }
        let answer = request.send().await.unwrap();
        let answer = Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        };
        answer.is_dressed(url);
        answer
    }
}

impl Answer {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it sends the browser, without the query.
    pub fn leads_to(&self) -> &str {
        self.header("location").split('?').next().unwrap()
    }

    /// All that it sets, one cookie each.
    pub fn cookies(&self) -> Vec<&str> {
        let set = self.headers.get_all("set-cookie").iter();
        set.map(|value| value.to_str().unwrap()).collect()
    }

    fn is_dressed(&self, url: &str) {
        for (name, value) in DRESS {
            assert_eq!(self.header(name), value, "{name} of {url}");
        }
        let shared = self
            .headers
            .keys()
            .find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(shared, None, "{url} may be read by other sites");
        if !url.contains("/static/") && !url.ends_with("/robots.txt") {
            assert_eq!(self.header("cache-control"), "no-store", "{url}");
        }
        let kind = self.header("content-type");
        assert!(
            kind.is_empty() || !kind.starts_with("text/") || kind.contains("charset=utf-8"),
            "{url}: {kind}"
        );
        if self.status >= 500 {
            assert!(
                !self.body.contains("src/") && !self.body.to_lowercase().contains("select "),
                "{}",
                self.body
            );
        }
    }
}

/// Sends these bytes and answers the first line of what comes back, or nothing where the server just hangs up.
pub fn speak(to: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that has read enough may hang up before the end.
    let _ = stream.write_all(bytes.as_bytes());
    let mut said = Vec::new();
    let mut some = [0; 4096];
    while !said.contains(&b'\n') {
        match stream.read(&mut some) {
            Ok(0) | Err(_) => break,
            Ok(read) => said.extend_from_slice(&some[..read]),
        }
    }
    String::from_utf8_lossy(&said)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
