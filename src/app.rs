//! The application: settings, database and clock made into an actix app. `main` and every test use it.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpResponseBuilder, HttpServer, web};

use crate::config::Config;
use crate::mail::Worker;
use crate::outbound::dns::Dns;
use crate::outbound::{Network, Outbound};
use crate::previews::Previews;
use crate::provisioning::hands::Hands;
use crate::provisioning::log::Log;
use crate::provisioning::rate::Rate;
use crate::provisioning::tokens::Seen;
use crate::session::Sessions;
use crate::sign_in::oidc::Oidc;
use crate::store::sealed::Sealer;
use crate::store::time::Clock;
use crate::store::{DbError, Store, health};
use crate::upkeep::key_check;
use crate::web::tls::Certificate;
use crate::web::{Problem, Site, assets, headers, metrics, request};

/// An installation, ready to be served.
#[derive(Clone)]
pub struct Vestibule {
    /// What handlers see.
    pub site: Site,
    outbound: Outbound,
    oidc: Oidc,
    /// What directories asked, on its way to the database.
    pub scim_log: Log,
    /// Who carries letters to the mail server.
    pub mail: Worker,
}

impl Vestibule {
    /// Opens key file and database, and brings the database up to date.
    ///
    /// # Errors
    /// A sentence for whoever starts it.
    pub fn open(config: Config, clock: Clock) -> Result<Self, String> {
        let store = Store::open(&config.database_url).map_err(|error| error.to_string())?;
        store.migrate().map_err(|error| error.to_string())?;
        let known = key_check::knows_a_key(&store).map_err(|error| error.to_string())?;
        if known && !config.key_file.exists() {
            return Err(format!(
                "{} is not there, and this database’s secrets are sealed with a key. Put the key file back. Nothing was changed.",
                config.key_file.display()
            ));
        }
        let sealer = Sealer::from_file(&config.key_file)?;
        key_check::at_start(&store, &sealer)?;
        crate::audit::tend::chain_up(&store).map_err(|error| error.to_string())?;
        Self::new(config, store, clock, sealer)
    }

    /// As [`Vestibule::open`], where there is a database: what is asked of an installation begins none.
    ///
    /// # Errors
    /// A sentence for whoever starts it.
    pub fn open_known(config: Config, clock: Clock) -> Result<Self, String> {
        Store::expect_file(&config.database_url).map_err(|error| error.to_string())?;
        Self::open(config, clock)
    }

    /// From parts that are open already.
    ///
    /// # Errors
    /// When a network of the settings can't be read.
    pub fn new(config: Config, store: Store, clock: Clock, sealer: Sealer) -> Result<Self, String> {
        let networks = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.parse::<Network>().map_err(|error| error.to_string()))
                .collect::<Result<Vec<_>, _>>()
        };
        networks(&config.trusted_proxies)?;
        let outbound = Outbound::new(networks(&config.outbound_allow)?).map_err(|error| error.to_string())?;
        let (scim_log, site) = (Log::new(store.clone()), Site::new(config, store, clock, sealer));
        Ok(Self {
            scim_log,
            mail: Worker::new(site.clone())?,
            site,
            oidc: Oidc::new(outbound.clone()),
            outbound,
        })
    }

    /// A server on this listener. It stops by its handle, or at SIGTERM after the requests in hand.
    ///
    /// # Errors
    /// When the listener can't be used.
    #[expect(
        clippy::too_many_lines,
        reason = "one line for each thing that handlers share"
    )]
    pub fn serve(self, listener: TcpListener) -> std::io::Result<Server> {
        let (workers, site) = (self.site.config.workers, self.site.clone());
        let (scim_log, outbound) = (self.scim_log.clone(), self.outbound.clone());
        let (scim_tokens, scim_hands) = (Seen::default(), Hands::default());
        let scim_rate = Rate::new(site.config.scim_rate_limit);
        let dns = Dns::new(site.config.dns.clone());
        let (names, mail, notices) = (dns.clone(), self.mail.clone(), site.clone());
        let previews = Previews::default();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(self.site.clone()))
                .app_data(web::Data::new(names.clone()))
                .app_data(web::Data::new(self.outbound.clone()))
                .app_data(web::Data::new(self.oidc.clone()))
                .app_data(web::Data::new(self.scim_log.clone()))
                .app_data(web::Data::new(previews.clone()))
                .app_data(web::Data::new(scim_tokens.clone()))
                .app_data(web::Data::new(scim_rate.clone()))
                .app_data(web::Data::new(scim_hands.clone()))
                .app_data(web::Data::new(self.mail.clone()))
                .app_data(web::PayloadConfig::new(1024 * 1024))
                .app_data(web::PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
                .app_data(web::QueryConfig::default().error_handler(|error, _| {
                    Problem::Invalid(format!("The address of this page can’t be read: {error}.")).into()
                }))
                .wrap(from_fn(request::watched))
                .wrap(from_fn(headers::every_answer))
                .configure(assets::routes)
                .route(
                    "/healthz",
                    web::get().to(|| async {
                        HttpResponse::Ok()
                            .content_type("text/plain; charset=utf-8")
                            .body("ok\n")
                    }),
                )
                .route("/readyz", web::get().to(ready))
                .configure(crate::provisioning::scim_routes)
                .service(
                    web::scope("")
                        .wrap(sessions(&self.site))
                        .wrap(from_fn(crate::session::or_a_page))
                        .configure(routes)
                        .default_service(web::to(nothing_here)),
                )
        })
        .workers(workers)
        // As many as there are connections to the database on a machine with two cores: each has a stack and a heap.
        .worker_max_blocking_threads(8)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(30))
        .shutdown_timeout(15);
        let server = match &site.config.serving.tls {
            None => server.listen(listener)?,
            Some(files) => {
                let certificate = Certificate::open(files).map_err(std::io::Error::other)?;
                let config = certificate.config().map_err(std::io::Error::other)?;
                actix_web::rt::spawn(certificate.watch_for_ever());
                server.listen_rustls_0_23(listener, config)?
            }
        };
        if let Some(address) = site.config.serving.metrics {
            actix_web::rt::spawn(numbers(site.clone(), address)?);
        }
        actix_web::rt::spawn(crate::sign_in::sweep_for_ever(site.clone()));
        actix_web::rt::spawn(crate::audit::tend::tend_for_ever(site.clone()));
        actix_web::rt::spawn(crate::retention::sweep_for_ever(site.clone()));
        actix_web::rt::spawn(crate::previews::plans_for_ever(site.clone()));
        actix_web::rt::spawn(crate::connections::saml::refresh_for_ever(site.clone(), outbound));
        actix_web::rt::spawn(crate::domains::check::for_ever(site, dns));
        actix_web::rt::spawn(scim_log.keep_for_ever());
        actix_web::rt::spawn(mail.work_for_ever());
        actix_web::rt::spawn(crate::notices::for_ever(notices));
        Ok(server.run())
    }
}

