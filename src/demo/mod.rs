//! `vestibule demo`: the product with a temporary database, sample data and a real identity provider on a
//! port of its own. The product has no shortcut for it: it speaks OpenID Connect and SAML to this provider
//! as to any other, and what the demo has to show came from real sign-ins.

mod by_saml;
pub mod provider;
mod visitor;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use provider::{Client, Provider};
use visitor::Visitor;

use crate::access::EmailAddress;
use crate::app::Vestibule;
use crate::audit::Actor;
use crate::config::{self, Config, PublicUrl};
use crate::store::id;
use crate::store::time::Clock;
use crate::web::Problem;
use crate::{accounts, apply, connections, provisioning};

/// The password of Olive, who owns the demo's organization. It opens nothing but this demo.
const PASSWORD: &str = "olive opens the door";
const CLIENT: &str = "vestibule";

/// Where the demo listens. Port 0 takes any that is free.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The product.
    pub product: SocketAddr,
    /// The provider.
    pub provider: SocketAddr,
}

/// Everything that the demo needs, in a folder that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("vestibule-demo-{}", id::new_reference()));
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

/// Runs the demo until it is stopped (Ctrl-C).
///
/// # Errors
/// A sentence for whoever starts it.
pub async fn run(addresses: Addresses) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let (product, provider) = (bind(addresses.product)?, bind(addresses.provider)?);
    let folder = Folder::make()?;
    let config = settings(&folder.0, product.local_addr().map_err(told)?)?;
    let origin = config.public_url.origin().to_owned();
    let issuer = format!("http://{}", provider.local_addr().map_err(told)?);

    let acme = Provider::new(issuer.clone(), Vec::new(), provider::people(), Clock::system())
        .map_err(|error| error.to_string())?;
    let provider_server = provider::run(&acme, provider).map_err(told)?;
    let provider_handle = provider_server.handle();
    actix_web::rt::spawn(provider_server);

    let vestibule = Vestibule::open(config, Clock::system())?;
    seed(&vestibule, &folder.0, &acme, &issuer)?;
    let base_url = vestibule.site.url(provisioning::BASE);
    let token = directory_token(&vestibule)?;
    let server = vestibule.serve(product).map_err(told)?;
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);

    if let Err(error) = first_visits(&origin).await {
        handle.stop(false).await;
        return Err(format!("the demo’s own sign-ins failed: {error}"));
    }
    if let Err(error) = visitor::asks(&format!("{base_url}/Users?count=1"), &token).await {
        handle.stop(false).await;
        return Err(format!("the demo’s directory failed: {error}"));
    }
    println!("{}", welcome(&origin, &issuer));
    println!("{}", welcome_directory(&base_url, &token));
    let outcome = serving.await.map_err(|error| error.to_string())?;
    provider_handle.stop(false).await;
    outcome.map_err(told)
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| {
        format!("{address} can’t be listened on: {error}. Choose others by --listen and --provider-listen.")
    })
}

fn settings(folder: &Path, listen: SocketAddr) -> Result<Config, String> {
    Ok(Config {
        database_url: folder.join("demo.db").display().to_string(),
        listen,
        public_url: PublicUrl::parse(&format!("http://{listen}"))?,
        key_file: folder.join("demo.key"),
        outbound_allow: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        dns: Vec::new(),
        trusted_proxies: Vec::new(),
        workers: 2,
        stranger_days: 30,
        rate_limit: 60,
        scim_rate_limit: 6_000,
        smtp: None,
        log: "warn".to_owned(),
        log_json: false,
        audit: config::Audit::default(),
        serving: config::Serving::default(),
    })
}

/// Describes the installation in a file and applies it, as an operator would.
fn seed(vestibule: &Vestibule, folder: &Path, acme: &Provider, issuer: &str) -> Result<(), String> {
    let (file, secret) = (folder.join("demo.toml"), id::new_token());
    std::fs::write(&file, include_str!("demo.toml").replace("{issuer}", issuer))
        .map_err(|error| error.to_string())?;
    let environment = |name: &str| match name {
        "DEMO_PASSWORD" => Some(PASSWORD.to_owned()),
        "DEMO_SECRET" => Some(secret.clone()),
        _ => None,
    };
    apply::run(&vestibule.site, &file, &environment, false).map_err(|error| error.to_string())?;
    runs_the_installation(vestibule, "olive@acme.example")?;
    let connection = vestibule
        .site
        .store
        .read(|conn| connections::find_by_slugs(conn, "acme", "acme-id"))
        .map_err(|error| error.to_string())?
        .ok_or("the demo’s connection is missing")?;
    let callback = format!("/sign-in/oidc/{}/callback", connection.id);
    acme.register(Client {
        id: CLIENT.to_owned(),
        secret,
        redirect_uris: vec![vestibule.site.url(&callback)],
    });
    by_saml::connect(&vestibule.site, acme)
}

