//! Every route there is, and who may use it. A route that the sources register and this table does not know fails;
//! so does one that answers somebody else than the table says.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use vestibule::access::{EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::connections::links::{self, Wanted};
use vestibule::connections::plans::actions::Wish;
use vestibule::connections::plans::{self, Switch};
use vestibule::connections::saml::SamlSettings;
use vestibule::connections::testing::{self, Finding, Kind, Outcome, Test};
use vestibule::connections::{self, Connection};
use vestibule::mail::Post;
use vestibule::members::{self, Joining, Source};
use vestibule::provisioning::{self, log::Entry};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::id;
use vestibule::store::time::DAY;
use vestibule::teams;
use vestibule::web::Problem;

use crate::support::acme::PASSWORD;
use crate::support::caller::Answer;
use crate::support::dump::{dump, lines};
use crate::support::html::text;
use crate::support::provider::Provider;
use crate::support::{Acme, Browser, Caller, Database};

/// Method, path, who may at least, and what the first who may is answered: to a GET exactly this; to a POST of a
/// form whose version is stale, or that is empty, one of these.
///
/// `anyone` is open to people who are not signed in, `person` to those who are, the others to members of the
/// organization by their role; `operator` to whoever runs the installation, and to nobody else, whatever their role:
/// they are told that there is no such page. So is everybody but a `guest`, who holds a set-up link. To `anyone`'s routes the answer is the one to nobody at all.
const ROUTES: &str = "
    GET  /healthz                                                 anyone 200
    GET  /readyz                                                  anyone 200
    GET  /static/app.css                                          anyone 200
    GET  /static/app.js                                           anyone 200
    GET  /static/icon.svg                                         anyone 200
    GET  /static/onwards.js                                       anyone 200
    GET  /static/passkeys.js                                      anyone 200
    GET  /favicon.ico                                             anyone 303
    GET  /robots.txt                                              anyone 200

    GET  /                                                        anyone 303
    GET  /sign-in                                                 anyone 200
    POST /sign-in                                                 anyone 422
    POST /sign-in/password                                        anyone 422
    GET  /sign-in/forgot                                          anyone 200
    POST /sign-in/forgot                                          anyone 422
    GET  /sign-in/second                                          anyone 303
    POST /sign-in/second                                          anyone 303
    POST /sign-in/passkey                                         anyone 303
    POST /sign-in/passkey/ask                                     anyone 404
    GET  /sign-in/{org}/{connection}                              anyone 303
    GET  /sign-in/oidc/{id}/callback                              anyone 303
    GET  /sign-in/saml/{id}/metadata                              anyone 200
    POST /sign-in/saml/{id}/acs                                   anyone 303
    GET  /sign-in/refused/{reference}                             anyone 404
    POST /sign-in/refused/{reference}/ask                         anyone 404
    POST /theme                                                   anyone 303
    GET  /set-up                                                  anyone 410
    POST /set-up                                                  anyone 410
    GET  /set-up/{token}                                          anyone 303
    GET  /reset                                                   anyone 410
    POST /reset                                                   anyone 410
    GET  /reset/{token}                                           anyone 303
    POST /sign-out                                                person 303
    GET  /still-you                                               person 303
    POST /still-you                                               person 422
    POST /still-you/passkey                                       person 409
    GET  /still-you/{form}                                        person 410

    GET  /account                                                 person 200
    POST /account/name                                            person 422
    POST /account/username                                        person 422
    POST /account/password                                        person 422
    GET  /account/app                                             person 200
    POST /account/app                                             person 400
    GET  /account/app/remove                                      person 200
    POST /account/app/remove                                      person 303
    GET  /account/recovery-codes                                  person 409
    POST /account/recovery-codes                                  person 409
    GET  /account/passkeys                                        person 200
    POST /account/passkeys                                        person 422
    POST /account/passkeys/ask                                    person 404
    GET  /account/passkeys/{id}/remove                            person 404
    POST /account/passkeys/{id}/remove                            person 404
    POST /account/sessions/{id}/end                               person 303
    POST /account/zone                                            person 303
    POST /account/sessions/end-others                             person 303
    POST /account/sign-out-everywhere                             person 303
    POST /account/invitations/{id}/decline                        person 404

    GET  /operator                                                operator 200
    GET  /operator/mail                                           operator 200
    POST /operator/mail/test                                      operator 422
    POST /operator/mail/again                                     operator 303
    GET  /operator/organizations                                  operator 200
    GET  /operator/organizations/{id}                             operator 200
    POST /operator/organizations/{id}/seats                       operator 303
    GET  /operator/organizations/{id}/state                       operator 200
    POST /operator/organizations/{id}/state                       operator 400
    GET  /operator/organizations/{id}/domains/{domain}/vouch      operator 200
    POST /operator/organizations/{id}/domains/{domain}/vouch      operator 303

    GET  /connect/open/{token}                                    anyone 303
    GET  /connect/begin                                           anyone 404
    POST /connect/begin                                           anyone 404
    GET  /connect                                                 guest  200
    GET  /connect/edit                                            guest  200
    POST /connect/edit                                            guest  422 409
    GET  /connect/metadata                                        guest  200
    POST /connect/metadata                                        guest  400
    GET  /connect/draft                                           guest  200
    POST /connect/draft                                           guest  400
    GET  /connect/test                                            guest  200
    GET  /connect/test/start                                      guest  303
    GET  /connect/tests/{test}                                    guest  200
    GET  /connect/guides                                          guest  200
    GET  /connect/guides/{provider}                               guest  200
    GET  /connect/state                                           guest  200
    POST /connect/state                                           guest  403
    POST /connect/leave                                           guest  303

    GET  /orgs/{org}                                              member 200
    GET  /orgs/{org}/set-up                                       owner  200

    GET  /orgs/{org}/members                                      admin  200
    GET  /orgs/{org}/members.csv                                  admin  200
    GET  /orgs/{org}/members/bulk                                 admin  303
    POST /orgs/{org}/members/bulk                                 admin  400
    GET  /orgs/{org}/members/{id}                                 admin  200
    GET  /orgs/{org}/members/{id}/edit                            admin  200
    POST /orgs/{org}/members/{id}/edit                            admin  409 422
    GET  /orgs/{org}/members/{id}/deactivate                      admin  200
    POST /orgs/{org}/members/{id}/deactivate                      admin  409
    GET  /orgs/{org}/members/{id}/reactivate                      admin  200
    POST /orgs/{org}/members/{id}/reactivate                      admin  409
    GET  /orgs/{org}/members/{id}/remove                          admin  200
    POST /orgs/{org}/members/{id}/remove                          admin  409
    GET  /orgs/{org}/members/{id}/sign-out                        admin  200
    POST /orgs/{org}/members/{id}/sign-out                        admin  303 409
    GET  /orgs/{org}/teams                                        admin  200
    GET  /orgs/{org}/teams/new                                    admin  200
    POST /orgs/{org}/teams/new                                    admin  422
    GET  /orgs/{org}/teams/{id}                                   admin  200
    GET  /orgs/{org}/teams/{id}/rename                            admin  200
    POST /orgs/{org}/teams/{id}/rename                            admin  422 409
    GET  /orgs/{org}/teams/{id}/delete                            admin  200
    POST /orgs/{org}/teams/{id}/delete                            admin  409
    POST /orgs/{org}/teams/{id}/people                            admin  303 422 409
    POST /orgs/{org}/teams/{id}/people/{member}/take-out          admin  303 409
    GET  /orgs/{org}/sign-ins                                     admin  200
    GET  /orgs/{org}/sign-ins.csv                                 admin  200
    GET  /orgs/{org}/sign-ins/{id}                                admin  200
    GET  /orgs/{org}/dry-run                                      admin  200
    POST /orgs/{org}/dry-run                                      admin  422
    POST /orgs/{org}/dry-run/json                                 admin  403
    GET  /orgs/{org}/denied                                       admin  200
    GET  /orgs/{org}/denied/dismiss                               admin  303
    POST /orgs/{org}/denied/dismiss                               admin  303
    GET  /orgs/{org}/denied.csv                                   admin  200
    GET  /orgs/{org}/denied/{id}                                  admin  200
    POST /orgs/{org}/denied/{id}/assign                           admin  409
    POST /orgs/{org}/denied/{id}/notes                            admin  422
    GET  /orgs/{org}/denied/{id}/dismiss                          admin  200
    POST /orgs/{org}/denied/{id}/dismiss                          admin  409 422
    GET  /orgs/{org}/denied/{id}/reopen                           admin  200 303 409
    POST /orgs/{org}/denied/{id}/reopen                           admin  409 422

    GET  /orgs/{org}/connections                                  admin  200
    GET  /orgs/{org}/connections/new                              owner  200
    POST /orgs/{org}/connections/new                              owner  422
    GET  /orgs/{org}/connections/new/saml                         owner  200
    POST /orgs/{org}/connections/new/saml                         owner  422
    GET  /orgs/{org}/connections/{id}                             admin  200
    GET  /orgs/{org}/connections/{id}/edit                        owner  200
    POST /orgs/{org}/connections/{id}/edit                        owner  422 409
    GET  /orgs/{org}/connections/{id}/metadata                    owner  200
    POST /orgs/{org}/connections/{id}/metadata                    owner  400
    GET  /orgs/{org}/connections/{id}/test                        owner  200
    GET  /orgs/{org}/connections/{id}/test/start                  owner  303
    GET  /orgs/{org}/connections/{id}/provider-keys               owner  200
    POST /orgs/{org}/connections/{id}/provider-keys               owner  409
    GET  /orgs/{org}/connections/{id}/tests/{test}                owner  200
    GET  /orgs/{org}/connections/{id}/draft                       owner  200
    POST /orgs/{org}/connections/{id}/draft                       owner  400
    GET  /orgs/{org}/connections/{id}/previous                    owner  200
    POST /orgs/{org}/connections/{id}/previous                    owner  409
    GET  /orgs/{org}/connections/{id}/enforce                     owner  200
    POST /orgs/{org}/connections/{id}/enforce                     owner  400
    GET  /orgs/{org}/connections/{id}/guides                      owner  200
    GET  /orgs/{org}/connections/{id}/guides/{provider}           owner  200
    GET  /orgs/{org}/connections/{id}/links                       owner  200
    POST /orgs/{org}/connections/{id}/links                       owner  422
    GET  /orgs/{org}/connections/{id}/links/{key}/revoke          owner  200
    POST /orgs/{org}/connections/{id}/links/{key}/revoke          owner  303
    GET  /orgs/{org}/connections/{id}/keys                        owner  200
    POST /orgs/{org}/connections/{id}/keys                        owner  400
    GET  /orgs/{org}/connections/{id}/state                       owner  200
    POST /orgs/{org}/connections/{id}/state                       owner  400
    GET  /orgs/{org}/connections/{id}/delete                      owner  200
    POST /orgs/{org}/connections/{id}/delete                      owner  409
    GET  /orgs/{org}/connections/{id}/jit                         owner  200
    POST /orgs/{org}/connections/{id}/jit                         owner  400
    GET  /orgs/{org}/connections/{id}/scim                        owner  200
    POST /orgs/{org}/connections/{id}/scim                        owner  400
    GET  /orgs/{org}/connections/{id}/enforce/people              owner  200
    GET  /orgs/{org}/connections/{id}/plans/{key}/cancel          owner  200
    POST /orgs/{org}/connections/{id}/plans/{key}/cancel          owner  303 409
    GET  /orgs/{org}/connections/{id}/domains                     owner  200
    POST /orgs/{org}/connections/{id}/domains                     owner  409
    GET  /orgs/{org}/connections/{id}/newcomers                   owner  200
    POST /orgs/{org}/connections/{id}/newcomers                   owner  422
    GET  /orgs/{org}/settings/retention                           owner  200
    POST /orgs/{org}/settings/retention                           owner  422
    GET  /orgs/{org}/settings/seats                               owner  200
    POST /orgs/{org}/settings/seats                               owner  409
    GET  /orgs/{org}/connections/{id}/directory                   admin  200
    GET  /orgs/{org}/connections/{id}/directory/tokens/new        owner  200
    POST /orgs/{org}/connections/{id}/directory/tokens/new        owner  422
    GET  /orgs/{org}/connections/{id}/directory/tokens/{key}/revoke owner 200
    POST /orgs/{org}/connections/{id}/directory/tokens/{key}/revoke owner 303
    GET  /orgs/{org}/connections/{id}/directory/setup/{provider}  admin  200
    GET  /orgs/{org}/connections/{id}/directory/log               admin  200
    GET  /orgs/{org}/connections/{id}/directory/log/{entry}       admin  200
    GET  /orgs/{org}/connections/{id}/directory/guard             owner  200
    POST /orgs/{org}/connections/{id}/directory/guard             owner  422
    GET  /orgs/{org}/connections/{id}/directory/guard/resume      owner  200
    POST /orgs/{org}/connections/{id}/directory/guard/resume      owner  409
    GET  /orgs/{org}/connections/{id}/groups/preview              owner  303
    POST /orgs/{org}/connections/{id}/groups/preview              owner  409
    GET  /orgs/{org}/connections/{id}/groups                      owner  200
    POST /orgs/{org}/connections/{id}/groups                      owner  409
    GET  /orgs/{org}/domains                                      admin  200
    POST /orgs/{org}/domains                                      owner  422
    GET  /orgs/{org}/domains/{id}                                 admin  200
    POST /orgs/{org}/domains/{id}/check                           owner  303
    GET  /orgs/{org}/domains/{id}/people                          admin  200
    GET  /orgs/{org}/domains/{id}/remove                          owner  200
    POST /orgs/{org}/domains/{id}/remove                          owner  409
    GET  /orgs/{org}/audit                                        admin  200
    GET  /orgs/{org}/audit.csv                                    admin  200
    GET  /orgs/{org}/audit.jsonl                                  admin  200
    GET  /orgs/{org}/audit/{id}                                   admin  200
    GET  /orgs/{org}/break-glass                                  owner  200
    POST /orgs/{org}/break-glass                                  owner  422
    GET  /orgs/{org}/break-glass/drill                            owner  200
    POST /orgs/{org}/break-glass/drill                            owner  422
    GET  /orgs/{org}/sign-out-everybody                           owner  200
    POST /orgs/{org}/sign-out-everybody                           owner  303
    GET  /orgs/{org}/mail                                         admin  200
    POST /orgs/{org}/mail                                         owner  422
    POST /orgs/{org}/mail/again                                   admin  303
    GET  /orgs/{org}/settings                                     owner  200
    POST /orgs/{org}/settings                                     owner  422 409

    GET  /orgs/{org}/invitations                                  admin  200
    GET  /orgs/{org}/invitations.csv                              admin  200
    GET  /orgs/{org}/invitations/new                              admin  200
    POST /orgs/{org}/invitations/new                              admin  422
    POST /orgs/{org}/invitations/send                             admin  400
    GET  /orgs/{org}/invitations/template.csv                     admin  200
    GET  /orgs/{org}/invitations/resend                           admin  303
    POST /orgs/{org}/invitations/resend                           admin  400
    GET  /orgs/{org}/invitations/revoke                           admin  303
    POST /orgs/{org}/invitations/revoke                           admin  400
    GET  /orgs/{org}/invitations/{id}                             admin  200
    GET  /orgs/{org}/invitations/{id}/resend                      admin  200
    POST /orgs/{org}/invitations/{id}/resend                      admin  409
    GET  /orgs/{org}/invitations/{id}/revoke                      admin  200
    POST /orgs/{org}/invitations/{id}/revoke                      admin  409
    GET  /invitation                                              anyone 404
    POST /invitation/decline                                      anyone 303
    GET  /invitation/accept                                       anyone 404
    POST /invitation/accept                                       anyone 404
    GET  /invitation/{token}                                      anyone 303

    GET  /account/organizations/{org}/leave                       member 200
    POST /account/organizations/{org}/leave                       member 303
