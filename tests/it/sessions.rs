//! Sessions and their cookies, and what is believed of a request before anybody looks at it.

use actix_session::storage::SessionStore as _;
use reqwest::Method;
use vestibule::access::{EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::config::PublicUrl;
use vestibule::members;
use vestibule::session::{IDLE, LIFETIME, Sessions};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::time::{HOUR, SECOND};
use vestibule::web::Problem;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::caller::{Answer, speak};
use crate::support::dump::{dump, lines};
use crate::support::html;
use crate::support::{Acme, Browser, Caller, Installation};

const COOKIE: &str = "vestibule_session";

impl Acme {
    fn table(&self, query: &str) -> Vec<String> {
        lines(&self.installation.site.config.database_url, query)
    }

    /// Whether whoever holds this session's cookie is somebody.
    async fn knows(&self, session: &str) -> bool {
        let caller = Caller::with_cookies(&format!("{COOKIE}={session}"));
        let answer = caller.get(&self.installation.to("/account")).await;
        assert!(
            answer.status == 200 || answer.leads_to() == "/sign-in",
            "{answer:?}"
        );
        answer.status == 200
    }

    async fn session(&self, email: &str) -> String {
        self.signed_in(email).await.cookie(COOKIE).unwrap()
    }
}

/// Signs the owner in by hand, with these headers on each request, and answers the last answer.
async fn sign_in_by_hand(url: &str, headers: &[(&str, &str)]) -> Answer {
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        headers.iter().copied().chain(more.iter().copied()).collect()
    };
    let page = Caller::nobody()
        .ask(Method::GET, &format!("{url}/sign-in"), &with(&[]), "")
        .await;
    let cookies: Vec<_> = page
        .cookies()
        .iter()
        .map(|set| set.split(';').next().unwrap())
        .collect();
    let forms = html::forms(&page.body);
    let token = forms[0]
        .fields
        .iter()
        .find(|field| field.name == "form_token")
        .unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("form_token", token.value.as_str()),
            ("email", OWNER),
            ("password", PASSWORD),
        ])
        .finish();
    let form_headers = with(&[
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]);
    let caller = Caller::with_cookies(&cookies.join("; "));
    caller
        .ask(
            Method::POST,
            &format!("{url}/sign-in/password"),
            &form_headers,
            &form,
        )
        .await
}

/// The cookie of this name that an answer sets, in its parts.
fn set_cookie<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let cookies = answer.cookies();
    let set = cookies
        .into_iter()
        .find(|set| set.starts_with(&format!("{name}=")));
    set.unwrap_or_else(|| panic!("no {name} in {:?}", answer.cookies()))
        .split("; ")
        .collect()
}

