//! The settings: environment over file over default, read once at the start.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::{Host, Url};

mod smtp;

pub use smtp::{Smtp, SmtpTls};

/// Everything that an operator can set. `docs/operating.md` lists the same.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`: a file name or `sqlite:FILE`, or `postgres://…`. Default `vestibule.db`.
    pub database_url: String,
    /// `VESTIBULE_LISTEN`: address and port to listen on. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `VESTIBULE_PUBLIC_URL`: where browsers find us, without a path. Default `http://` and the listen address.
    pub public_url: PublicUrl,
    /// `VESTIBULE_KEY_FILE`: the key that seals secrets, made at the first start. Default `vestibule.key`.
    pub key_file: PathBuf,
    /// `VESTIBULE_OUTBOUND_ALLOW`: networks (CIDR, comma-separated) that outbound requests may reach
    /// although they are private; plain `http` is spoken only there. Default none.
    pub outbound_allow: Vec<String>,
    /// `VESTIBULE_DNS`: the name servers that are asked for the records of domains (address, or address and
    /// port, comma-separated). Default: those of the operating system.
    pub dns: Vec<SocketAddr>,
    /// `VESTIBULE_TRUSTED_PROXIES`: networks whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<String>,
    /// `VESTIBULE_WORKERS`: server threads. Default: one for each core, 4 at most.
    pub workers: usize,
    /// `VESTIBULE_STRANGER_DAYS`: after how many days an account that was never let in anywhere is taken
    /// away. Default 30.
    pub stranger_days: i64,
    /// `VESTIBULE_RATE_LIMIT`: how many wrong passwords, unknown links, rejected answers and the like one network
    /// address has in a minute, of each kind; three times as many at once. 0 for no limit. Default 60.
    pub rate_limit: u32,
    /// `VESTIBULE_SCIM_RATE_LIMIT`: how many requests of one connection's directory are answered in a minute; ten times
    /// as many at once. 0 for no limit. Default 6,000.
    pub scim_rate_limit: u32,
    /// `VESTIBULE_SMTP_URL`, `VESTIBULE_SMTP_PASSWORD_FILE`, `VESTIBULE_SMTP_CA_FILE`, `VESTIBULE_MAIL_FROM`,
    /// `VESTIBULE_MAIL_PER_MINUTE`: how letters leave. Default: no letter is written.
    pub smtp: Option<Smtp>,
    /// `VESTIBULE_LOG`: what is logged, such as `info` or `vestibule=debug`. Default `info`.
    pub log: String,
    /// `VESTIBULE_LOG_FORMAT`: `text` or `json`. Default `text`.
    pub log_json: bool,
    /// How the audit log is kept.
    pub audit: Audit,
    /// What is served beside the application, and how.
    pub serving: Serving,
}

/// How the audit log is kept.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// `VESTIBULE_AUDIT_DAYS`: after how many days entries are taken away, 30 at least. Default: never.
    pub days: Option<i64>,
    /// `VESTIBULE_AUDIT_ANCHOR`: a file to which the end of each chain is appended every hour. Default none.
    pub anchor: Option<PathBuf>,
}

/// What is served beside the application, and how.
#[derive(Debug, Clone, Default)]
pub struct Serving {
    /// `VESTIBULE_METRICS_LISTEN`: address and port at which `/metrics` is told. Default: nowhere.
    pub metrics: Option<SocketAddr>,
    /// `VESTIBULE_TLS_CERT` and `VESTIBULE_TLS_KEY`: TLS of our own. Default: plain HTTP, for a proxy before it.
    pub tls: Option<TlsFiles>,
}

/// The files of our own TLS, both PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Audit {
    fn read(days: Option<i64>, anchor: Option<String>) -> Result<Self, String> {
        if days.is_some_and(|days| days < 30) {
            return Err("VESTIBULE_AUDIT_DAYS is less than 30. Write 30 or more, or leave it out to keep the log for ever.".to_owned());
        }
        Ok(Self {
            days,
            anchor: anchor.map(PathBuf::from),
        })
    }
}

impl Serving {
    fn read(
        metrics: Option<String>,
        certificate: Option<String>,
        key: Option<String>,
    ) -> Result<Self, String> {
        let metrics = metrics.map(|text| {
            text.parse().map_err(|error| {
                format!("VESTIBULE_METRICS_LISTEN is “{text}” ({error}). Write an address and a port, such as 127.0.0.1:9100.")
            })
        });
        let tls = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles {
                certificate: certificate.into(),
                key: key.into(),
            }),
            _one => {
                return Err(
                    "VESTIBULE_TLS_CERT and VESTIBULE_TLS_KEY go together: set both, or none.".to_owned(),
                );
            }
        };
        Ok(Self {
            metrics: metrics.transpose()?,
            tls,
        })
    }
}

