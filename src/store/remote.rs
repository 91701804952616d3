//! A PostgreSQL on another machine is spoken to through TLS with a checked certificate, or not at all.

use std::net::IpAddr;

use url::Url;

/// Whether this program can speak TLS to PostgreSQL.
const TLS: bool = cfg!(feature = "pg-tls");

/// How long a server on another machine may be silent before its connection is given up, where nothing else was asked for:
/// a network that swallows what is sent would keep us waiting for hours.
const PATIENCE: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
];

/// The address to connect to: as it was given, where the server is on this machine; with the strictest check of its
/// certificate, where it is not and nothing else was asked for.
///
/// # Errors
/// A sentence, when it is on another machine and would be spoken to in plain text.
#[expect(
    clippy::disallowed_methods,
    reason = "what libpq itself would read, and no setting of ours"
)]
pub fn guarded(url: &str) -> Result<String, String> {
    judge(url, std::env::var("PGHOST").ok().as_deref(), TLS)
}

fn judge(text: &str, pghost: Option<&str>, tls: bool) -> Result<String, String> {
    let mut url = Url::parse(text).map_err(|error| {
        format!("DATABASE_URL can’t be read: {error}. Write postgres://USER@HOST/DATABASE.")
    })?;
    let of = |name: &str| {
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .last()
    };
    let named = url.host_str().filter(|host| !host.is_empty()).map(decoded);
    let host = of("hostaddr")
        .or_else(|| of("host"))
        .or(named)
        .or_else(|| pghost.map(str::to_owned))
        .unwrap_or_default();
    if host.split(',').all(is_here) {
        return Ok(text.to_owned());
    }
    if !tls {
        return Err(format!(
            "The database {host} is on another machine, and this program was built without TLS to PostgreSQL, so it \
             would be spoken to in plain text. Build it with “--features pg-tls”, or reach the database by a socket."
        ));
    }
    let sslmode = of("sslmode");
    for (name, value) in PATIENCE {
        if of_query(&url, name).is_none() {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    match sslmode.as_deref() {
        Some("require" | "verify-ca" | "verify-full") => {}
        None => {
            url.query_pairs_mut().append_pair("sslmode", "verify-full");
            if of_query(&url, "sslrootcert").is_none() {
                url.query_pairs_mut().append_pair("sslrootcert", "system");
            }
        }
        Some(other) => {
            return Err(format!(
                "The database {host} is on another machine, and sslmode={other} may speak to it in plain text. \
                 Write sslmode=verify-full, or leave it out, which means the same."
            ));
        }
    }
    Ok(url.into())
}

fn of_query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn decoded(host: &str) -> String {
    url::form_urlencoded::parse(host.replace('+', "%2B").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

/// A socket's folder, this machine by its usual names, or nothing: libpq then takes the socket.
fn is_here(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host.is_empty()
        || host.starts_with(['/', '@'])
        || host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_server_on_this_machine_is_reached_as_it_was_written() {
        for url in [
            "postgres:///vestibule",
            "postgres:///vestibule?host=/run/postgresql",
            "postgres://ann@%2Frun%2Fpostgresql/vestibule",
            "postgres://ann:p%40ss@127.0.0.1:5433/vestibule",
            "postgresql://localhost/vestibule",
            "postgres://[::1]/vestibule",
        ] {
            assert_eq!(judge(url, None, false).as_deref(), Ok(url));
        }
    }

    /// SEC-010.
    #[test]
    fn another_machine_is_never_spoken_to_in_plain_text() {
        for url in [
            "postgres://db.example/vestibule",
            "postgres:///vestibule?host=db.example",
            "postgres://localhost/vestibule?hostaddr=192.0.2.1",
            "postgres:///vestibule?host=/run/postgresql,db.example",
        ] {
            assert!(judge(url, None, false).unwrap_err().contains("pg-tls"), "{url}");
            assert!(
                judge(url, None, true).unwrap().contains("sslmode=verify-full"),
                "{url}"
            );
        }
        assert!(judge("postgres:///v", Some("db.example"), false).is_err());
        let url = "postgres://db.example/v?sslmode=";
        for (mode, fine) in [
            ("disable", false),
            ("prefer", false),
            ("require", true),
            ("verify-full", true),
        ] {
            assert_eq!(judge(&format!("{url}{mode}"), None, true).is_ok(), fine, "{mode}");
        }
        let told = judge("postgres://db.example/v?connect_timeout=9", None, true).unwrap();
        assert!(
            told.contains("connect_timeout=9&") && told.contains("tcp_user_timeout=15000"),
            "{told}"
        );
        let told = judge("postgres://db.example/v?sslrootcert=/etc/ca.pem", None, true).unwrap();
        assert_eq!(told.matches("sslrootcert").count(), 1);
    }
}