";

/// Who may, from nobody upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anyone,
    Person,
    Member,
    Admin,
    Owner,
    Operator,
    Guest,
}

/// A line of the table.
#[derive(Debug, Clone)]
struct Route {
    method: Method,
    path: &'static str,
    who: Who,
    answers: Vec<u16>,
}

fn routes() -> Vec<Route> {
    let lines = ROUTES.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            Route {
                method: words.next().unwrap().parse().unwrap(),
                path: words.next().unwrap(),
                who: match words.next().unwrap() {
                    "anyone" => Who::Anyone,
                    "person" => Who::Person,
                    "member" => Who::Member,
                    "admin" => Who::Admin,
                    "owner" => Who::Owner,
                    "operator" => Who::Operator,
                    "guest" => Who::Guest,
                    other => panic!("nobody is called {other}"),
                },
                answers: words.map(|status| status.parse().unwrap()).collect(),
            }
        })
        .collect()
}

#[test]
fn the_table_knows_every_route_of_the_sources() {
    let mut registered = BTreeSet::new();
    sources(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut registered,
    );
    // The figures are told by a server of their own.
    assert!(registered.remove("GET /metrics"));
    let known: BTreeSet<_> = routes()
        .into_iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let forgotten: Vec<_> = registered.difference(&known).collect();
    let gone: Vec<_> = known.difference(&registered).collect();
    assert!(
        forgotten.is_empty() && gone.is_empty(),
        "the sources register {forgotten:#?}, of which the table knows nothing;\nthe table has {gone:#?}, which the sources don’t"
    );
}

