//! What leaves the server: text stays text, whoever wrote it; headers stay whole; nobody is sent elsewhere.

use std::collections::{BTreeMap, VecDeque};

use reqwest::Method;
use url::Url;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::orgs::{self, Settings};
use vestibule::teams;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::provider::{Person, Provider};
use crate::support::{Acme, Browser, Caller, Database, Installation, html};

/// Breaks out of an element, an attribute and a template, where anything lets it.
const MARKUP: &str = "\"'><svg/onload=alert(1)>{{7*7}}${7*7}";

/// Addresses elsewhere, in their disguises, and what would end a header.
const ELSEWHERE: [&str; 12] = [
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "/\t/evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "http://127.0.0.1@evil.example/",
    "javascript:alert(1)",
    "/account\r\nX-Evil: 1",
    "evil.example",
    "",
];

/// Acme, in which everybody who could write something has written markup.
async fn acme_of_markup(db: Database) -> (Acme, Provider) {
    let provider = Provider::start().await;
    let acme = Acme::start(
        db,
        provider.issuer(),
        provider.client_id(),
        provider.client_secret(),
    );
    let before = acme.now();
    let settings = Settings {
        name: MARKUP.into(),
        contact: MARKUP.into(),
        ..before.settings.clone()
    };
    acme.write(|conn, now| {
        let actor = Actor::operator();
        orgs::actions::change(conn, now, &actor, &before, &settings, before.version)?;
        teams::actions::create(conn, now, &actor, &acme.organization, MARKUP)
    });
    let mal = |sub: &str, email: &str| Person {
        name: Some(MARKUP.into()),
        given_name: None,
        family_name: None,
        groups: Some(vec![MARKUP.into()]),
        ..Person::new(sub, email)
    };
    provider.be(mal(MARKUP, "mal@acme.example"));
    Browser::new()
        .get(&acme.sign_in())
        .await
        .sees("Access denied")
        .sees(MARKUP);
    acme.jit(true);
    provider.be(mal("sub-eve", "eve@acme.example"));
    Browser::new()
        .get(&acme.sign_in())
        .await
        .sees("eve@acme.example")
        .sees(MARKUP);
    acme.join("ada@acme.example", MARKUP, Role::Admin);
    acme.invite("ivan@acme.example");
    (acme, provider)
}

/// Every page of ours that links lead to, by its path.
async fn pages(browser: &mut Browser, start: &str) -> BTreeMap<String, String> {
    let start = Url::parse(start).unwrap();
    let (mut queue, mut pages) = (VecDeque::from([start.clone()]), BTreeMap::new());
    while let Some(url) = queue.pop_front() {
        if pages.contains_key(url.as_str()) || url.origin() != start.origin() || pages.len() > 300 {
            continue;
        }
        browser.get(url.as_str()).await;
        assert!(browser.status() < 500, "{url} answers {}", browser.status());
        let kind = browser.header("content-type").unwrap_or_default();
        if browser.status() == 200 && !kind.starts_with("text/html") {
            // A file, which no browser reads as a page.
            assert!(
                browser
                    .header("content-disposition")
                    .is_some_and(|how| how.starts_with("attachment")),
                "{url}"
            );
            continue;
        }
        for link in html::links(browser.body()) {
            let mut to = browser.url().join(&link.address).unwrap();
            to.set_fragment(None);
            queue.push_back(to);
        }
        pages.insert(url.to_string(), browser.body().to_owned());
    }
    pages
}

both_databases! {
    /// A name is a name on every page, whatever is in it and whoever sent it.
    /// OUT-001, OUT-002, DEC-036.
    async fn nothing_that_people_write_becomes_markup(db: Database) {
        let (acme, _provider) = acme_of_markup(db).await;
        let mut olive = acme.owner().await;
        let pages = pages(&mut olive, &acme.to("")).await;
        assert!(pages.len() > 25, "only {:?}", pages.keys());
        let mut shown = 0;
        for (url, body) in &pages {
            for raw in [MARKUP, "<svg/onload", "\"'>&lt;", "'>&", "{{7*7}}$49", "49${7*7}"] {
                assert!(!body.contains(raw), "{url} has {raw}");
            }
            shown += usize::from(html::text(body).contains(MARKUP));
        }
        assert!(shown > 20, "{shown} pages of {} show the name", pages.len());
    }

    /// Wherever a page says where to go next, it is a page of ours.
    /// OUT-006.
    async fn nobody_is_sent_elsewhere(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        provider.person("sub-tess", "tess@acme.example");
        let mut visitor = Browser::new();
        for elsewhere in ELSEWHERE {
            visitor.get(&acme.installation.to("/sign-in")).await;
            let caller = Caller::at(&visitor, "Continue");
            let form = [("form_token", caller.token.as_str()), ("return_to", elsewhere), ("theme", "dark")];
            let answer = caller.post(&acme.installation.to("/theme"), &form).await;
            is_ours(&acme.installation, answer.header("location"), elsewhere);
            assert!(answer.headers.get("x-evil").is_none());
            let form = [&form[..2], &[("email", OWNER), ("password", PASSWORD)]].concat();
            let answer = caller.post(&acme.installation.to("/sign-in/password"), &form).await;
            assert_eq!(answer.status, 303);
            is_ours(&acme.installation, answer.header("location"), elsewhere);
            let mut tess = Browser::new();
            let query: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
            tess.get(&format!("{}?return_to={query}", acme.sign_in())).await.sees("tess@acme.example");
            let hosts: Vec<_> = tess.visited().iter().filter(|url| url.as_str().contains("evil.example/")).collect();
            assert!(hosts.is_empty(), "{hosts:?}");
        }
    }

    /// What ends a line in an address ends no header of the answer.
    /// OUT-004.
    async fn no_header_is_written_by_a_stranger(db: Database) {
        let acme = Acme::alone(db);
        let callback = format!("/sign-in/oidc/{}/callback", acme.connection);
        for path in [
            "/invitation/x%0d%0aX-Evil:%201".to_owned(),
            "/set-up/x%0d%0aX-Evil:%201".to_owned(),
            "/sign-in/refused/x%0d%0aX-Evil:%201".to_owned(),
            "/orgs/acme%0d%0aX-Evil:%201/members".to_owned(),
            "/sign-in?return_to=%0d%0aX-Evil:%201".to_owned(),
            format!("{callback}?code=x%0d%0aX-Evil:%201&state=%0d%0aX-Evil:%201"),
            format!("{callback}?error=%0d%0aX-Evil:%201&state=x"),
        ] {
            let answer = Caller::nobody().ask(Method::GET, &acme.installation.to(&path), &[], "").await;
            assert!(answer.status < 500, "{path} answers {}", answer.status);
            assert!(answer.headers.get("x-evil").is_none(), "{path}: {:?}", answer.headers);
        }
    }
}

#[track_caller]
fn is_ours(installation: &Installation, location: &str, asked: &str) {
    let own = Url::parse(&installation.url).unwrap();
    let to = own.join(location).unwrap();
    assert_eq!(to.origin(), own.origin(), "{asked:?} leads to {location:?}");
}
