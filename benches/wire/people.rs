//! People who sign in: browsers that follow the way from the first click to the session's cookie.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule::saml::{self, SpKey};
use vestibule::store::time;

use super::Wire;

/// A browser without a screen, with a connection to the product and one to the provider.
pub struct Browser {
    product: Wire,
    provider: Wire,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Connects to both, by `127.0.0.1:port`.
    pub async fn new(product: &str, provider: &str) -> Self {
        Self {
            product: Wire::to(product).await,
            provider: Wire::to(provider).await,
            origin: product.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// Another browser with the same cookies.
    pub async fn like(&self, product: &str, provider: &str) -> Self {
        Self {
            cookies: self.cookies.clone(),
            ..Self::new(product, provider).await
        }
    }

    /// Signs in as this person in a browser that knows nothing; answers the status of the last page.
    pub async fn by_oidc(&mut self, person: &str) -> u16 {
        self.cookies.clear();
        let (_, there) = self.get("/sign-in/acme/acme-id").await;
        let there = there.expect("a way to the provider");
        let path = format!("/{}&person={person}", there.splitn(4, '/').nth(3).unwrap());
        let request = format!("GET {path} HTTP/1.1\r\nHost: provider\r\n\r\n");
        let answer = self.provider.ask(request.as_bytes()).await;
        assert_eq!(answer.status, 303);
        let back = answer.header("location").unwrap().splitn(4, '/').nth(3).unwrap();
        let back = format!("/{back}");
        let (status, onwards) = self.get(&back).await;
        self.arrived(status, onwards).await
    }

    /// The same by SAML: the response is made and signed here.
    pub async fn by_saml(&mut self, provider: &SamlProvider, person: &str) -> u16 {
        self.cookies.clear();
        let (_, there) = self.get("/sign-in/acme/acme-saml").await;
        let form = provider.answer(&there.expect("a way to the provider"), person);
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            provider.acs_path,
            self.origin,
            self.jar(),
            form.len()
        );
        let (status, onwards) = self.send(request).await;
        self.arrived(status, onwards).await
    }

    /// In with a cookie, or on to the page that says why not.
    async fn arrived(&mut self, status: u16, onwards: Option<String>) -> u16 {
        if self.cookies.contains_key("vestibule_session") {
            return status;
        }
        let onwards = onwards.unwrap_or_else(|| panic!("neither in nor out, but {status}"));
        self.get(&onwards).await.0
    }

    /// Opens a page of the product; answers its status, and where it leads.
    pub async fn get(&mut self, path: &str) -> (u16, Option<String>) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
            self.origin,
            self.jar()
        );
        self.send(request).await
    }

    /// Opens a page of the product and answers its text.
    pub async fn page(&mut self, path: &str) -> String {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
            self.origin,
            self.jar()
        );
        let answer = self.product.ask(request.as_bytes()).await;
        for cookie in answer.cookies() {
            keep(&mut self.cookies, cookie);
        }
        String::from_utf8_lossy(answer.body).into_owned()
    }

    /// Signs an owner in by password.
    pub async fn by_password(&mut self, email: &str, password: &str) {
        let page = self.page("/sign-in").await;
        let token = page.split("name=\"form_token\" value=\"").nth(1).expect("a form");
        let token = token.split('"').next().unwrap();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("form_token", token)
            .append_pair("email", email)
            .append_pair("password", password)
            .finish();
        let request = format!(
            "POST /sign-in/password HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.origin,
            self.jar(),
            form.len()
        );
        self.send(request).await;
        assert!(
            self.cookies.contains_key("vestibule_session"),
            "the owner is not in"
        );
    }

    async fn send(&mut self, request: String) -> (u16, Option<String>) {
        let answer = self.product.ask(request.as_bytes()).await;
        for cookie in answer.cookies() {
            keep(&mut self.cookies, cookie);
        }
        (answer.status, answer.header("location").map(str::to_owned))
    }

    fn jar(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

fn keep(cookies: &mut BTreeMap<String, String>, cookie: &str) {
    if let Some((name, value)) = cookie.split_once('=') {
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// A SAML provider of one application.
pub struct SamlProvider {
    /// Its name.
    pub entity_id: String,
    /// Its key and certificate.
    pub key: SpKey,
    /// The application's name.
    pub audience: String,
    /// Where responses go.
    pub acs_url: String,
    /// The path of that.
    pub acs_path: String,
}

impl SamlProvider {
    /// For the product at this address and the connection of this id.
    pub fn new(key: SpKey, origin: &str, connection: &str) -> Self {
        let acs_path = format!("/sign-in/saml/{connection}/acs");
        Self {
            entity_id: ENTITY_ID.to_owned(),
            key,
            audience: format!("http://{origin}/sign-in/saml/{connection}/metadata"),
            acs_url: format!("http://{origin}{acs_path}"),
            acs_path,
        }
    }

    /// The form that answers a request: a signed assertion about this person.
    fn answer(&self, asked: &str, person: &str) -> String {
        let query = asked.split_once('?').expect("a request by redirect").1;
        let field = |name: &str| {
            let mut fields = url::form_urlencoded::parse(query.as_bytes());
            fields
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.into_owned())
        };
        let packed = STANDARD.decode(field("SAMLRequest").unwrap()).unwrap();
        let mut request = String::new();
        flate2::read::DeflateDecoder::new(packed.as_slice())
            .read_to_string(&mut request)
            .unwrap();
        let id = request.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
        let response = STANDARD.encode(self.response(id, person));
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("SAMLResponse", &response)
            .append_pair("RelayState", &field("RelayState").unwrap_or_default())
            .finish()
    }

    fn response(&self, request: &str, person: &str) -> String {
        let now = time::now();
        let (at, end) = (time::machine(now), time::machine(now + 5 * time::MINUTE));
        let Self {
            entity_id,
            audience,
            acs_url,
            ..
        } = self;
        let id = vestibule::store::id::new_id();
        let assertion = format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{id}" Version="2.0" IssueInstant="{at}"><saml:Issuer>{entity_id}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{person}@acme.example</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{request}" Recipient="{acs_url}" NotOnOrAfter="{end}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotOnOrAfter="{end}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{at}"/><saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>everyone</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        );
        let signed = saml::sign_element(
            &assertion,
            &format!("_{id}"),
            &self.key.private,
            Some(&self.key.certificate),
        )
        .unwrap();
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_m{id}" Version="2.0" IssueInstant="{at}" Destination="{acs_url}" InResponseTo="{request}"><saml:Issuer>{entity_id}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{signed}</samlp:Response>"#
        )
    }
}

/// The SAML provider's name.
pub const ENTITY_ID: &str = "https://idp.acme.example/metadata";