/// Adds the routes that the files below this folder register. (The demo's identity provider is another server.)
fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("demo") {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for (method, route) in registered(&text) {
                for path in alternatives(&route) {
                    found.insert(format!("{method} {path}"));
                }
            }
        }
    }
}

/// The routes of one file: a path in quotes that `.route(`, `web::resource(` or a function of the file's own takes,
/// and the methods from there to the next path.
fn registered(file: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if !(file.contains("ServiceConfig") || file.contains("App::new()")) {
        return found;
    }
    let code: String = file
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for macro_or_method in [
        "#[get(",
        "#[post(",
        "#[actix_web::",
        "web::method(",
        "web::put(",
        "web::delete(",
        "web::route(",
    ] {
        assert!(
            !code.contains(macro_or_method),
            "register routes with get and post: {macro_or_method}"
        );
    }
    let at = places(&code);
    for (index, (start, paths)) in at.iter().enumerate() {
        let end = at.get(index + 1).map_or(code.len(), |(next, _)| *next);
        let until = code[*start..end]
            .find(';')
            .map_or(end, |semicolon| start + semicolon);
        let chain = &code[*start..until];
        let methods = [("GET", "get("), ("POST", "post(")]
            .into_iter()
            .filter(|(_, call)| {
                chain.contains(&format!(".{call}")) || chain.contains(&format!("web::{call}"))
            });
        let methods: Vec<_> = methods.map(|(method, _)| method).collect();
        assert!(
            !methods.is_empty(),
            "what does {paths:?} answer? This test reads: {chain}"
        );
        for path in paths {
            found.extend(methods.iter().map(|method| (*method, path.clone())));
        }
    }
    found
}

