//! The settings of mail: which server takes letters, how, and who they are from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::access::EmailAddress;

/// How letters leave. Its `Debug` shows no password.
#[derive(Clone)]
pub struct Smtp {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the way there is safe.
    pub tls: SmtpTls,
    /// Name and password, where the server wants them.
    pub login: Option<(String, String)>,
    /// A file with certificates (PEM) that are believed beside those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// Whom letters are from.
    pub from: EmailAddress,
    /// The name before that address, where a letter is no organization's. Empty for none.
    pub from_name: String,
    /// How many letters leave in a minute at most.
    pub per_minute: u32,
    /// How long the outbox rests between two looks. Only tests choose it.
    pub pause: Duration,
}

/// How the connection to the mail server is kept from others' eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (`smtps://`, RFC 8314 §3.3).
    Implicit,
    /// `STARTTLS`, and nothing is sent where the server does not offer it (`smtp://`, RFC 3207).
    StartTls,
    /// In the clear (`?tls=none`).
    None,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{}, {:?})", self.host, self.port, self.tls)
    }
}

/// What was written, by the names of the settings in lower case without the prefix.
pub(super) struct Written(pub BTreeMap<&'static str, String>);

impl Smtp {
    /// Reads the settings; none where no server is named.
    pub(super) fn read(written: &Written) -> Result<Option<Self>, String> {
        let text = |name| written.0.get(name).map(String::as_str);
        let Some(address) = text("smtp_url") else {
            return Ok(None);
        };
        let (host, port, tls, mut login) = server(address)?;
        if let (Some(path), Some((_, password))) = (text("smtp_password_file"), &mut login) {
            let read = std::fs::read_to_string(path)
                .map_err(|error| format!("VESTIBULE_SMTP_PASSWORD_FILE: {path}: {error}"))?;
            read.trim_end_matches(['\r', '\n']).clone_into(password);
        }
        if login.as_ref().is_some_and(|(_, password)| password.is_empty()) {
            return Err("VESTIBULE_SMTP_URL has a user and no password. Write user:password@host, or name a file in VESTIBULE_SMTP_PASSWORD_FILE.".to_owned());
        }
        if tls == SmtpTls::None && login.is_some() && !is_here(&host) {
            return Err("VESTIBULE_SMTP_URL would send the password in the clear. Leave ?tls=none away, or the user and the password.".to_owned());
        }
        let from = text("mail_from").ok_or(
            "VESTIBULE_MAIL_FROM is missing. Write the address that letters are from, such as door@example.org.",
        )?;
        let (from_name, from) = sender(from)?;
        let per_minute = text("mail_per_minute").unwrap_or("600");
        let per_minute = per_minute.parse::<u32>().map_err(|error| {
            format!("VESTIBULE_MAIL_PER_MINUTE is “{per_minute}”: {error}. Write a whole number.")
        })?;
        Ok(Some(Self {
            host,
            port,
            tls,
            login,
            ca_file: text("smtp_ca_file").map(PathBuf::from),
            from,
            from_name,
            per_minute: per_minute.clamp(1, 60_000),
            pause: Duration::from_secs(3),
        }))
    }
}

type Server = (String, u16, SmtpTls, Option<(String, String)>);

/// The sentences never repeat the address: it may hold a password.
fn server(address: &str) -> Result<Server, String> {
    let told = |why: &str| {
        format!(
            "VESTIBULE_SMTP_URL can’t be used: {why} Write smtp://user:password@mail.example.org:587, or smtps://… for TLS from the first byte."
        )
    };
    let url = Url::parse(address).map_err(|error| told(&format!("{error}.")))?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host
        .ok_or_else(|| told("it has no host."))?
        .trim_matches(['[', ']']);
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(told("it has a path."));
    }
    let tls = match (url.scheme(), url.query()) {
        ("smtps", None) => SmtpTls::Implicit,
        ("smtp", None | Some("tls=required")) => SmtpTls::StartTls,
        ("smtp", Some("tls=none")) => SmtpTls::None,
        ("smtp" | "smtps", Some(_)) => return Err(told("behind the ? may only stand tls=none.")),
        _ => return Err(told("it begins with another word.")),
    };
    let port = url.port().unwrap_or(match tls {
        SmtpTls::Implicit => 465,
        SmtpTls::StartTls => 587,
        SmtpTls::None => 25,
    });
    let plain = |text: &str| {
        percent(text).ok_or_else(|| told("its user or password has a % that no two digits follow."))
    };
    let login = match url.username() {
        "" => None,
        user => Some((plain(user)?, plain(url.password().unwrap_or_default())?)),
    };
    Ok((plain(host)?, port, tls, login))
}

