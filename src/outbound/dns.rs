//! Looking up TXT records, by which organizations prove their domains (RFC 1035 §3.3.14).
//!
//! Each look-up asks the name servers anew: nothing is kept, so "check now" means now. "There is no such
//! record" is an answer; that nobody answered is an error, and the two are never mistaken for each other.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, ResolverBuilder, TokioResolver};

/// How long a look-up may take in all.
pub const TIME_LIMIT: Duration = Duration::from_secs(6);
/// How long one try with one name server may take; there are two.
const TRY: Duration = Duration::from_millis(2_500);
/// How many records of one name are looked at.
pub const MOST_RECORDS: usize = 100;
/// How long a record may be, in bytes; a longer one is none that we look for.
pub const LONGEST_RECORD: usize = 4_096;

/// Asks name servers. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    servers: Vec<SocketAddr>,
}

/// Why a look-up has no answer. `Display` is a sentence for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// No name server answered in time.
    TimedOut,
    /// A name server answered that it can't tell: the code in words, such as "Server Failure".
    Failed(String),
    /// No name server could be spoken to, or what it sent is no DNS.
    NotReachable(String),
}

impl Dns {
    /// Asks these name servers, in this order; none means those of the operating system.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// The texts of the TXT records of a name, each with its strings joined. None where the name does not
    /// exist or has no TXT record. A CNAME is followed, a truncated answer asked for again by TCP.
    ///
    /// # Errors
    /// When no name server gave an answer that settles the question.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let resolver = self.resolver()?;
        // With the dot at the end no search domain is tried.
        let look_up = resolver.lookup(format!("{name}."), RecordType::TXT);
        let Ok(found) = tokio::time::timeout(TIME_LIMIT, look_up).await else {
            return Err(LookupError::TimedOut);
        };
        match found {
            Ok(found) => Ok(texts(found.answers().iter().map(|record| &record.data))),
            Err(error) => none_or(error),
        }
    }

    fn resolver(&self) -> Result<TokioResolver, LookupError> {
        let mut builder = self.builder()?;
        let options = builder.options_mut();
        options.timeout = TRY;
        options.attempts = 1;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // Whoever claims a domain knows its token, so a forged answer has to guess more than an id and a port.
        options.case_randomization = true;
        builder.build().map_err(|error| unreachable(&error))
    }

    fn builder(&self) -> Result<ResolverBuilder<TokioRuntimeProvider>, LookupError> {
        if self.servers.is_empty() {
            return TokioResolver::builder_tokio().map_err(|error| unreachable(&error));
        }
        let servers = self.servers.iter().map(|server| name_server(*server)).collect();
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = ResolverOpts::default();
        Ok(builder)
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

/// The strings of a record are one text (RFC 7208 §3.3 does the same). What is no UTF-8 is none of ours.
fn texts<'a>(answers: impl Iterator<Item = &'a RData>) -> Vec<String> {
    let texts = answers.filter_map(|data| match data {
        RData::TXT(record) => Some(record.txt_data.concat()),
        _ => None,
    });
    texts
        .take(MOST_RECORDS)
        .map(|bytes| {
            let shown = bytes.get(..LONGEST_RECORD).unwrap_or(&bytes);
            String::from_utf8_lossy(shown).into_owned()
        })
        .collect()
}

/// NXDOMAIN and an answer without records say that there is none. A referral without a word about the name
/// says nothing: the server that sent it does not look further.
fn none_or(error: NetError) -> Result<Vec<String>, LookupError> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.soa.is_some() || none.ns.is_none() => {
            Ok(Vec::new())
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => {
            Err(LookupError::Failed("it only named other name servers".to_owned()))
        }
        NetError::Dns(DnsError::ResponseCode(code)) => Err(LookupError::Failed(code.to_string())),
        NetError::Timeout => Err(LookupError::TimedOut),
        other => Err(unreachable(&other)),
    }
}

fn unreachable(error: &NetError) -> LookupError {
    let text = error.to_string();
    LookupError::NotReachable(text.chars().filter(|c| !c.is_control()).take(200).collect())
}

impl fmt::Display for LookupError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => write!(
                out,
                "The DNS server did not answer within {} seconds.",
                TIME_LIMIT.as_secs()
            ),
            Self::Failed(code) => write!(out, "The DNS server could not tell ({code})."),
            Self::NotReachable(detail) => write!(out, "The DNS server can’t be reached ({detail})."),
        }
    }
}

impl std::error::Error for LookupError {}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::{A, TXT};

    use super::*;

    #[test]
    fn the_strings_of_a_record_are_one_text_and_other_records_are_none() {
        let split = RData::TXT(TXT::new(vec!["vestibule-".into(), "verification=abc".into()]));
        let address = RData::A(A::new(192, 0, 2, 1));
        assert_eq!(
            texts([&address, &split].into_iter()),
            ["vestibule-verification=abc"]
        );
    }

    #[test]
    fn no_more_is_read_than_a_proof_can_need() {
        let long = RData::TXT(TXT::new(vec!["x".repeat(250); 20]));
        let found = texts(std::iter::repeat_n(&long, MOST_RECORDS + 1));
        assert_eq!(found.len(), MOST_RECORDS);
        assert!(found.iter().all(|text| text.len() == LONGEST_RECORD));
    }
}