/// Where paths stand in the code, and which they are: one, or several where a function makes them.
fn places(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut places = Vec::new();
    for (start, _) in code.match_indices('"') {
        let before = code[..start].trim_end();
        let text = code[start + 1..].split('"').next().unwrap();
        if let Some(function) = before
            .strip_suffix('(')
            .filter(|before| before.ends_with("format!"))
        {
            let function = function.trim_end_matches("format!").trim_end();
            // `let at = |path| web::resource(format!("/…{path}"))` is read where it is called.
            if function.ends_with("resource(") && text.ends_with("/{word}") {
                let text = text.replace("{{", "{").replace("}}", "}");
                let words = words(code);
                places.push((
                    start,
                    words.iter().map(|word| text.replace("{word}", word)).collect(),
                ));
            }
        } else if before.ends_with(" at(") || before.ends_with("(at(") {
            places.push((start, vec![format!("{}{text}", prefix(code))]));
        } else if before.ends_with(".route(") || before.ends_with("resource(") {
            places.push((start, vec![text.to_owned()]));
        }
    }
    places
}

/// What `at` puts before its path.
fn prefix(code: &str) -> String {
    let made = code.split("format!(\"").nth(1).unwrap();
    made.split("{path}")
        .next()
        .unwrap()
        .replace("{{", "{")
        .replace("}}", "}")
}

/// The words with which a file's function `acts` is called.
fn words(code: &str) -> Vec<String> {
    let calls = code.split("acts(cfg, ").skip(1);
    let words = calls.filter_map(|call| call.split(')').next()?.split('"').nth(1));
    words.map(str::to_owned).collect()
}

/// `{deed:deactivate|remove}` is two routes.
fn alternatives(path: &str) -> Vec<String> {
    let Some((before, (choice, after))) = path
        .split_once("{deed:")
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![path.to_owned()];
    };
    choice
        .split('|')
        .map(|word| format!("{before}{word}{after}"))
        .collect()
}