/// Makes the account of this address one that may open the operator's pages.
fn runs_the_installation(vestibule: &Vestibule, email: &str) -> Result<(), String> {
    let (site, actor) = (&vestibule.site, Actor::operator());
    let made = site.store.write(|conn| -> Result<_, Problem> {
        let email = EmailAddress::parse(email).map_err(Problem::internal)?;
        let account = accounts::find_by_email(conn, &email)?.ok_or(Problem::NotFound)?;
        Ok(accounts::actions::set_operator(
            conn,
            site.now(),
            &actor,
            &account,
            true,
        )?)
    });
    made.map(drop).map_err(|problem| problem.to_string())
}

/// A token of the connection whose directory writes people.
fn directory_token(vestibule: &Vestibule) -> Result<String, String> {
    let (site, actor) = (&vestibule.site, Actor::operator());
    let made = site.store.write(|conn| -> Result<_, Problem> {
        let connection = connections::find_by_slugs(conn, "acme", "acme-directory")?;
        let connection = connection.ok_or(Problem::NotFound)?;
        provisioning::tokens::create(conn, site.now(), &actor, &connection, "demo", None)
    });
    made.map(|(_, secret)| secret)
        .map_err(|problem| problem.to_string())
}

/// Max uses his invitation, and comes by SAML as well; Tess, whom nobody invited, tries twice; Yuri's domain is
/// not Acme's.
async fn first_visits(origin: &str) -> Result<(), String> {
    let visits = [
        ("acme-id", "max", 200),
        ("acme-saml", "max", 200),
        ("acme-id", "tess", 403),
        ("acme-id", "tess", 403),
        ("acme-id", "yuri", 403),
    ];
    for (connection, person, expected) in visits {
        let status = Visitor::new()?
            .sign_in(&format!("{origin}/sign-in/acme/{connection}"), person)
            .await?;
        if status != expected {
            return Err(format!("{person} was answered {status} instead of {expected}"));
        }
    }
    Ok(())
}

fn welcome(origin: &str, issuer: &str) -> String {
    format!(
        "
Vestibule is open, with an organization called Acme. Its database lies in a temporary folder and goes when you stop it (Ctrl-C).

  Open                {origin}/
  Identity provider   {issuer}/
  By OpenID Connect   {origin}/sign-in/acme/acme-id
  By SAML             {origin}/sign-in/acme/acme-saml

Try this:
  1. Sign in at {origin}/sign-in/acme/acme-id as Sam, a stranger: Access denied, for just-in-time provisioning is off.
  2. In another browser (or a private window) sign in at {origin}/sign-in as olive@acme.example, by password:
       {PASSWORD}
     Under “Denied sign-ins” you find Sam, with the reason and the trace. Press Invite.
  3. Sign in as Sam again: in, and the denial is settled.
  4. As Olive, turn on just-in-time provisioning (Single sign-on, Acme ID), then sign in as Tess: in, without an invitation.
"
    )
}

/// What a directory would be told, and a request to try it by.
fn welcome_directory(base_url: &str, token: &str) -> String {
    let person = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"tess@acme.example","name":{"givenName":"Tess","familyName":"Tan"}}"#;
    format!(
        "Be the directory, too (SCIM 2.0, under Single sign-on, Acme directory):
  Base URL            {base_url}
  Token               {token}

  curl -H 'Authorization: Bearer {token}' '{base_url}/Users'
  curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/scim+json' -d '{person}' '{base_url}/Users'

The second makes Tess a member; she can then sign in by Acme ID. What was asked, and what was done, stands in the directory’s log.
"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_directory_is_told_where_and_by_what() {
        let text = super::welcome_directory("http://127.0.0.1:1/scim/v2", "vscim_x");
        assert!(text.contains("Base URL            http://127.0.0.1:1/scim/v2\n"));
        assert!(text.contains("Token               vscim_x\n"));
    }

    #[test]
    fn the_welcome_names_both_addresses() {
        let text = super::welcome("http://127.0.0.1:1", "http://127.0.0.1:2");
        assert!(text.contains("Open                http://127.0.0.1:1/"));
        assert!(text.contains("Identity provider   http://127.0.0.1:2/"));
    }
}