/// Undoes percent-encoding.
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// `door@example.org`, or `Front door <door@example.org>`.
fn sender(text: &str) -> Result<(String, EmailAddress), String> {
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let address =
        EmailAddress::parse(address).map_err(|error| format!("VESTIBULE_MAIL_FROM is “{text}”. {error}"))?;
    Ok((name.to_owned(), address))
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> Result<Option<Smtp>, String> {
        let pairs = pairs.iter().map(|(name, text)| (*name, (*text).to_owned()));
        Smtp::read(&Written(pairs.collect()))
    }

    fn of(url: &str) -> Result<Smtp, String> {
        read(&[("smtp_url", url), ("mail_from", "door@corp.example")]).map(Option::unwrap)
    }

    #[test]
    fn without_a_server_there_is_no_mail() {
        assert!(read(&[("mail_from", "door@corp.example")]).unwrap().is_none());
    }

    /// EML-006.
    #[test]
    fn tls_is_required_unless_somebody_says_otherwise() {
        let facts = |url: &str| of(url).map(|smtp| (smtp.host, smtp.port, smtp.tls)).unwrap();
        let host = || "mail.corp.example".to_owned();
        assert_eq!(
            facts("smtp://mail.corp.example"),
            (host(), 587, SmtpTls::StartTls)
        );
        assert_eq!(
            facts("smtps://mail.corp.example"),
            (host(), 465, SmtpTls::Implicit)
        );
        assert_eq!(
            facts("smtp://mail.corp.example:25?tls=none"),
            (host(), 25, SmtpTls::None)
        );
        assert_eq!(facts("smtp://[::1]:2525").0, "::1");
        for wrong in [
            "smtp://mail.corp.example?tls=opportunistic",
            "smtps://mail.corp.example?tls=none",
            "http://mail.corp.example",
            "smtp://mail.corp.example/inbox",
            "mail.corp.example:25",
            "smtp://",
        ] {
            assert!(of(wrong).unwrap_err().contains("VESTIBULE_SMTP_URL"), "{wrong}");
        }
    }

    /// SEC-001, EML-006.
    #[test]
    fn a_password_is_never_shown_nor_sent_in_the_clear() {
        let smtp = of("smtp://door:p%40ss%2Fword@mail.corp.example").unwrap();
        assert_eq!(smtp.login, Some(("door".to_owned(), "p@ss/word".to_owned())));
        assert!(!format!("{smtp:?}").contains("p@ss"));
        let clear = of("smtp://door:secret@mail.corp.example?tls=none").unwrap_err();
        assert!(clear.contains("in the clear") && !clear.contains("secret"));
        assert!(of("smtp://door:secret@127.0.0.1?tls=none").is_ok());
        assert!(
            of("smtp://door@mail.corp.example")
                .unwrap_err()
                .contains("no password")
        );
        assert!(!of("smtp://door:secret@[mail").unwrap_err().contains("secret"));
    }

    #[test]
    fn the_sender_is_one_address_with_a_name_or_without() {
        let from = |text| read(&[("smtp_url", "smtp://mail.corp.example"), ("mail_from", text)]);
        let smtp = from("Front door <door@corp.example>").unwrap().unwrap();
        assert_eq!(
            (smtp.from_name.as_str(), smtp.from.as_str()),
            ("Front door", "door@corp.example")
        );
        assert!(
            from("a@corp.example, b@corp.example")
                .unwrap_err()
                .contains("VESTIBULE_MAIL_FROM")
        );
        assert!(
            read(&[("smtp_url", "smtp://mail.corp.example")])
                .unwrap_err()
                .contains("VESTIBULE_MAIL_FROM")
        );
    }
}