#[test]
fn routes_are_read_from_the_sources() {
    let file = r#"
        fn routes(cfg: &mut web::ServiceConfig) {
            let at = |path: &str| web::resource(format!("/o/{{org}}{path}"));
            cfg.route("/a", web::get().to(x)).route(
                "/a", web::post().to(x))
                .service(web::resource("/b/{id}").get(x).post(y))
                .service(at("/c").route(web::post().to(z)))
                .configure(|cfg| acts(cfg, Act::Go, "go"));
        }
        fn acts(cfg: &mut web::ServiceConfig, word: &str) {
            cfg.service(web::resource(format!("/d/{{id}}/{word}")).route(web::get().to(x)));
        }"#;
    let found: Vec<_> = registered(file)
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let expected = [
        "GET /a",
        "POST /a",
        "GET /b/{id}",
        "POST /b/{id}",
        "POST /o/{org}/c",
        "GET /d/{id}/go",
    ];
    assert_eq!(found, expected);
    assert_eq!(alternatives("/e/{deed:x|y}"), ["/e/x", "/e/y"]);
}

/// A directory that has a token and asked something.
fn directory(acme: &Acme) {
    let connection = acme.connection();
    let (_, secret) = acme.write(|conn, now| {
        provisioning::tokens::create(conn, now, &Actor::operator(), &connection, "okta", None)
    });
    let now = acme.installation.site.now();
    let caller = acme.read(|conn| Ok(provisioning::tokens::find(conn, now, &secret)?));
    let entry = Entry::of(&caller.unwrap(), now, "GET", "/scim/v2/Users");
    acme.installation.scim_log.add(entry);
    acme.installation.scim_log.flush();
}

/// A switch that is planned.
fn planned(acme: &Acme) {
    let (connection, now) = (acme.connection(), acme.installation.site.now());
    let wish = Wish {
        switch: Switch::Jit,
        on: true,
        at: Some(now + DAY),
        most_denied: None,
        days: 90,
    };
    acme.write(|conn, now| {
        let nobody = std::iter::empty();
        plans::actions::make(conn, now, &Actor::operator(), &connection, wish, nobody)
    });
}

/// A test of the connection that somebody made.
fn tested(acme: &Acme, connection: &Connection) {
    let test = Test {
        id: id::new_id(),
        kind: Kind::Live,
        print: String::new(),
        at: acme.installation.site.now(),
        by: "Olive Owner".into(),
        passed: false,
        finding: Finding {
            outcome: Outcome::Failed {
                check: "signature".into(),
                sentence: "It is somebody else’s.".into(),
            },
            claims: vec![],
            remarks: vec![],
        },
    };
    acme.write(|conn, now| testing::keep(conn, now, &Actor::operator(), connection, &test));
}

/// The token of a fresh set-up link.
fn made_link(acme: &Acme, connection: &Connection, may_switch: bool) -> String {
    let wanted = Wanted {
        name: "Ines, IT".into(),
        days: "7".into(),
        may_switch,
        email: None,
    };
    let post = Post::of(&acme.installation.site);
    let (_, token) = acme
        .write(|conn, now| links::actions::create(conn, now, &Actor::operator(), &post, connection, &wanted));
    token
}

/// A browser that holds a fresh set-up link of the connection with this slug.
async fn set_up_link(acme: &Acme, slug: &str, may_switch: bool) -> Browser {
    let connection = acme.read(|conn| Ok(connections::find_by_slugs(conn, "acme", slug)?.unwrap()));
    let token = made_link(acme, &connection, may_switch);
    let mut browser = Browser::new();
    browser
        .get(&acme.installation.to(&format!("/connect/open/{token}")))
        .await;
    browser
        .submit("Begin in this browser", &[])
        .await
        .sees("What to do");
    browser
}

/// Acme with one of everything that a path can name, and somebody of each kind.
struct Stage {
    acme: Acme,
    _provider: Provider,
    database: String,
    nobody: Caller,
    member: Caller,
    admin: Caller,
    owner: Caller,
    /// Owner of another organization.
    other: Caller,
    /// Runs the installation, and belongs to no organization.
    operator: Caller,
    /// The owner at a second browser.
    second: Caller,
    /// Whoever holds a set-up link.
    guest: Caller,
    invitation: String,
}