/// The same names in lower case, without the prefix, in the file that `VESTIBULE_CONFIG` names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    database_url: Option<String>,
    listen: Option<String>,
    public_url: Option<String>,
    key_file: Option<String>,
    outbound_allow: Option<Vec<String>>,
    dns: Option<Vec<String>>,
    trusted_proxies: Option<Vec<String>>,
    workers: Option<usize>,
    stranger_days: Option<i64>,
    rate_limit: Option<u32>,
    scim_rate_limit: Option<u32>,
    smtp_url: Option<String>,
    smtp_password_file: Option<String>,
    smtp_ca_file: Option<String>,
    mail_from: Option<String>,
    mail_per_minute: Option<u32>,
    log: Option<String>,
    log_format: Option<String>,
    audit_days: Option<i64>,
    audit_anchor: Option<String>,
    metrics_listen: Option<String>,
    tls_cert: Option<String>,
    tls_key: Option<String>,
}

impl Config {
    /// Reads the environment of this process and the file that it names.
    ///
    /// # Errors
    /// A sentence that names the setting that is wrong.
    pub fn from_env() -> Result<Self, String> {
        let env: BTreeMap<String, String> = std::env::vars().collect();
        let file = match env.get("VESTIBULE_CONFIG").filter(|path| !path.is_empty()) {
            None => File::default(),
            Some(path) => read_file(Path::new(path))?,
        };
        Self::assemble(&env, file)
    }

    #[expect(clippy::too_many_lines, reason = "one line for each setting")]
    fn assemble(env: &BTreeMap<String, String>, file: File) -> Result<Self, String> {
        let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
        let smtp = Smtp::read(&mail(&set, &file))?;
        let listen = set("VESTIBULE_LISTEN")
            .or(file.listen)
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let listen: SocketAddr = listen.parse().map_err(|error| {
            format!("VESTIBULE_LISTEN is “{listen}” ({error}). Write an address and a port, such as 127.0.0.1:8080.")
        })?;
        let public_url = set("VESTIBULE_PUBLIC_URL")
            .or(file.public_url)
            .unwrap_or_else(|| format!("http://{listen}"));
        let log_format = set("VESTIBULE_LOG_FORMAT")
            .or(file.log_format)
            .unwrap_or_else(|| "text".to_owned());
        let workers = number(set("VESTIBULE_WORKERS"), "VESTIBULE_WORKERS")?.or(file.workers);
        let stranger_days =
            number(set("VESTIBULE_STRANGER_DAYS"), "VESTIBULE_STRANGER_DAYS")?.or(file.stranger_days);
        let rate_limit = number(set("VESTIBULE_RATE_LIMIT"), "VESTIBULE_RATE_LIMIT")?.or(file.rate_limit);
        let scim_rate_limit =
            number(set("VESTIBULE_SCIM_RATE_LIMIT"), "VESTIBULE_SCIM_RATE_LIMIT")?.or(file.scim_rate_limit);
        Ok(Self {
            database_url: set("DATABASE_URL")
                .or(file.database_url)
                .unwrap_or_else(|| "vestibule.db".to_owned()),
            listen,
            public_url: PublicUrl::parse(&public_url)?,
            key_file: set("VESTIBULE_KEY_FILE")
                .or(file.key_file)
                .unwrap_or_else(|| "vestibule.key".to_owned())
                .into(),
            outbound_allow: set("VESTIBULE_OUTBOUND_ALLOW")
                .map(|text| list(&text))
                .or(file.outbound_allow)
                .unwrap_or_default(),
            dns: name_servers(
                &set("VESTIBULE_DNS")
                    .map(|text| list(&text))
                    .or(file.dns)
                    .unwrap_or_default(),
            )?,
            trusted_proxies: set("VESTIBULE_TRUSTED_PROXIES")
                .map(|text| list(&text))
                .or(file.trusted_proxies)
                .unwrap_or_default(),
            workers: workers.unwrap_or_else(|| cores().min(4)).max(1),
            stranger_days: stranger_days.unwrap_or(30).clamp(1, 3_650),
            rate_limit: rate_limit.unwrap_or(60),
            scim_rate_limit: scim_rate_limit.unwrap_or(6_000),
            smtp,
            log: set("VESTIBULE_LOG")
                .or(file.log)
                .unwrap_or_else(|| "info".to_owned()),
            log_json: match log_format.as_str() {
                "text" => false,
                "json" => true,
                other => return Err(format!("VESTIBULE_LOG_FORMAT is “{other}”. Write text or json.")),
            },
            audit: Audit::read(
                number(set("VESTIBULE_AUDIT_DAYS"), "VESTIBULE_AUDIT_DAYS")?.or(file.audit_days),
                set("VESTIBULE_AUDIT_ANCHOR").or(file.audit_anchor),
            )?,
            serving: Serving::read(
                set("VESTIBULE_METRICS_LISTEN").or(file.metrics_listen),
                set("VESTIBULE_TLS_CERT").or(file.tls_cert),
                set("VESTIBULE_TLS_KEY").or(file.tls_key),
            )?,
        })
    }
}

