//! An organization called Acme with an owner, a verified domain and a connection to a provider: what most
//! tests begin with. The connection is on, just-in-time provisioning is off.

use vestibule::access::{DomainName, EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::connections::saml::SamlSettings;
use vestibule::connections::saml::actions::Wanted;
use vestibule::connections::{self, Connection, State};
use vestibule::domains;
use vestibule::invitations;
use vestibule::members::{self, Joining, Source};
use vestibule::orgs::{self, Organization, Settings};
use vestibule::saml::{Certificate, SpKey};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::Conn;
use vestibule::web::Problem;

use super::{Browser, Database, Installation};

/// The owner's address.
pub const OWNER: &str = "olive@acme.example";
/// Everybody's password here.
pub const PASSWORD: &str = "olive opens the door";

/// Acme, served.
pub struct Acme {
    /// The server.
    pub installation: Installation,
    /// The organization's id.
    pub organization: String,
    /// The connection's id.
    pub connection: String,
}

impl Acme {
    /// Acme whose connection speaks to `issuer` as the client `client_id`.
    pub fn start(db: Database, issuer: &str, client_id: &str, client_secret: &str) -> Self {
        Self::start_in(Installation::start(db), issuer, client_id, client_secret)
    }

    /// The same in an installation with settings of its own.
    pub fn start_in(installation: Installation, issuer: &str, client_id: &str, client_secret: &str) -> Self {
        let (organization, connection) = {
            let (site, now) = (&installation.site, installation.site.now());
            let made = site.store.write(|conn| -> Result<_, Problem> {
                let organization = found(conn, now)?;
                let settings = connections::Settings {
                    name: "Acme ID".into(),
                    slug: "acme-id".into(),
                    issuer: issuer.into(),
                    client_id: client_id.into(),
                    client_secret: Some(client_secret.into()),
                    ..connections::Settings::default()
                };
                let actor = Actor::operator();
                let made = connections::actions::create(
                    conn,
                    now,
                    &actor,
                    &site.sealer,
                    &organization.id,
                    &settings,
                )?;
                let made = connections::actions::set_jit(conn, now, &actor, &made, false)?;
                let made = connections::actions::set_state(conn, now, &actor, &made, State::On)?;
                let domain = DomainName::parse("acme.example").unwrap();
                let domain = domains::actions::add(conn, now, &actor, &organization.id, &domain)?;
                domains::actions::vouch(conn, now, &actor, &organization.id, &domain)?;
                connections::actions::attach_domain(conn, now, &actor, &made, &domain)?;
                Ok((organization.id, made.id))
            });
            made.unwrap()
        };
        Self {
            installation,
            organization,
            connection,
        }
    }

    /// Acme without a provider behind it, for tests of the administration.
    pub fn alone(db: Database) -> Self {
        Self::start(db, "http://127.0.0.1:9", "vestibule", "secret")
    }

    /// The absolute address of a page of Acme's, such as `/members`.
    pub fn to(&self, rest: &str) -> String {
        self.installation.to(&format!("/orgs/acme{rest}"))
    }

    /// Where single sign-on starts.
    pub fn sign_in(&self) -> String {
        self.installation.to("/sign-in/acme/acme-id")
    }

    /// Where the provider sends people back to.
    pub fn callback(&self) -> String {
        self.installation
            .to(&format!("/sign-in/oidc/{}/callback", self.connection))
    }

    /// Does something to Acme, under its lock, as a request would.
    pub fn write<T>(&self, change: impl FnOnce(&mut Conn, i64) -> Result<T, Problem>) -> T {
        let now = self.installation.site.now();
        self.installation
            .site
            .store
            .write_in(&self.organization, |conn| change(conn, now))
            .unwrap()
    }

    /// Asks the database something.
    pub fn read<T>(&self, question: impl FnOnce(&mut Conn) -> Result<T, Problem>) -> T {
        self.installation.site.store.read(question).unwrap()
    }

    /// The organization as it is now.
    pub fn now(&self) -> Organization {
        self.read(|conn| Ok(orgs::find(conn, &self.organization)?.unwrap()))
    }

    /// The connection as it is now.
    pub fn connection(&self) -> Connection {
        self.read(|conn| Ok(connections::find(conn, &self.connection)?.unwrap()))
    }

    /// Another connection, by SAML: a draft.
    pub fn connect_saml(&self, slug: &str, saml: &SamlSettings, certificates: &[Certificate]) -> Connection {
        let sealer = self.installation.site.sealer.clone();
        self.write(|conn, now| {
            let settings = connections::Settings {
                name: slug.into(),
                slug: slug.into(),
                ..connections::Settings::default()
            };
            let wanted = Wanted {
                settings: &settings,
                saml,
                certificates,
            };
            let key = SpKey::generate("acme", now).unwrap();
            connections::saml::actions::create(
                conn,
                now,
                &Actor::operator(),
                &sealer,
                &self.organization,
                &wanted,
                &key,
            )
        })
    }

    /// Turns just-in-time provisioning on or off.
    pub fn jit(&self, on: bool) {
        let connection = self.connection();
        self.write(|conn, now| connections::actions::set_jit(conn, now, &Actor::operator(), &connection, on));
    }

    /// Limits the seats.
    pub fn seats(&self, seats: Option<i64>) {
        let before = self.now();
        let settings = Settings {
            seats,
            ..before.settings.clone()
        };
        self.write(|conn, now| {
            orgs::actions::change(conn, now, &Actor::operator(), &before, &settings, before.version)
        });
    }

    /// The same browser, without the letter that tells its person of a sign-in at a new one.
    pub fn quiet(&self, browser: Browser) -> Browser {
        self.run("DELETE FROM letters WHERE about_kind = 'account'");
        browser
    }

    /// Allows guests or not.
    pub fn guests(&self, guests: bool) {
        let before = self.now();
        let settings = Settings {
            guests,
            ..before.settings.clone()
        };
        self.write(|conn, now| {
            orgs::actions::change(conn, now, &Actor::operator(), &before, &settings, before.version)
        });
    }

    /// Invites an address as a member, and answers the link's path.
    pub fn invite(&self, email: &str) -> String {
        let organization = self.now();
        let new = invitations::New {
            email: EmailAddress::parse(email).unwrap(),
            role: Role::Member,
            teams: vec![],
        };
        let sent = self.write(|conn, now| {
            invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &organization, &[new])
        });
        format!("/invitation/{}", sent[0].token)
    }

    /// Makes an account with a password a member, and answers the member's id.
    pub fn join(&self, email: &str, name: &str, role: Role) -> String {
        let hash = accounts::hash(PASSWORD).unwrap();
        self.write(|conn, now| {
            let (actor, email) = (Actor::operator(), EmailAddress::parse(email).unwrap());
            let account = accounts::actions::create(conn, now, &email, name)?;
            accounts::actions::set_password(conn, now, &actor, &account, &hash)?;
            let joining = Joining {
                by_password: true,
                organization: &self.organization,
                account: &account.id,
                name,
                role,
                source: Source::Setup,
                invited_by: "",
            };
            Ok(members::actions::join(conn, now, &actor, &joining)?)
        })
    }

    /// Makes an account with a password that runs the installation and belongs to no organization.
    pub fn operator(&self, email: &str) {
        let hash = accounts::hash(PASSWORD).unwrap();
        self.write(|conn, now| {
            let (actor, email) = (Actor::operator(), EmailAddress::parse(email).unwrap());
            let account = accounts::actions::create(conn, now, &email, "Otto Operator")?;
            accounts::actions::set_password(conn, now, &actor, &account, &hash)?;
            Ok(accounts::actions::set_operator(
                conn, now, &actor, &account, true,
            )?)
        });
    }

    /// A browser in which this address is signed in by password.
    pub async fn signed_in(&self, email: &str) -> Browser {
        let mut browser = Browser::new();
        browser.get(&self.installation.to("/sign-in")).await;
        browser.submit("Continue", &[("email", email)]).await;
        if browser.body().contains("Use a password instead") {
            browser.submit("Use a password instead", &[]).await;
        }
        browser.submit("Sign in", &[("password", PASSWORD)]).await;
        assert!(
            browser.cookie("vestibule_session").is_some(),
            "{}",
            browser.text()
        );
        browser
    }

    /// A browser in which the owner is signed in.
    pub async fn owner(&self) -> Browser {
        self.signed_in(OWNER).await
    }
}

fn found(conn: &mut Conn, now: i64) -> Result<Organization, Problem> {
    let hash = accounts::hash(PASSWORD).unwrap();
    let owner = NewOwner {
        slug: "acme",
        organization_name: "Acme",
        email: &EmailAddress::parse(OWNER).unwrap(),
        name: "Olive Owner",
        password_hash: Some(&hash),
        operator: false,
    };
    let (before, _) = make_owner(conn, now, &Actor::operator(), &owner)?;
    let settings = Settings {
        contact: "the IT desk".into(),
        ..before.settings.clone()
    };
    orgs::actions::change(conn, now, &Actor::operator(), &before, &settings, before.version)?;
    Ok(before)
}