impl Stage {
    async fn set(db: Database) -> Self {
        let provider = Provider::start().await;
        let acme = Acme::start(
            db,
            provider.issuer(),
            provider.client_id(),
            provider.client_secret(),
        );
        let database = acme.installation.site.config.database_url.clone();
        provider.person("sub-sam", "sam@acme.example");
        Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        acme.join("max@acme.example", "Max Member", Role::Member);
        acme.join("ada@acme.example", "Ada Admin", Role::Admin);
        acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "sales")
        });
        directory(&acme);
        planned(&acme);
        let by_saml = acme.connect_saml("acme-saml", &SamlSettings::default(), &[]);
        tested(&acme, &by_saml);
        tested(&acme, &acme.connection());
        // The first, of the connection that owners see: nobody opened it.
        made_link(&acme, &acme.connection(), false);
        let invitation = acme.invite("ivan@acme.example");
        found_zenith(&acme);
        acme.operator("otto@run.example");
        let mut stage = Self {
            nobody: Caller::nobody(),
            member: Caller::nobody(),
            admin: Caller::nobody(),
            owner: Caller::nobody(),
            other: Caller::nobody(),
            operator: Caller::nobody(),
            second: Caller::nobody(),
            guest: Caller::nobody(),
            invitation: invitation.rsplit('/').next().unwrap().into(),
            acme,
            _provider: provider,
            database,
        };
        let mut visitor = Browser::new();
        visitor.get(&stage.acme.installation.to("/sign-in")).await;
        stage.nobody = Caller::at(&visitor, "Continue");
        stage.member = stage.signed_in("max@acme.example").await;
        stage.admin = stage.signed_in("ada@acme.example").await;
        stage.owner = stage.signed_in("olive@acme.example").await;
        stage.second = stage.signed_in("olive@acme.example").await;
        stage.other = stage.signed_in("zoe@zenith.example").await;
        stage.operator = stage.signed_in("otto@run.example").await;
        stage.guest = stage.at_a_set_up_link("acme-saml").await;
        stage
    }

    /// Whoever holds a set-up link of this connection.
    async fn at_a_set_up_link(&self, slug: &str) -> Caller {
        let browser = set_up_link(&self.acme, slug, false).await;
        Caller::at(&browser, "Finish in this browser")
    }

    async fn signed_in(&self, email: &str) -> Caller {
        let mut browser = self.acme.signed_in(email).await;
        browser.get(&self.acme.installation.to("/account")).await;
        Caller::at(&browser, "Sign out")
    }

    /// The absolute address of a route, with something real for each of its names.
    fn address(&self, route: &str, organization: &str) -> String {
        let mut path = String::new();
        let mut last = "";
        for part in route.split('/').skip(1) {
            path.push('/');
            match part {
                "{org}" => path.push_str(organization),
                "{connection}" => path.push_str("acme-id"),
                "{provider}" => path.push_str("okta"),

                "{reference}" | "{form}" => path.push_str("ABCD-EFGH"),
                "{token}" if last == "invitation" => path.push_str(&self.invitation),
                "{token}" => path.push_str(&id::new_token()),
                "{test}" if route.starts_with("/connect") => path.push_str(&self.one("tests by SAML")),
                "{test}" => path.push_str(&self.one("tests")),
                "{member}" => path.push_str(&self.one("members")),
                // Only a connection by SAML has these pages.
                "{id}" if route.ends_with("/metadata") || route.ends_with("/keys") => {
                    path.push_str(&self.one("saml"));
                }
                "{id}" | "{key}" | "{entry}" | "{domain}" => path.push_str(&self.one(last)),
                part if part.starts_with('{') => panic!("what is {part} of {route}?"),
                part => path.push_str(part),
            }
            last = part;
        }
        self.acme.installation.to(&path)
    }

    /// The id of one of these.
    fn one(&self, kind: &str) -> String {
        let query = match kind {
            "oidc" | "connections" => "SELECT id AS line FROM connections WHERE protocol = 'oidc'",
            "saml" => "SELECT id AS line FROM connections WHERE protocol = 'saml'",
            "members" => {
                "SELECT m.id AS line FROM members m JOIN accounts a ON a.id = m.account_id WHERE a.email LIKE 'max%'"
            }
            "passkeys" | "teams" => "SELECT id AS line FROM teams",
            "invitations" => "SELECT id AS line FROM invitations",
            "audit" => {
                "SELECT e.id AS line FROM audit_events e JOIN organizations o ON o.id = e.organization_id WHERE o.slug = 'acme'"
            }
            "denied" => "SELECT id AS line FROM denials",
            "sign-ins" => "SELECT id AS line FROM sign_ins",
            "tests" => {
                "SELECT t.id AS line FROM connection_tests t JOIN connections c ON c.id = t.connection_id WHERE c.protocol = 'oidc'"
            }
            "tests by SAML" => {
                "SELECT t.id AS line FROM connection_tests t JOIN connections c ON c.id = t.connection_id WHERE c.protocol = 'saml'"
            }
            "plans" => "SELECT id AS line FROM planned_switches",
            "links" => "SELECT id AS line FROM connection_links ORDER BY id",

            "tokens" => "SELECT id AS line FROM scim_tokens",
            "log" => "SELECT id AS line FROM scim_requests",
            "organizations" => "SELECT id AS line FROM organizations WHERE slug = 'acme'",
            "domains" => "SELECT id AS line FROM domains",
            "sessions" => "SELECT id AS line FROM sessions ORDER BY created_at",
            other => panic!("there is no table for {other}"),
        };
        lines(&self.database, query).swap_remove(0)
    }

    /// Everybody, from the least upwards.
    fn everybody(&self, route: &Route) -> Vec<(Who, &Caller)> {
        let mut everybody = vec![
            (Who::Anyone, &self.nobody),
            (Who::Member, &self.member),
            (Who::Admin, &self.admin),
            (Who::Owner, &self.owner),
        ];
        if route.who == Who::Operator {
            everybody.push((Who::Operator, &self.operator));
        }
        if route.who == Who::Guest {
            everybody.push((Who::Guest, &self.guest));
        }
        everybody
    }

    async fn ask(&self, route: &Route, organization: &str, caller: &Caller) -> Answer {
        let address = self.address(route.path, organization);
        if route.method == Method::GET {
            caller.get(&address).await
        } else {
            caller
                .post(&address, &[("form_token", &caller.token), ("version", "-1")])
                .await
        }
    }
}

fn found_zenith(acme: &Acme) {
    let site = &acme.installation.site;
    let hash = accounts::hash(PASSWORD).unwrap();
    let owner = NewOwner {
        slug: "zenith",
        organization_name: "Zenith",
        email: &EmailAddress::parse("zoe@zenith.example").unwrap(),
        name: "Zoe Zenith",
        password_hash: Some(&hash),
        operator: false,
    };
    let made = site
        .store
        .write(|conn| make_owner(conn, site.now(), &Actor::operator(), &owner));
    made.unwrap();
}