both_databases! {
    /// The cookie can't be read by scripts, goes to no other site's posts, and to no other path or host.
    /// SES-001.
    async fn the_cookie_is_guarded(db: Database) {
        let acme = Acme::alone(db);
        let answer = sign_in_by_hand(&acme.installation.url, &[]).await;
        assert_eq!((answer.status, answer.leads_to()), (303, "/"), "{}", answer.body);
        let parts = set_cookie(&answer, COOKIE);
        assert!(parts[0].len() < 200, "{parts:?}");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&part), "{parts:?} without {part}");
        }
        assert!(!parts.iter().any(|part| part.starts_with("Domain") || *part == "Secure"), "{parts:?}");
    }

    /// Where browsers speak TLS to us, its name says so, and browsers hold it to that.
    /// SES-001.
    async fn the_cookie_is_of_this_host_alone_over_tls(db: Database) {
        let installation = Installation::start_with(db, |config| {
            config.public_url = PublicUrl::parse("https://door.example.org").unwrap();
        });
        let (site, hash) = (&installation.site, accounts::hash(PASSWORD).unwrap());
        let owner = NewOwner {
            slug: "acme",
            organization_name: "Acme",
            email: &EmailAddress::parse(OWNER).unwrap(),
            name: "Olive Owner",
            password_hash: Some(&hash),
            operator: false,
        };
        site.store.write(|conn| make_owner(conn, site.now(), &Actor::operator(), &owner)).unwrap();
        let answer = sign_in_by_hand(&installation.url, &[("host", "door.example.org")]).await;
        for name in ["__Host-vestibule_session", "__Host-vestibule_form"] {
            let parts = set_cookie(&answer, name);
            for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(parts.contains(&part), "{parts:?} without {part}");
            }
            assert!(!parts.iter().any(|part| part.starts_with("Domain")), "{parts:?}");
        }
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000; includeSubDomains");
    }

    /// A session that somebody planted, or that was there before, is not the one that a sign-in opens.
    /// SES-002.
    async fn a_sign_in_begins_a_new_session(db: Database) {
        let acme = Acme::alone(db);
        let planted = acme.session(OWNER).await;
        let mut browser = Browser::new();
        browser.get(&acme.installation.to("/sign-in")).await;
        browser.set_cookie(COOKIE, &planted);
        browser.submit("Continue", &[("email", OWNER)]).await;
        browser.submit("Use a password instead", &[]).await;
        browser.submit("Sign in", &[("password", PASSWORD)]).await;
        let own = browser.cookie(COOKIE).unwrap();
        assert_ne!(own, planted);
        assert!(acme.knows(&own).await);
        assert!(!acme.knows(&planted).await, "whoever planted it shares the browser’s session");
    }

    /// Who reads the table can't sign in by what stands there.
    /// SES-019, SES-021.
    async fn the_table_is_of_no_use_as_a_cookie(db: Database) {
        let acme = Acme::alone(db);
        let cookie = acme.session(OWNER).await;
        assert!(acme.knows(&cookie).await);
        let key = &cookie[cookie.len() - 43..];
        assert!(!dump(&acme.installation.site.config.database_url).contains(key));
        let hash = acme.table("SELECT key_hash AS line FROM sessions").swap_remove(0);
        let signature = cookie.strip_suffix(key).unwrap();
        for forged in [hash.clone(), format!("{signature}{hash}"), key.to_owned(), String::new()] {
            assert!(!acme.knows(&forged).await, "{forged}");
        }
        // Not even to somebody who could sign it.
        let site = &acme.installation.site;
        let sessions = Sessions::new(site.store.clone(), site.clock.clone());
        assert!(sessions.load(&hash.try_into().unwrap()).await.unwrap().is_none());
        let real = sessions.load(&key.to_owned().try_into().unwrap()).await.unwrap();
        assert!(real.is_some(), "the test does not know where the key stands in the cookie");
    }

    /// Two hours without a request end it, to the second.
    /// SES-004.
    async fn an_idle_session_ends(db: Database) {
        let acme = Acme::alone(db);
        let (session, clock) = (acme.session(OWNER).await, &acme.installation.site.clock);
        clock.advance(IDLE - SECOND);
        assert!(acme.knows(&session).await);
        clock.advance(IDLE - SECOND);
        assert!(acme.knows(&session).await, "the request before did not count");
        clock.advance(IDLE + SECOND);
        assert!(!acme.knows(&session).await);
        assert_eq!(IDLE, 2 * HOUR);
    }

    /// Twelve hours end it, however busy it is.
    /// SES-004.
    async fn a_busy_session_ends_too(db: Database) {
        let acme = Acme::alone(db);
        let (session, clock) = (acme.session(OWNER).await, &acme.installation.site.clock);
        for _ in 0..11 {
            clock.advance(HOUR);
            assert!(acme.knows(&session).await);
        }
        clock.advance(HOUR - SECOND);
        assert!(acme.knows(&session).await);
        clock.advance(2 * SECOND);
        assert!(!acme.knows(&session).await);
        assert_eq!(LIFETIME, 12 * HOUR);
    }

    /// After signing out, the cookie that somebody kept is of no use, and the browser is told to forget.
    /// SES-005.
    async fn a_session_that_was_left_is_over(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let session = olive.cookie(COOKIE).unwrap();
        olive.get(&acme.installation.to("/account")).await;
        let caller = Caller::at(&olive, "Sign out");
        let answer = caller.post(&acme.installation.to("/sign-out"), &[("form_token", &caller.token)]).await;
        assert_eq!((answer.status, answer.leads_to()), (303, "/sign-in"));
        assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
        assert!(set_cookie(&answer, COOKIE).contains(&"Max-Age=0"), "{:?}", answer.cookies());
        assert!(!acme.knows(&session).await);
    }

    /// Signing out everywhere is everywhere, and nobody else’s.
    /// SES-009.
    async fn signing_out_everywhere_ends_every_session(db: Database) {
        let acme = Acme::alone(db);
        acme.join("max@acme.example", "Max Member", Role::Member);
        let (one, max) = (acme.session(OWNER).await, acme.session("max@acme.example").await);
        let mut two = acme.owner().await;
        two.get(&acme.installation.to("/account")).await;
        two.submit("Sign out everywhere", &[]).await;
        assert_eq!(two.path(), "/sign-in");
        assert!(!acme.knows(&one).await);
        assert!(acme.knows(&max).await);
    }

    /// The request after the deactivation is refused: there is no moment between.
    /// SES-006.
    async fn a_deactivation_ends_sessions_at_once(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join("ada@acme.example", "Ada Admin", Role::Admin);
        let mut ada = acme.signed_in("ada@acme.example").await;
        ada.get(&acme.to("/domains")).await;
        assert_eq!((ada.status(), ada.path()), (200, "/orgs/acme/domains"));
        acme.write(|conn, now| {
            let member = members::find(conn, &acme.organization, &id)?.ok_or(Problem::NotFound)?;
            members::actions::deactivate(conn, now, &members::Doer::operator(), &acme.organization, &id, member.version)
        });
        assert!(!acme.knows(&ada.cookie(COOKIE).unwrap()).await);
        ada.get(&acme.to("/domains")).await;
        assert_eq!(ada.path(), "/sign-in");
    }

    /// The twenty-first session ends the first.
    /// SES-022.
    async fn a_person_has_twenty_sessions_at_most(db: Database) {
        let acme = Acme::alone(db);
        let mut sessions = Vec::new();
        for _ in 0..21 {
            acme.installation.site.clock.advance(SECOND);
            sessions.push(acme.session(OWNER).await);
        }
        assert!(!acme.knows(&sessions[0]).await);
        assert!(acme.knows(&sessions[1]).await && acme.knows(&sessions[20]).await);
        assert_eq!(acme.table("SELECT id AS line FROM sessions").len(), 20);
    }

    /// A request for another host, or for two at once, is not for us.
    /// SES-017.
    async fn only_our_own_host_is_answered(db: Database) {
        let acme = Acme::alone(db);
        let (to, own) = (acme.installation.site.config.listen, acme.installation.url.trim_start_matches("http://"));
        let status = |host_lines: &str| {
            let said = speak(to, &format!("GET /sign-in HTTP/1.1\r\n{host_lines}Connection: close\r\n\r\n"));
            said.split(' ').nth(1).unwrap_or("hung up").to_owned()
        };
        assert_eq!(status(&format!("Host: {own}\r\n")), "200");
        assert_eq!(status("Host: evil.example\r\n"), "421");
        assert_eq!(status(&format!("Host: {own}.evil.example\r\n")), "421");
        for host_lines in [
            String::new(),
            format!("Host: {own}\r\nHost: evil.example\r\n"),
            format!("Host: evil.example\r\nHost: {own}\r\n"),
            format!("Host: {own}\r\nHost: {own}\r\n"),
        ] {
            let status = status(&host_lines);
            assert!(["400", "421"].contains(&status.as_str()), "{host_lines:?}: {status}");
        }
        let page = Caller::nobody().ask(Method::GET, &acme.installation.to("/sign-in"), &[("host", "evil.example")], "").await;
        assert_eq!(page.status, 421);
        assert!(page.body.contains(&acme.installation.url) && !page.body.contains("evil"), "{}", page.body);
    }

    /// Where a request ends is told in one way only, or it is not answered.
    /// SES-023.
    async fn a_request_that_can_be_read_in_two_ways_is_refused(db: Database) {
        let acme = Acme::alone(db);
        let to = acme.installation.site.config.listen;
        let own = acme.installation.url.trim_start_matches("http://");
        for smuggled in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
            "Content-Length: +4\r\n\r\nabcd",
        ] {
            let head = format!("POST /sign-in HTTP/1.1\r\nHost: {own}\r\nSec-Fetch-Site: same-origin\r\n{smuggled}");
            let said = speak(to, &head);
            let status = said.split(' ').nth(1).unwrap_or("hung up");
            assert!(["400", "403", "hung up"].contains(&status), "{smuggled:?}: {said}");
        }
    }

    /// What a stranger's headers say about who and where it is, is not believed.
    /// SES-016.
    async fn forwarded_headers_of_strangers_are_ignored(db: Database) {
        let acme = Acme::alone(db);
        let lies = [
            ("x-forwarded-for", "203.0.113.7"),
            ("x-real-ip", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7;host=evil.example;proto=https"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
        ];
        let answer = sign_in_by_hand(&acme.installation.url, &lies).await;
        assert_eq!((answer.status, answer.leads_to()), (303, "/"), "{}", answer.body);
        assert!(!set_cookie(&answer, COOKIE).contains(&"Secure"));
        assert_eq!(acme.table("SELECT ip AS line FROM sessions"), ["127.0.0.1"]);
        let everything = dump(&acme.installation.site.config.database_url);
        assert!(!everything.contains("203.0.113.7") && !everything.contains("evil.example"));
    }

    /// A trusted proxy is believed about the address, as far as it wrote it itself.
    /// SES-016.
    async fn a_trusted_proxy_tells_the_address(db: Database) {
        let installation = Installation::start_with(db, |config| {
            config.trusted_proxies = vec!["127.0.0.0/8".into()];
        });
        let (site, hash) = (&installation.site, accounts::hash(PASSWORD).unwrap());
        let owner = NewOwner {
            slug: "acme",
            organization_name: "Acme",
            email: &EmailAddress::parse(OWNER).unwrap(),
            name: "Olive Owner",
            password_hash: Some(&hash),
            operator: false,
        };
        site.store.write(|conn| make_owner(conn, site.now(), &Actor::operator(), &owner)).unwrap();
        sign_in_by_hand(&installation.url, &[("x-forwarded-for", "10.9.9.9, 203.0.113.7, 127.0.0.2")]).await;
        assert_eq!(lines(&site.config.database_url, "SELECT ip AS line FROM sessions"), ["203.0.113.7"]);
    }

    /// An owner signs everybody out of the organization, and stays; people of other organizations are not touched.
    /// SES-009.
    async fn an_owner_signs_everybody_out(db: Database) {
        let acme = Acme::alone(db);
        acme.join("max@acme.example", "Max", Role::Member);
        acme.operator("otto@run.example");
        let (mut owner, other) = (acme.owner().await, acme.session(OWNER).await);
        let (max, otto) = (acme.session("max@acme.example").await, acme.session("otto@run.example").await);
        owner.get(&acme.to("/sign-out-everybody")).await.sees("2 other browsers are signed in");
        owner.submit("Sign everybody out", &[]).await.sees("2 browsers are signed out.");
        assert!(!acme.knows(&max).await && !acme.knows(&other).await && acme.knows(&otto).await);
        owner.get(&acme.to("/audit")).await.sees("Signed everybody out");
    }

    /// Of two session cookies at once, as a sibling domain may toss one in, neither opens more than a person’s own; and
    /// cookies too large for anybody are not read.
    /// SES-003.
    async fn tossed_and_huge_cookies_open_nothing(db: Database) {
        let acme = Acme::alone(db);
        let session = acme.session(OWNER).await;
        let account = acme.installation.to("/account");
        for cookies in [
            format!("{COOKIE}=forged"),
            format!("{COOKIE}=forged; {COOKIE}=forged2"),
            format!("x{COOKIE}={session}"),
            format!("__Host-{COOKIE}={session}"),
            format!("{COOKIE}={}", &session[1..]),
        ] {
            let answer = Caller::with_cookies(&cookies).get(&account).await;
            assert_eq!((answer.status, answer.leads_to()), (303, "/sign-in"), "{cookies}");
        }
        let to = acme.installation.site.config.listen;
        let own = acme.installation.url.trim_start_matches("http://");
        let huge = format!("GET /account HTTP/1.1\r\nHost: {own}\r\nCookie: {COOKIE}={}\r\n\r\n", "x".repeat(200_000));
        let said = speak(to, &huge);
        let status = said.split(' ').nth(1).unwrap_or("hung up");
        assert!(["400", "431", "hung up"].contains(&status), "{said}");
        assert!(acme.knows(&session).await);
    }

    /// Lines that end in a bare line feed, folded header lines and two hosts are no request.
    /// SES-023.
    async fn a_request_is_written_as_the_standard_says(db: Database) {
        let acme = Acme::alone(db);
        let to = acme.installation.site.config.listen;
        let own = acme.installation.url.trim_start_matches("http://");
        for request in [
            format!("GET /account HTTP/1.1\r\nHost: {own}\r\nX: a\r\n folded\r\n\r\n"),
            format!("GET /account HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\n\r\n"),
            format!("GET /account HTTP/1.1\r\nHost: {own}\r\nTransfer-Encoding : chunked\r\n\r\n"),
        ] {
            let said = speak(to, &request);
            let status = said.split(' ').nth(1).unwrap_or("hung up");
            assert!(["400", "421", "hung up"].contains(&status), "{request:?}: {said}");
        }
    }

    /// Many at once are never taken for each other.
    /// SES-018.
    async fn nobody_is_taken_for_somebody_else(db: Database) {
        let acme = Acme::alone(db);
        acme.join("max@acme.example", "Max Member", Role::Member);
        let (olive, max) = (acme.session(OWNER).await, acme.session("max@acme.example").await);
        let account = acme.installation.to("/account");
        let asked = (0..100).map(|number| {
            let (session, name) = if number % 2 == 0 { (&olive, "Olive Owner") } else { (&max, "Max Member") };
            let (caller, account) = (Caller::with_cookies(&format!("{COOKIE}={session}")), account.clone());
            actix_web::rt::spawn(async move { (caller.get(&account).await, name) })
        });
        for answer in asked.collect::<Vec<_>>() {
            let (answer, name) = answer.await.unwrap();
            let other = if name == "Max Member" { "Olive Owner" } else { "Max Member" };
            assert!(answer.body.contains(name) && !answer.body.contains(other), "{}", answer.status);
        }
    }
}
