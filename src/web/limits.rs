//! How often one network address may do what costs us something and proves nothing: an approximate limit in this
//! server's memory, so that honest requests ask no database for it. Of several servers each counts for itself; what
//! has to be exact (guesses at one account) is counted in the database (`sign_in::throttle`).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use super::Problem;
use crate::store::time::{MINUTE, SECOND, Timestamp};

/// How many addresses are remembered. If there are more, those that did nothing lately are forgotten first.
const MOST: usize = 100_000;
/// How many minutes' worth an address may use at once.
const BURST: i64 = 3;

/// What is counted, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Single sign-ons that were started and let nobody in yet; ten times as many as of the others.
    Start,
    /// Answers of providers that are good for nobody: rejected ones, and those that are played again.
    Answer,
    /// Wrong passwords and codes.
    Password,
    /// Links by mail that were asked for.
    Mail,
    /// Tokens of links that are unknown.
    Link,
    /// Directories without a good token.
    Directory,
    /// Questions to passkeys of nobody known.
    Passkey,
}

impl Kind {
    fn weight(self) -> i64 {
        match self {
            Self::Start => 10,
            _ => 1,
        }
    }
}

/// What somebody may still do, and when that was reckoned: one costs as much as a rate of one gives in a minute, so that
/// nothing is lost by rounding.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    left: i64,
    at: Timestamp,
}

impl Bucket {
    /// One that holds as much as `minutes` give at this rate.
    pub fn full(per_minute: i64, minutes: i64, now: Timestamp) -> Self {
        Self {
            left: per_minute * minutes * MINUTE,
            at: now,
        }
    }

    /// The same now: it has gained what this rate gives since, and holds no more than `minutes` give.
    pub fn refill(&mut self, per_minute: i64, minutes: i64, now: Timestamp) {
        let gained = (now - self.at).max(0).saturating_mul(per_minute);
        let most = Self::full(per_minute, minutes, now);
        *self = Self {
            left: self.left.saturating_add(gained).min(most.left),
            ..most
        };
    }

    /// After how many seconds there is one more at this rate; none where there is one now.
    pub fn wait(&self, per_minute: i64) -> Option<u64> {
        let missing = MINUTE - self.left;
        (missing > 0).then(|| u64::try_from(missing / per_minute.max(1) / SECOND + 1).unwrap_or(1))
    }

    /// When it was reckoned last.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Takes one.
    pub fn take(&mut self) {
        self.left -= MINUTE;
    }
}

/// The limits of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For each address, kind and minute; 0 for no limit.
    per_minute: i64,
    buckets: Arc<Mutex<HashMap<(Kind, IpAddr), Bucket>>>,
}

impl Limits {
    /// So many of a kind for each address in a minute, and three minutes' worth at once. 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute: i64::from(per_minute),
            buckets: Arc::default(),
        }
    }

    /// Whether this address may do one more.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn look(&self, kind: Kind, ip: &str, now: Timestamp) -> Result<(), Problem> {
        self.with(kind, ip, now, |_| ())
    }

    /// One more of this address, if it may.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn take(&self, kind: Kind, ip: &str, now: Timestamp) -> Result<(), Problem> {
        self.with(kind, ip, now, |bucket| {
            bucket.take();
            if bucket.left < MINUTE {
                tracing::warn!(?kind, ip, "this address reached its limit");
            }
        })
    }

    /// What was taken turned out to be honest.
    pub fn give_back(&self, kind: Kind, ip: &str, now: Timestamp) {
        let full = Bucket::full(self.rate(kind), BURST, now).left;
        // Whoever is at the limit gets it back all the same, so the answer says nothing.
        let _ = self.at(kind, ip, now, |bucket| {
            bucket.left = (bucket.left + MINUTE).min(full);
        });
    }

    fn rate(&self, kind: Kind) -> i64 {
        self.per_minute * kind.weight()
    }

    fn with(
        &self,
        kind: Kind,
        ip: &str,
        now: Timestamp,
        act: impl FnOnce(&mut Bucket),
    ) -> Result<(), Problem> {
        let wait = self.at(kind, ip, now, |bucket| {
            let wait = bucket.wait(self.rate(kind));
            if wait.is_none() {
                act(bucket);
            }
            wait
        });
        wait.flatten()
            .map_or(Ok(()), |seconds| Err(Problem::TooMany(seconds)))
    }

    /// The bucket as it is now; none where nothing is limited.
    fn at<T>(&self, kind: Kind, ip: &str, now: Timestamp, act: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        let network = network(ip).filter(|_| self.per_minute > 0)?;
        let rate = self.rate(kind);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| now - bucket.at < MINUTE);
            if buckets.len() >= MOST {
                buckets.clear();
            }
        }
        let bucket = buckets
            .entry((kind, network))
            .or_insert_with(|| Bucket::full(rate, BURST, now));
        bucket.refill(rate, BURST, now);
        Some(act(bucket))
    }
}

/// The address, or of IPv6 the network of one line (/64), since its owner has all addresses in it.
fn network(ip: &str) -> Option<IpAddr> {
    Some(match ip.parse().ok()? {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOC-008.
    #[test]
    fn an_address_gets_back_what_time_gives() {
        let limits = Limits::new(2);
        for _ in 0..6 {
            limits.take(Kind::Link, "192.0.2.1", 0).unwrap();
        }
        assert!(matches!(
            limits.take(Kind::Link, "192.0.2.1", 0),
            Err(Problem::TooMany(31))
        ));
        assert!(limits.look(Kind::Link, "192.0.2.1", 29_000).is_err());
        limits.take(Kind::Link, "192.0.2.1", 30_000).unwrap();
        assert!(limits.take(Kind::Link, "192.0.2.1", 30_000).is_err());
        limits.take(Kind::Link, "192.0.2.2", 30_000).unwrap();
        limits.take(Kind::Mail, "192.0.2.1", 30_000).unwrap();
    }

    #[test]
    fn what_is_honest_is_given_back() {
        let limits = Limits::new(1);
        for _ in 0..1_000 {
            limits.take(Kind::Start, "192.0.2.1", 0).unwrap();
            limits.give_back(Kind::Start, "192.0.2.1", 0);
        }
        for _ in 0..30 {
            limits.take(Kind::Start, "192.0.2.1", 0).unwrap();
        }
        assert!(limits.take(Kind::Start, "192.0.2.1", 0).is_err());
    }

    /// LOC-008.
    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limits = Limits::new(1);
        for last in 0..3 {
            limits.take(Kind::Link, &format!("2001:db8::{last}"), 0).unwrap();
        }
        assert!(limits.take(Kind::Link, "2001:db8::ffff", 0).is_err());
        limits.take(Kind::Link, "2001:db8:0:1::1", 0).unwrap();
    }

    #[test]
    fn nothing_is_limited_at_zero() {
        let limits = Limits::new(0);
        for _ in 0..1_000 {
            limits.take(Kind::Link, "192.0.2.1", 0).unwrap();
        }
    }
}
