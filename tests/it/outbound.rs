//! What the server asks others: whose certificates it believes, and that nothing of it reaches a network that is not
//! public.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use actix_web::{App, HttpResponse, HttpServer, web};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::json;
use vestibule::audit::Actor;
use vestibule::config::TlsFiles;
use vestibule::connections::{self, State};
use vestibule::web::tls::Certificate;

use crate::support::program::Serving;
use crate::support::{Acme, Caller, Installation};

/// An authority of the tests', which the program is told to believe.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut about = CertificateParams::new(Vec::<String>::new()).unwrap();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = about.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(about, key),
        }
    }

    /// A certificate for this host, and its key.
    fn signs(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut about = CertificateParams::new(vec![host.to_owned()]).unwrap();
        change(&mut about);
        let key = KeyPair::generate().unwrap();
        let signed = about.signed_by(&key, &self.issuer).unwrap();
        (signed.pem(), key.serialize_pem())
    }
}

/// A provider at an address of its own, with this certificate. Answers its issuer.
fn provider(folder: &Path, (certificate, key): &(String, String)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://{}", listener.local_addr().unwrap());
    let files = TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    let config = Certificate::open(&files).unwrap().config().unwrap();
    let says = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let server = HttpServer::new(move || {
        let says = says.clone();
        App::new().default_service(web::to(move || {
            let says = says.clone();
            async move { HttpResponse::Ok().json(says) }
        }))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .listen_rustls_0_23(listener, config)
        .unwrap();
    actix_web::rt::spawn(server.run());
    issuer
}

/// A connection of Acme's to this issuer, on.
fn connect(acme: &Acme, slug: &str, issuer: &str) {
    acme.write(|conn, now| {
        let settings = connections::Settings {
            name: slug.into(),
            slug: slug.into(),
            issuer: issuer.into(),
            client_id: "vestibule".into(),
            client_secret: Some("secret".into()),
            ..connections::Settings::default()
        };
        let (actor, sealer) = (Actor::operator(), &acme.installation.site.sealer);
        let made = connections::actions::create(conn, now, &actor, sealer, &acme.organization, &settings)?;
        connections::actions::set_state(conn, now, &actor, &made, State::On)
    });
}

/// A server that answers whoever comes in TLS 1.0. Answers its issuer, and what the client said to that, once it has.
fn old_server() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://{}", listener.local_addr().unwrap());
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = vec![0; 4096];
        let length = stream.read(&mut hello).unwrap();
        assert!(length > 5 && hello[0] == 22, "no greeting of TLS");
        // ServerHello (RFC 2246 §7.4.1.3): version 1.0, 32 bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA.
        let mut said = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        said.extend([7; 32]);
        said.extend([0, 0, 0x2f, 0]);
        stream.write_all(&said).unwrap();
        let mut heard = Vec::new();
        drop(stream.read_to_end(&mut heard));
        heard
    });
    (issuer, answer)
}