/// Every route that knows people.
fn routes(cfg: &mut web::ServiceConfig) {
    // In the order of how often they are asked for: an address is compared with each pattern before its own.
    cfg.configure(crate::sign_in::routes)
        .configure(crate::home::routes)
        .configure(crate::set_up::routes)
        .configure(crate::my_account::routes)
        .configure(crate::operator::routes)
        .configure(crate::break_glass::routes)
        .configure(crate::orgs::routes)
        .configure(crate::domains::routes)
        .configure(crate::teams::routes)
        .configure(crate::members::routes)
        .configure(crate::connections::routes)
        .configure(crate::groups::routes)
        .configure(crate::provisioning::routes)
        .configure(crate::sign_ins::routes)
        .configure(crate::denied::routes)
        .configure(crate::retention::routes)
        .configure(crate::audit::routes)
        .configure(crate::dry_run::routes)
        .configure(crate::previews::routes)
        .configure(crate::mail::routes)
        // `/invitation/{token}` comes after the words that may stand in its place.
        .configure(crate::invitations::routes);
}

/// Whether this server can do its work: the database answers, and is as new as the program.
async fn ready(site: web::Data<Site>) -> HttpResponse {
    let store = site.store.clone();
    let asked = store.reading(|conn| Ok::<_, DbError>(health::pending(conn)?.is_empty()));
    let told = |mut answer: HttpResponseBuilder, text: &'static str| {
        answer.content_type("text/plain; charset=utf-8").body(text)
    };
    match tokio::time::timeout(Duration::from_secs(2), asked).await {
        Ok(Ok(true)) => told(HttpResponse::Ok(), "ready\n"),
        Ok(Ok(false)) => told(
            HttpResponse::ServiceUnavailable(),
            "the database is not up to date\n",
        ),
        Ok(Err(_)) | Err(_) => told(
            HttpResponse::ServiceUnavailable(),
            "the database does not answer\n",
        ),
    }
}

/// A server of its own for `/metrics`, at an address that the operator keeps from the public.
fn numbers(site: Site, address: SocketAddr) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(site.clone()))
            .route("/metrics", web::get().to(tell_numbers))
    });
    Ok(server
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind(address)?
        .run())
}

async fn tell_numbers(site: web::Data<Site>) -> HttpResponse {
    match metrics::metrics().and_then(|metrics| metrics.tell(site.store.connections())) {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text),
        Err(error) => HttpResponse::InternalServerError().body(error),
    }
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

fn sessions(site: &Site) -> SessionMiddleware<Sessions> {
    let [one, two] = ["session cookie 1", "session cookie 2"].map(|usage| site.sealer.derive(usage));
    let key = Key::from(&[one, two].concat());
    SessionMiddleware::builder(Sessions::new(site.store.clone(), site.clock.clone()), key)
        .cookie_name(site.cookie_name("session"))
        .cookie_secure(site.is_https())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        // The browser's cookie outlives the row at most; the row decides.
        .session_lifecycle(
            PersistentSession::default().session_ttl(actix_web::cookie::time::Duration::days(30)),
        )
        .build()
}
