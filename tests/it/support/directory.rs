//! A directory that speaks SCIM to a connection of Acme's.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};
use vestibule::audit::Actor;
use vestibule::connections::{self, Connection};
use vestibule::provisioning::tokens;
use vestibule::web::Problem;

use super::{Acme, Database, Installation, scim_schema};

/// The schema of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of PATCH.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Whoever holds this token.
#[derive(Clone)]
pub struct Directory {
    pub client: Client,
    /// The address of the SCIM server.
    pub base: String,
    /// The token.
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null where there was none.
    pub body: Value,
}

impl Told {
    /// The resource's id.
    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The kind of an error.
    pub fn kind(&self) -> &str {
        self.body["scimType"].as_str().unwrap_or_default()
    }
}

impl Directory {
    /// Turns SCIM on for Acme's connection and makes a token.
    pub fn of(acme: &Acme) -> Self {
        let connection = acme.connection();
        Self::at(&acme.installation, &connection)
    }

    /// Acme with SCIM on, and its directory.
    pub fn start(db: Database) -> (Acme, Self) {
        let acme = Acme::alone(db);
        let directory = Self::of(&acme);
        (acme, directory)
    }

    /// Turns SCIM on for any connection and makes a token.
    pub fn at(installation: &Installation, connection: &Connection) -> Self {
        let (site, now) = (&installation.site, installation.site.now());
        let made = site
            .store
            .write_in(&connection.organization, |conn| -> Result<_, Problem> {
                let actor = Actor::operator();
                let connection = connections::actions::set_scim(conn, now, &actor, connection, true)?;
                let name = format!("token {}", vestibule::store::id::new_reference());
                tokens::create(conn, now, &actor, &connection, &name, None)
            });
        Self::holding(installation, &made.unwrap().1)
    }

    /// Whoever holds this token, good or not.
    pub fn holding(installation: &Installation, token: &str) -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build();
        Self {
            client: client.unwrap(),
            base: installation.to("/scim/v2"),
            token: token.to_owned(),
        }
    }

    /// Sends a body with headers as they are; checks the form of the answer, and that what it shows fits its schemas.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Told {
        let url = format!("{}{path}", self.base);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, &url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            let kind = headers
                .get("content-type")
                .map_or("", |kind| kind.to_str().unwrap());
            assert_eq!(kind, "application/scim+json", "{path}: {text}");
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
        };
        if status >= 400 {
            assert_eq!(body["status"], json!(status.to_string()), "{path}: {body}");
            assert_eq!(
                body["schemas"],
                json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
            );
        }
        if status < 300 {
            scim_schema::fits(&self.base, &body);
        }
        Told {
            status,
            headers,
            body,
        }
    }

    /// Sends a request as directories do.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Told {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("accept", "application/scim+json"),
            ("content-type", "application/scim+json; charset=utf-8"),
        ];
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        self.send(method, path, &headers, body).await
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Told {
        self.ask("GET", path, None).await
    }

    /// The people whom a filter finds, by user name.
    pub async fn find(&self, filter: &str) -> Vec<String> {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let told = self.get(&format!("/Users?filter={query}")).await;
        assert_eq!(told.status, 200, "{filter}: {}", told.body);
        let found = told.body["Resources"].as_array().unwrap();
        assert_eq!(told.body["totalResults"], json!(found.len()), "{filter}");
        let name = |user: &Value| user["userName"].as_str().unwrap().to_owned();
        found.iter().map(name).collect()
    }

    /// Creates.
    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.ask("POST", path, Some(body)).await
    }

    /// Creates a user of this address, who may come in.
    pub async fn provision(&self, email: &str) -> Told {
        let told = self.post("/Users", &user(email)).await;
        assert_eq!(told.status, 201, "{}", told.body);
        told
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: &Value) -> Told {
        self.ask("PUT", path, Some(body)).await
    }

    /// Changes by these operations.
    pub async fn patch(&self, path: &str, operations: Value) -> Told {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.ask("PATCH", path, Some(&body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Told {
        self.ask("DELETE", path, None).await
    }
}

/// A user of this address, as directories describe one.
pub fn user(email: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": email,
        "externalId": format!("x-{email}"),
        "displayName": format!("The {email}"),
        "name": {"givenName": "Ada", "familyName": "Example"},
        "emails": [{"value": email, "type": "work", "primary": true}],
        "active": true,
    })
}
