//! How many requests the directory of one connection may send: an approximate limit in this server's memory, so that it
//! costs no question to the database. A first load of many thousand people goes through at once; what is slowed is one
//! that never stops. Of several servers each counts for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::time::{MINUTE, Timestamp};
use crate::web::limits::Bucket;

/// How many minutes' worth a connection may use at once.
const BURST: i64 = 10;
/// How many connections are remembered. If there are more, those that said nothing lately are forgotten first.
const MOST: usize = 10_000;

/// What a connection may still send.
#[derive(Debug, Clone, Copy)]
struct Share {
    bucket: Bucket,
    /// When the log was last told.
    told_at: Timestamp,
}

/// A request that came too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// After how many seconds the next one is answered.
    pub seconds: u64,
    /// Whether it is the first in a minute, and worth a line of the log.
    pub is_news: bool,
}

/// The limit of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rate {
    /// 0 for no limit.
    per_minute: i64,
    shares: Arc<Mutex<HashMap<String, Share>>>,
}

impl Rate {
    /// So many requests of each connection in a minute, and ten minutes' worth at once. 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute: i64::from(per_minute),
            shares: Arc::default(),
        }
    }

    /// One more request of this connection.
    ///
    /// # Errors
    /// When it has to wait.
    pub fn take(&self, connection: &str, now: Timestamp) -> Result<(), Over> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= MOST {
            shares.retain(|_, share| now - share.bucket.at() < MINUTE);
        }
        let share = shares.entry(connection.to_owned()).or_insert_with(|| Share {
            bucket: Bucket::full(self.per_minute, BURST, now),
            told_at: now - MINUTE,
        });
        share.bucket.refill(self.per_minute, BURST, now);
        let Some(seconds) = share.bucket.wait(self.per_minute) else {
            share.bucket.take();
            return Ok(());
        };
        let is_news = now - share.told_at >= MINUTE;
        if is_news {
            share.told_at = now;
        }
        Err(Over { seconds, is_news })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::time::{HOUR, SECOND};

    /// SCIM-083.
    #[test]
    fn twenty_five_a_second_go_through_for_hours() {
        let rate = Rate::new(6_000);
        let mut now = 0;
        while now < 3 * HOUR {
            assert_eq!(rate.take("okta", now), Ok(()), "at {now}");
            now += SECOND / 25;
        }
    }

    /// SCIM-083.
    #[test]
    fn a_first_load_of_ten_thousand_people_is_not_slowed() {
        let rate = Rate::new(6_000);
        assert!((0..60_000).all(|_| rate.take("okta", 0).is_ok()));
        assert!(rate.take("okta", 0).is_err());
    }

    /// SCIM-084.
    #[test]
    fn one_that_never_stops_is_told_when_to_come_again() {
        let rate = Rate::new(6);
        assert!((0..60).all(|_| rate.take("okta", 0).is_ok()));
        let over = |is_news| Err(Over { seconds: 11, is_news });
        assert_eq!(rate.take("okta", 0), over(true));
        assert_eq!(rate.take("okta", 0), over(false));
        assert_eq!(rate.take("entra", 0), Ok(()));
        assert_eq!(rate.take("okta", 11 * SECOND), Ok(()));
        assert!(rate.take("okta", 11 * SECOND).is_err());
        assert!((0..60).all(|_| rate.take("okta", HOUR).is_ok()));
    }

    #[test]
    fn nothing_is_limited_at_zero() {
        let rate = Rate::new(0);
        assert!((0..1_000).all(|_| rate.take("okta", 0).is_ok()));
    }
}
