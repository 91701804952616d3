//! What is counted for Prometheus. The process counts for itself; whoever has several servers adds them up.

use std::sync::OnceLock;

use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Seconds: from a page out of memory to a provider that is slow.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.3, 1.0, 5.0, 10.0];

/// The numbers of this process.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    sign_ins: IntCounterVec,
    connections: IntGauge,
    idle: IntGauge,
    memory: IntGauge,
}

/// Those of this process.
///
/// # Errors
/// Never in practice: the names are ours, and each is registered once.
pub fn metrics() -> Result<&'static Metrics, String> {
    static METRICS: OnceLock<Result<Metrics, String>> = OnceLock::new();
    METRICS
        .get_or_init(|| Metrics::new().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(Clone::clone)
}

impl Metrics {
    fn new() -> prometheus::Result<Self> {
        let made = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new("vestibule_requests_total", "Requests that were answered."),
                &["kind", "method", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("vestibule_request_seconds", "How long an answer took.")
                    .buckets(BUCKETS.to_vec()),
                &["kind"],
            )?,
            sign_ins: IntCounterVec::new(
                Opts::new(
                    "vestibule_sign_ins_total",
                    "Attempts to sign in by single sign-on that ended.",
                ),
                &["outcome", "reason"],
            )?,
            connections: IntGauge::new(
                "vestibule_database_connections",
                "Open connections to the database.",
            )?,
            idle: IntGauge::new(
                "vestibule_database_connections_idle",
                "Those of them that wait for work.",
            )?,
            memory: IntGauge::new("process_resident_memory_bytes", "Memory of the process.")?,
        };
        made.registry.register(Box::new(made.requests.clone()))?;
        made.registry.register(Box::new(made.seconds.clone()))?;
        made.registry.register(Box::new(made.sign_ins.clone()))?;
        made.registry.register(Box::new(made.connections.clone()))?;
        made.registry.register(Box::new(made.idle.clone()))?;
        made.registry.register(Box::new(made.memory.clone()))?;
        Ok(made)
    }

    /// A request was answered. `route` is its pattern, never its path.
    pub fn answered(&self, route: Option<&str>, method: &str, status: u16, seconds: f64) {
        let kind = kind(route);
        let status = format!("{}xx", status / 100);
        self.requests.with_label_values(&[kind, method, &status]).inc();
        self.seconds.with_label_values(&[kind]).observe(seconds);
    }

    /// An attempt to sign in ended.
    pub fn signed_in(&self, outcome: &str, reason: &str) {
        self.sign_ins.with_label_values(&[outcome, reason]).inc();
    }

    /// All of it, in Prometheus' text format. `pool` is the open and the idle connections to the database.
    ///
    /// # Errors
    /// Never in practice.
    pub fn tell(&self, pool: (u32, u32)) -> Result<String, String> {
        self.connections.set(i64::from(pool.0));
        self.idle.set(i64::from(pool.1));
        self.memory.set(resident());
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    }
}

/// The kind of work behind a route: few words, so that there are few series.
fn kind(route: Option<&str>) -> &'static str {
    match route {
        None => "none",
        Some(route) if route.starts_with("/scim") => "scim",
        Some(route) if route.starts_with("/sign-in") && route.ends_with("/callback") => "oidc_answer",
        Some(route) if route.starts_with("/sign-in") && route.ends_with("/acs") => "saml_answer",
        Some(route) if route.starts_with("/sign-in") => "sign_in",
        Some(route) if route.starts_with("/static") => "static",
        Some("/healthz" | "/readyz") => "health",
        Some(_) => "page",
    }
}

/// Bytes of memory, from the kernel's word about us (pages of 4 KiB); 0 where there is none.
fn resident() -> i64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = told.split(' ').nth(1).and_then(|text| text.parse::<i64>().ok());
    pages.unwrap_or_default() * 4_096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_fall_into_few_kinds() {
        for (route, expected) in [
            (None, "none"),
            (Some("/sign-in/oidc/{id}/callback"), "oidc_answer"),
            (Some("/sign-in/saml/{id}/acs"), "saml_answer"),
            (Some("/sign-in"), "sign_in"),
            (Some("/scim/v2/Users"), "scim"),
            (Some("/orgs/{org}"), "page"),
        ] {
            assert_eq!(kind(route), expected);
        }
    }

    #[test]
    fn what_was_counted_is_told() {
        let metrics = metrics().unwrap();
        metrics.answered(Some("/orgs/{org}"), "GET", 200, 0.002);
        metrics.signed_in("denied", "not_invited");
        let text = metrics.tell((3, 2)).unwrap();
        for line in [
            "vestibule_requests_total{kind=\"page\",method=\"GET\",status=\"2xx\"}",
            "vestibule_sign_ins_total{outcome=\"denied\",reason=\"not_invited\"}",
            "vestibule_database_connections_idle 2",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