both_databases! {
    /// A provider is believed by a certificate of an authority that the machine knows, for its own name and in its time;
    /// any other is not, and there is no way to say “all the same”.
    /// NET-007.
    async fn only_good_certificates_are_believed(db: Database) {
        let acme = Acme::alone(db);
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        for (slug, certificate) in [
            ("good", authority.signs("127.0.0.1", |_| {})),
            ("other-host", authority.signs("localhost", |_| {})),
            ("over", authority.signs("127.0.0.1", |about| about.not_after = date_time_ymd(2024, 1, 1))),
            ("early", authority.signs("127.0.0.1", |about| about.not_before = date_time_ymd(4000, 1, 1))),
            ("self-signed", (own.cert.pem(), own.signing_key.serialize_pem())),
            ("other-authority", Authority::new().signs("127.0.0.1", |_| {})),
        ] {
            connect(&acme, slug, &provider(folder.path(), &certificate));
        }
        let (old, answer) = old_server();
        connect(&acme, "old", &old);
        let config = acme.installation.site.config.clone();
        let mut serving = Serving::of(&config.database_url, &config.key_file);
        let known = folder.path().join("authorities.pem");
        std::fs::write(&known, &authority.pem).unwrap();
        serving.settings.push(("SSL_CERT_FILE", known.display().to_string()));
        let program = serving.start();
        let start = async |slug: &str| {
            let answer = Caller::nobody().get(&format!("{}/sign-in/acme/{slug}", program.url)).await;
            let to = answer.leads_to();
            let out = to.starts_with("https://127.0.0.1");
            assert!(out || to.starts_with("/sign-in/refused/"), "{slug}: {} {to}", answer.status);
            out
        };
        assert!(start("good").await);
        for slug in ["other-host", "over", "early", "self-signed", "other-authority", "old"] {
            assert!(!start(slug).await, "{slug}");
        }
        let heard = answer.join().unwrap();
        // An alert (RFC 8446 §6): protocol_version.
        assert_eq!((heard.first(), heard.last()), (Some(&21), Some(&70)), "{heard:?}");
    }

    /// Whatever administrators write down as their provider: where no network is allowed, nothing comes to a listener on
    /// this machine.
    /// NET-018.
    async fn nothing_reaches_a_private_network(db: Database) {
        let installation = Installation::start_with(db, |config| config.outbound_allow = vec![]);
        let acme = Acme::start_in(installation, "https://127.0.0.1:9", "vestibule", "secret");
        let listeners = ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"].map(|at| TcpListener::bind(at).ok());
        let listeners: Vec<_> = listeners.into_iter().flatten().collect();
        assert!(!listeners.is_empty());
        let mut number = 0;
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
            let port = listener.local_addr().unwrap().port();
            for host in [
                "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]", "0.0.0.0", "[::]", "localhost.", "10.0.0.1", "192.168.0.1", "169.254.169.254", "[fd00::1]",
            ] {
                for scheme in ["https", "http"] {
                    number += 1;
                    let slug = format!("inside-{number}");
                    connect(&acme, &slug, &format!("{scheme}://{host}:{port}"));
                    let answer = Caller::nobody().get(&acme.installation.to(&format!("/sign-in/acme/{slug}"))).await;
                    let to = answer.leads_to();
                    assert!(to.starts_with("/sign-in/refused/"), "{scheme}://{host}: {} {to}", answer.status);
                }
            }
        }
        for listener in &listeners {
            assert_eq!(listener.accept().map(drop).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        // Where it is allowed, it comes: the listener would have heard it.
        let allowed = vestibule::outbound::Outbound::new(vec!["127.0.0.0/8".parse().unwrap()]).unwrap();
        let url = url::Url::parse(&format!("http://{}", listeners[0].local_addr().unwrap())).unwrap();
        let asking = actix_web::rt::spawn(async move { allowed.get(&url, "*/*", None).await });
        while listeners[0].accept().is_err() {
            tokio::task::yield_now().await;
        }
        drop(listeners);
        assert!(asking.await.unwrap().is_err());
    }

    /// Our own TLS offers HTTP/1.1 alone, whatever the browser would like to speak.
    /// RES-007.
    async fn our_tls_offers_no_http_2(db: Database) {
        let folder = tempfile::tempdir().unwrap();
        let made = Authority::new().signs("127.0.0.1", |_| {});
        let files = TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
        std::fs::write(&files.certificate, made.0).unwrap();
        std::fs::write(&files.key, made.1).unwrap();
        let installation = Installation::start_with(db, |config| config.serving.tls = Some(files));
        let listen = installation.site.config.listen;
        let told = std::process::Command::new("openssl")
            .args(["s_client", "-connect", &listen.to_string(), "-alpn", "h2,http/1.1"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("ALPN protocol: http/1.1") || told.contains("No ALPN negotiated"), "{told}");
        assert!(told.contains("BEGIN CERTIFICATE"), "{told}");
    }
}