/// What was written about mail.
fn mail(set: &impl Fn(&str) -> Option<String>, file: &File) -> smtp::Written {
    let per_minute = file.mail_per_minute.map(|number| number.to_string());
    let written = [
        ("VESTIBULE_SMTP_URL", "smtp_url", &file.smtp_url),
        (
            "VESTIBULE_SMTP_PASSWORD_FILE",
            "smtp_password_file",
            &file.smtp_password_file,
        ),
        ("VESTIBULE_SMTP_CA_FILE", "smtp_ca_file", &file.smtp_ca_file),
        ("VESTIBULE_MAIL_FROM", "mail_from", &file.mail_from),
        ("VESTIBULE_MAIL_PER_MINUTE", "mail_per_minute", &per_minute),
    ];
    let written = written
        .into_iter()
        .filter_map(|(name, key, file)| Some((key, set(name).or_else(|| file.clone())?)));
    smtp::Written(written.collect())
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<String>,
    name: &str,
) -> Result<Option<T>, String> {
    let Some(text) = text else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|error| format!("{name} is “{text}”: {error}. Write a whole number."))
}

/// Port 53 where none is written.
fn name_servers(texts: &[String]) -> Result<Vec<SocketAddr>, String> {
    let read = |text: &String| {
        let alone = text.trim_matches(['[', ']']).parse::<IpAddr>();
        let address = alone
            .map(|ip| SocketAddr::new(ip, 53))
            .or_else(|_no| text.parse());
        address.map_err(|error| {
            format!("VESTIBULE_DNS names “{text}” ({error}). Write addresses such as 192.0.2.53 or 192.0.2.53:5353.")
        })
    };
    texts.iter().map(read).collect()
}

fn read_file(path: &Path) -> Result<File, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The address at which browsers find this installation: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    authority: String,
    https: bool,
}

impl PublicUrl {
    /// Takes `https://host[:port]`, or `http` for a loopback address.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let told = |why: &str| format!("VESTIBULE_PUBLIC_URL is “{text}”: {why}");
        let url =
            Url::parse(text).map_err(|error| told(&format!("{error}. Write https://door.example.org.")))?;
        if url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
        {
            return Err(told(
                "write only scheme, host and port, such as https://door.example.org.",
            ));
        }
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(told("it has no host.")),
        };
        let https = match url.scheme() {
            "https" => true,
            "http" if loopback => false,
            "http" => {
                return Err(told(
                    "plain http is only for this machine itself. Use https, if need be behind a proxy.",
                ));
            }
            _ => return Err(told("use https.")),
        };
        let origin = url.origin().ascii_serialization();
        let authority = origin.split("://").nth(1).unwrap_or_default().to_owned();
        Ok(Self {
            origin,
            authority,
            https,
        })
    }

    /// `https://door.example.org`: the origin, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `door.example.org` with the port if it is not the scheme's own: what a `Host` header says.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether browsers speak TLS to us.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The absolute address of a path of ours.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_file() {
        let env = BTreeMap::from([("DATABASE_URL".to_owned(), "env.db".to_owned())]);
        let file: File = toml::from_str("database_url = \"file.db\"\nlisten = \"127.0.0.1:9\"").unwrap();
        let config = Config::assemble(&env, file).unwrap();
        assert_eq!(config.database_url, "env.db");
        assert_eq!(config.public_url.origin(), "http://127.0.0.1:9");
    }

    /// SEC-010.
    #[test]
    fn a_public_address_without_tls_is_refused() {
        assert!(
            PublicUrl::parse("http://door.example.org")
                .unwrap_err()
                .contains("https")
        );
        assert!(PublicUrl::parse("https://door.example.org/x").is_err());
        assert!(PublicUrl::parse("door").is_err());
        let url = PublicUrl::parse("https://Door.example.org:443/").unwrap();
        assert_eq!(
            (url.origin(), url.authority()),
            ("https://door.example.org", "door.example.org")
        );
    }

    #[test]
    fn name_servers_have_the_usual_port_unless_another_is_written() {
        let texts = ["192.0.2.53", "192.0.2.53:5353", "2001:db8::1", "[2001:db8::1]:54"].map(str::to_owned);
        let read: Vec<String> = name_servers(&texts)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            read,
            [
                "192.0.2.53:53",
                "192.0.2.53:5353",
                "[2001:db8::1]:53",
                "[2001:db8::1]:54"
            ]
        );
        assert!(
            name_servers(&["dns.example".to_owned()])
                .unwrap_err()
                .contains("VESTIBULE_DNS")
        );
    }

    /// FLT-016.
    #[test]
    fn a_mistyped_key_of_the_file_is_named() {
        assert!(
            toml::from_str::<File>("datbase_url = 1")
                .unwrap_err()
                .to_string()
                .contains("datbase_url")
        );
    }
}
