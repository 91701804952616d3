//! The front door with a provider that misbehaves on request, for tests of what happens between the two.

use vestibule::access::{DomainName, EmailAddress};
use vestibule::audit::Actor;
use vestibule::connections::{self, Connection, State};
use vestibule::domains;
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::Conn;
use vestibule::store::time::{self, Clock};
use vestibule::web::Problem;

use super::provider::Provider;
use super::{Acme, Browser, Database, Installation};

/// Acme and its provider, by clocks that go together.
pub struct Front {
    /// The organization, its connection on, just-in-time provisioning off.
    pub acme: Acme,
    /// What the connection speaks to.
    pub provider: Provider,
    clock: Clock,
}

impl Front {
    /// Acme, which lets in members and invited people.
    pub async fn open(db: Database) -> Self {
        Self::open_in(Installation::start(db)).await
    }

    /// The same in an installation with settings of its own.
    pub async fn open_in(installation: Installation) -> Self {
        let clock = Clock::fixed(time::now());
        let provider = Provider::start_with(clock.clone()).await;
        let acme = Acme::start_in(
            installation,
            provider.issuer(),
            provider.client_id(),
            provider.client_secret(),
        );
        clock.advance(acme.installation.site.now() - clock.now());
        Self {
            acme,
            provider,
            clock,
        }
    }

    /// Acme with just-in-time provisioning on.
    pub async fn open_to_newcomers(db: Database) -> Self {
        let front = Self::open(db).await;
        front.acme.jit(true);
        front
    }

    /// Another provider, by the same clock.
    pub async fn another_provider(&self) -> Provider {
        Provider::start_with(self.clock.clone()).await
    }

    /// So many milliseconds pass, here and at the providers.
    pub fn later(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
        self.acme.installation.site.clock.advance(milliseconds);
    }

    /// A browser whose person is about to come back from the provider.
    pub async fn at_the_callback(&self) -> Browser {
        self.back_from(&self.acme.sign_in()).await
    }

    /// A browser whose person started there and is about to come back.
    pub async fn back_from(&self, start: &str) -> Browser {
        let mut browser = Browser::new();
        browser.stop_before("/callback").get(start).await;
        assert!(browser.held().is_some(), "{}", browser.text());
        browser
    }

    /// A second connection of Acme's to this provider, on.
    pub fn connect(&self, slug: &str, provider: &Provider) -> Connection {
        let acme = &self.acme;
        acme.write(|conn, now| self.connection(conn, now, &acme.organization, slug, provider))
    }

    /// A second organization with a verified domain, and a connection to this provider with just-in-time
    /// provisioning on, all of the same name.
    pub fn second_organization(&self, slug: &str, domain: &str, provider: &Provider) -> Connection {
        self.acme.write(|conn, now| {
            let (actor, email) = (
                Actor::operator(),
                EmailAddress::parse(&format!("owner@{domain}")).unwrap(),
            );
            let owner = NewOwner {
                slug,
                organization_name: slug,
                email: &email,
                name: "",
                password_hash: None,
                operator: false,
            };
            let (organization, _) = make_owner(conn, now, &actor, &owner)?;
            let made = self.connection(conn, now, &organization.id, slug, provider)?;
            attach(conn, now, &made, domain)?;
            Ok(made)
        })
    }

    /// Verifies another domain of Acme's and attaches it to its connection.
    pub fn verify(&self, domain: &str) {
        let connection = self.acme.connection();
        self.acme
            .write(|conn, now| attach(conn, now, &connection, domain));
    }

    fn connection(
        &self,
        conn: &mut Conn,
        now: i64,
        organization: &str,
        slug: &str,
        provider: &Provider,
    ) -> Result<Connection, Problem> {
        let settings = connections::Settings {
            name: slug.into(),
            slug: slug.into(),
            issuer: provider.issuer().into(),
            client_id: provider.client_id().into(),
            client_secret: Some(provider.client_secret().into()),
            ..connections::Settings::default()
        };
        let (actor, sealer) = (Actor::operator(), &self.acme.installation.site.sealer);
        let made = connections::actions::create(conn, now, &actor, sealer, organization, &settings)?;
        connections::actions::set_state(conn, now, &actor, &made, State::On)
    }
}

fn attach(conn: &mut Conn, now: i64, connection: &Connection, domain: &str) -> Result<(), Problem> {
    let (actor, name) = (Actor::operator(), DomainName::parse(domain).unwrap());
    let domain = domains::actions::add(conn, now, &actor, &connection.organization, &name)?;
    domains::actions::vouch(conn, now, &actor, &connection.organization, &domain)?;
    connections::actions::attach_domain(conn, now, &actor, connection, &domain).map(drop)
}