fn wants_sign_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.leads_to() == "/sign-in"
}

both_databases! {
    /// Whoever may not is turned away by every route, and nothing changes; whoever may is answered.
    /// ADM-001, ADM-003, SES-014, SES-015, OUT-009, OUT-010, OIDC-057.
    async fn every_route_admits_whom_the_table_says(db: Database) {
        let (stage, mut wrong) = (Stage::set(db).await, Vec::new());
        let before = dump(&stage.database);
        for route in routes().iter().filter(|route| route.who > Who::Anyone) {
            let (method, path) = (&route.method, route.path);
            for (who, caller) in stage.everybody(route) {
                let may = who >= route.who || (route.who == Who::Person && who > Who::Anyone);
                // Whoever starts a test leaves an attempt behind.
                if may && (route.method == Method::POST || path.ends_with("/test/start")) {
                    continue;
                }
                let answer = stage.ask(route, "acme", caller).await;
                let as_told = match (may, who) {
                    (true, _) => route.answers.contains(&answer.status) && !wants_sign_in(&answer),
                    (false, _) if route.who == Who::Guest => answer.status == 404,
                    (false, Who::Anyone) => wants_sign_in(&answer),
                    (false, _) if route.who == Who::Operator => answer.status == 404,
                    (false, _) => answer.status == 403,
                };
                if !as_told {
                    wrong.push(format!("{method} {path} to {who:?}: {} {}", answer.status, text(&answer.body)));
                }
            }
            if route.who > Who::Person {
                let (here, nowhere) = (stage.ask(route, "acme", &stage.other).await, stage.ask(route, "nowhere", &stage.other).await);
                assert_eq!((here.status, nowhere.status), (404, 404), "{method} {path} to an owner of another organization");
                assert_eq!(here.body, nowhere.body, "{method} {path} tells that the organization exists");
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        // What belongs to Acme is not there in Zenith, not even for Zenith's owner.
        let of_acme = routes().into_iter().filter(|route| route.who > Who::Person && route.path.contains("{id}"));
        for route in of_acme {
            let answer = stage.ask(&route, "zenith", &stage.other).await;
            let made_up = Route { path: route.path.replace("{id}", &id::new_id()).leak(), ..route.clone() };
            let nothing = stage.ask(&made_up, "zenith", &stage.other).await;
            let (method, path) = (&route.method, route.path);
            assert_eq!((answer.status, &answer.body), (nothing.status, &nothing.body), "{method} {path} of Acme in Zenith");
            assert!(route.method == Method::POST || answer.status == 404, "{method} {path} of Acme in Zenith");
        }
        assert_eq!(before, dump(&stage.database));
    }

    /// Whoever holds a set-up link reaches nothing but its connection: no page of anybody who is signed in.
    /// ADM-001.
    async fn a_set_up_link_opens_nothing_else(db: Database) {
        let stage = Stage::set(db).await;
        let before = dump(&stage.database);
        let of_people = routes().into_iter().filter(|route| route.who > Who::Anyone && route.who != Who::Guest);
        for route in of_people {
            let answer = stage.ask(&route, "acme", &stage.guest).await;
            let (method, path) = (&route.method, route.path);
            assert!(wants_sign_in(&answer), "{method} {path} to a guest: {} {}", answer.status, text(&answer.body));
        }
        // Of the other connection's tests nothing is shown either.
        let other = stage.acme.installation.to(&format!("/connect/tests/{}", stage.one("tests")));
        assert_eq!(stage.guest.get(&other).await.status, 404);
        assert_eq!(before, dump(&stage.database));
    }

    /// A form that does not come from our own page of this browser does nothing, whoever sends it.
    /// SES-011, SES-013.
    async fn no_form_of_anybody_else_is_taken(db: Database) {
        let stage = Stage::set(db).await;
        let before = dump(&stage.database);
        // A provider's form comes from elsewhere, and has a test of its own: `protocol::saml`.
        let of_providers = |route: &&Route| route.path != "/sign-in/saml/{id}/acs";
        for route in routes().iter().filter(|route| route.method == Method::POST).filter(of_providers) {
            let address = stage.address(route.path, "acme");
            let olive = match route.who {
                Who::Anyone => &stage.nobody,
                Who::Operator => &stage.operator,
                Who::Guest => &stage.guest,
                _ => &stage.owner,
            };
            let refused = |answer: &Answer, why: &str| {
                assert_eq!(answer.status, 403, "POST {} {why}: {}", route.path, answer.body);
            };
            refused(&olive.post(&address, &[("version", "-1")]).await, "without a token");
            refused(&olive.post(&address, &[("form_token", "")]).await, "with an empty token");
            refused(&olive.post(&address, &[("form_token", &stage.second.token)]).await, "with another browser’s token");
            let form = format!("form_token={}", olive.token);
            let encoded = ("content-type", "application/x-www-form-urlencoded");
            for stranger in [
                [("sec-fetch-site", "cross-site"), encoded],
                [("sec-fetch-site", "same-site"), encoded],
                [("origin", "null"), encoded],
                [("origin", "https://evil.example"), encoded],
                [("sec-fetch-site", "same-origin"), ("content-type", "text/plain")],
                [("sec-fetch-site", "same-origin"), ("content-type", "application/json")],
                [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")],
            ] {
                // One route takes JSON of our own pages, and writes nothing.
                if route.path.ends_with("/json") && stranger[1].1 == "application/json" {
                    continue;
                }
                refused(&olive.ask(Method::POST, &address, &stranger, &form).await, &format!("with {stranger:?}"));
            }
        }
        assert_eq!(before, dump(&stage.database));
    }

    /// A method that a route does not have is no back door to those it has.
    /// SES-011.
    async fn a_route_answers_its_own_methods_only(db: Database) {
        let stage = Stage::set(db).await;
        let before = dump(&stage.database);
        let (routes, olive) = (routes(), &stage.owner);
        let all: BTreeSet<_> = routes.iter().map(|route| route.path).collect();
        for path in all {
            let address = stage.address(path, "acme");
            let has = |method: &Method| routes.iter().any(|route| route.path == path && route.method == *method);
            let form = format!("form_token={}&version=-1", olive.token);
            let headers = [
                ("sec-fetch-site", "same-origin"),
                ("content-type", "application/x-www-form-urlencoded"),
                ("x-http-method-override", "POST"),
            ];
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
                if !has(&method) {
                    let answer = olive.ask(method.clone(), &address, &headers, &form).await;
                    assert!([404, 405].contains(&answer.status), "{method} {path} is {}", answer.status);
                }
            }
        }
        assert_eq!(before, dump(&stage.database));
    }

    /// Whoever just may is heard: a stale or an empty form gets an answer about the form.
    async fn every_route_answers_the_first_who_may(db: Database) {
        let (stage, mut wrong) = (Stage::set(db).await, Vec::new());
        for route in routes() {
            if route.method == Method::GET && route.who != Who::Anyone {
                continue;
            }
            let caller = match route.who {
                Who::Anyone => stage.nobody.clone(),
                Who::Person | Who::Member => stage.signed_in("max@acme.example").await,
                Who::Admin => stage.signed_in("ada@acme.example").await,
                Who::Owner => stage.signed_in("olive@acme.example").await,
                Who::Operator => stage.signed_in("otto@run.example").await,
                Who::Guest => stage.at_a_set_up_link("acme-saml").await,
            };
            let answer = stage.ask(&route, "acme", &caller).await;
            let (method, path) = (&route.method, route.path);
            if !route.answers.contains(&answer.status) {
                wrong.push(format!("{method} {path}: {} {}", answer.status, text(&answer.body)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// A file's name behind a page does not make the page a file that caches keep.
    /// SES-024.
    async fn nothing_pretends_to_be_a_file(db: Database) {
        let stage = Stage::set(db).await;
        for path in ["/orgs/acme/x.css", "/orgs/acme/members/x.css", "/account/x.css", "/static/x.css", "/static/../account"] {
            let answer = stage.owner.get(&stage.acme.installation.to(path)).await;
            let expected = if path.ends_with("account") { 200 } else { 404 };
            assert_eq!(answer.status, expected, "{path}");
        }
    }

    /// An admin who is made a member meanwhile can't press a button of a page that is still open.
    /// SES-007.
    async fn a_lower_role_counts_at_once(db: Database) {
        let acme = Acme::alone(db);
        acme.join("ada@acme.example", "Ada Admin", Role::Admin);
        let mut ada = acme.signed_in("ada@acme.example").await;
        ada.get(&acme.to("/domains")).await;
        assert_eq!(ada.status(), 200);
        acme.write(|conn, now| {
            let email = EmailAddress::parse("ada@acme.example").unwrap();
            let account = accounts::find_by_email(conn, &email)?.ok_or(Problem::NotFound)?;
            let ada = members::find_by_account(conn, &acme.organization, &account.id)?.ok_or(Problem::NotFound)?;
            let operator = members::Doer::operator();
            members::actions::change_role(conn, now, &operator, &acme.organization, &ada.id, ada.version, Role::Member)
        });
        let token = ada.fields("Sign out").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        ada.post(&acme.to("/domains"), &[("form_token", &token), ("name", "evil.example")]).await;
        assert_eq!(ada.status(), 403);
    }

    /// An organization's provider speaks for its own people there, not elsewhere.
    /// SES-010.
    async fn single_sign_on_of_one_organization_says_nothing_in_another(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        provider.person("sub-zoe", "zoe@acme.example");
        let mut zoe = Browser::new();
        zoe.get(&acme.sign_in()).await.sees("zoe@acme.example");
        found_zenith(&acme);
        let site = &acme.installation.site;
        let joined = site.store.write(|conn| -> Result<_, Problem> {
            let account = accounts::find_by_email(conn, &EmailAddress::parse("zoe@acme.example").unwrap())?;
            let zenith = vestibule::orgs::find_by_slug(conn, "zenith")?.unwrap();
            let joining = Joining {
                by_password: true,
                organization: &zenith.id,
                account: &account.unwrap().id,
                name: "Zoe",
                role: Role::Owner,
                source: Source::Setup,
                invited_by: "",
            };
            Ok(members::actions::join(conn, site.now(), &Actor::operator(), &joining)?)
        });
        joined.unwrap();
        zoe.get(&acme.installation.to("/orgs/zenith/domains")).await;
        assert_eq!((zoe.path(), zoe.status()), ("/sign-in", 200));
        zoe.get(&acme.installation.to("/orgs/acme")).await.sees("zoe@acme.example");
    }
}
