//! How long what a provider published is believed, and how often it is asked again.

use std::sync::Arc;

use super::OidcError;

/// After this time a value is fetched again when it is needed.
const FRESH: i64 = 60 * 60 * 1000;
/// A value that can't be fetched again is used until this age.
const USABLE: i64 = 24 * 60 * 60 * 1000;
/// Between two attempts to fetch a newer value.
const PAUSE: i64 = 60 * 1000;

/// The last good value and when it was fetched. Times are Unix milliseconds.
#[derive(Debug)]
pub(super) struct Cached<T> {
    value: Option<(Arc<T>, i64)>,
    tried_again: Option<i64>,
}

/// Which value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// One that is fresh.
    Fresh,
    /// A newer one than before: something in the last one did not fit.
    Newer,
    /// One fetched now: an administrator asks.
    Now,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            value: None,
            tried_again: None,
        }
    }
}

impl<T> Cached<T> {
    /// The value, fetched if it must be and may be. When that fails, the last good one serves while it is
    /// usable, except to an administrator who wants to know.
    pub(super) async fn get<F>(&mut self, want: Want, now: i64, fetch: F) -> Result<Arc<T>, OidcError>
    where
        F: Future<Output = Result<T, OidcError>>,
    {
        let old = self.usable(now);
        if let Some(old) = &old
            && !self.must_fetch(want, now)
        {
            return Ok(Arc::clone(old));
        }
        if old.is_some() {
            self.tried_again = Some(now);
        }
        match (fetch.await, old) {
            (Ok(value), _) => Ok(self.keep(value, now)),
            (Err(error), Some(old)) if want != Want::Now => {
                tracing::warn!(check = error.check.as_str(), %error, "using what the provider published before");
                Ok(old)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn usable(&self, now: i64) -> Option<Arc<T>> {
        let (value, fetched) = self.value.as_ref()?;
        (now.saturating_sub(*fetched) < USABLE).then(|| Arc::clone(value))
    }

    fn must_fetch(&self, want: Want, now: i64) -> bool {
        let rested = self
            .tried_again
            .is_none_or(|tried| now.saturating_sub(tried) >= PAUSE);
        let fresh = self
            .value
            .as_ref()
            .is_some_and(|(_, fetched)| now.saturating_sub(*fetched) < FRESH);
        match want {
            Want::Now => true,
            Want::Newer => rested,
            Want::Fresh => !fresh && rested,
        }
    }

    fn keep(&mut self, value: T, now: i64) -> Arc<T> {
        let value = Arc::new(value);
        self.value = Some((Arc::clone(&value), now));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::oidc::Check;

    const MINUTE: i64 = 60 * 1000;

    /// Asks at a minute, with a provider that answers or does not; says what came and whether it was asked.
    async fn ask(cached: &mut Cached<i64>, want: Want, minute: i64, up: bool) -> (Option<i64>, bool) {
        let mut asked = false;
        let fetch = async {
            asked = true;
            if up {
                Ok(minute)
            } else {
                Err(OidcError::new(Check::ProviderUnreachable, "down"))
            }
        };
        let value = cached
            .get(want, minute * MINUTE, fetch)
            .await
            .ok()
            .map(|value| *value);
        (value, asked)
    }

    #[tokio::test]
    async fn a_value_is_believed_for_an_hour_and_survives_a_day_without_the_provider() {
        let mut cached = Cached::default();
        for (minute, up, expected) in [
            (0, false, (None, true)),
            (0, true, (Some(0), true)),
            (59, true, (Some(0), false)),
            (60, true, (Some(60), true)),
            (120, false, (Some(60), true)),
            (120, false, (Some(60), false)),
            (121, false, (Some(60), true)),
            (60 + 24 * 60 - 1, false, (Some(60), true)),
            (60 + 24 * 60, false, (None, true)),
        ] {
            assert_eq!(
                ask(&mut cached, Want::Fresh, minute, up).await,
                expected,
                "minute {minute}"
            );
        }
    }

    #[tokio::test]
    async fn a_newer_value_is_fetched_once_a_minute_at_most() {
        let mut cached = Cached::default();
        ask(&mut cached, Want::Fresh, 0, true).await;
        assert_eq!(ask(&mut cached, Want::Newer, 0, true).await, (Some(0), true));
        for _ in 0..1000 {
            assert_eq!(ask(&mut cached, Want::Newer, 0, true).await, (Some(0), false));
        }
        assert_eq!(ask(&mut cached, Want::Newer, 1, true).await, (Some(1), true));
    }

    #[tokio::test]
    async fn an_administrator_s_test_always_asks_and_hears_the_failure() {
        let mut cached = Cached::default();
        ask(&mut cached, Want::Fresh, 0, true).await;
        assert_eq!(ask(&mut cached, Want::Now, 0, false).await, (None, true));
        assert_eq!(ask(&mut cached, Want::Fresh, 0, false).await, (Some(0), false));
    }
}
