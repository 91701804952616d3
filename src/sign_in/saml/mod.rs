//! The door of a SAML 2.0 connection: out to the provider with a request, by a redirect or by a form, and
//! back with a response (`acs`). What a message says is judged by [`crate::saml`].

mod acs;
mod form;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use url::Url;

use super::door::{self, Departure, Secrets};
use crate::connections::saml::{self as settings, Keys, SamlSettings};
use crate::connections::{Connection, Protocol, ProviderSettings};
use crate::saml::{self, AuthnRequest, PostForm, ServiceProvider};
use crate::store::{Conn, id};
use crate::web::{Door, Page, Problem, Site, Theme, headers, see_other};

pub use acs::returned;

/// The cookie that binds an attempt to its browser. The provider's answer is a form of another site, and it
/// has to come along all the same: so it has a name of its own and, where browsers speak TLS, no `SameSite`.
const BROWSER: &str = "saml";

/// The two parties of a connection.
struct Parties {
    settings: SamlSettings,
    provider: saml::Provider,
    ours: ServiceProvider,
    keys: Keys,
}

/// By the settings that hold, or by those that are tested.
async fn parties(
    site: &Site,
    connection: &Connection,
    tested: Option<ProviderSettings>,
) -> Result<Parties, Problem> {
    let (here, id) = (site.clone(), connection.id.clone());
    site.store
        .reading(move |conn| load(conn, &here, &id, tested))
        .await?
        .ok_or_else(|| Problem::internal(format!("the connection {} has no SAML settings", connection.id)))
}

fn load(
    conn: &mut Conn,
    site: &Site,
    id: &str,
    tested: Option<ProviderSettings>,
) -> Result<Option<Parties>, Problem> {
    let Some(live) = settings::find(conn, id)? else {
        return Ok(None);
    };
    let (settings, certificates) = match tested {
        Some(ProviderSettings::Saml(settings, certificates)) => (settings, certificates),
        _ => (live, settings::certificates(conn, id)?),
    };
    let keys = Keys::open(&site.sealer, &settings::keys(conn, id)?)?;
    Ok(Some(Parties {
        provider: settings::provider(&settings, &certificates),
        ours: settings::service_provider(site, id, &keys),
        keys,
        settings,
    }))
}

#[derive(Template)]
#[template(path = "sign_in/post.html")]
struct Post {
    door: Door,
    connection: String,
    form: PostForm,
}

/// Off to the provider's sign-on address.
pub(super) async fn depart(site: &Site, departure: Departure) -> Result<HttpResponse, Problem> {
    let tested = departure.test.as_ref().map(|trial| trial.provider.clone());
    let parties = parties(site, &departure.connection, tested).await?;
    let request = AuthnRequest {
        id: saml::request_id(&id::random_bytes()),
        issued_at: site.now(),
        issuer: parties.ours.entity_id,
        acs_url: parties.ours.acs_url,
        destination: parties.settings.sso_url.clone(),
        force_authn: departure.again,
    };
    let relay_state = id::new_token();
    let key = parties.keys.current().filter(|_| parties.settings.sign_requests);
    let mut cookie = departure.browser(site, BROWSER);
    if site.is_https() {
        cookie.set_same_site(actix_web::cookie::SameSite::None);
    }
    let mut answer = if parties.settings.posts() {
        posted(site, &departure, request.post_form(&relay_state, key))?
    } else {
        let to = request.redirect_url(&relay_state, key);
        see_other(&to.map_err(Problem::Internal)?)
    };
    let secrets = Secrets {
        key: request.id,
        nonce: id::hash_token(&relay_state),
        verifier: String::new(),
    };
    departure.keep(site, secrets, cookie.value()).await?;
    answer.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(answer)
}

/// A page whose form goes to the provider: by a script at once, without one by its button.
fn posted(
    site: &Site,
    departure: &Departure,
    form: Result<PostForm, String>,
) -> Result<HttpResponse, Problem> {
    let form = form.map_err(Problem::Internal)?;
    let policy = headers::policy_for_forms_to(&form_targets(&form.action)?);
    let page = Page::new(Post {
        door: Door {
            theme: Theme::of(&departure.request, site),
            ..Door::default()
        },
        connection: departure.connection.name.clone(),
        form,
    });
    let mut answer = page.response();
    let policy = header::HeaderValue::try_from(policy).map_err(Problem::internal)?;
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

/// Where the form may lead. Browsers ask it again at each redirect, and providers redirect to hosts of theirs
/// that nobody knows beforehand; what the form carries is no secret.
fn form_targets(action: &str) -> Result<String, Problem> {
    let url = Url::parse(action).map_err(Problem::internal)?;
    match url.scheme() {
        "https" => Ok("https:".to_owned()),
        "http" => Ok(format!("{} https:", url.origin().ascii_serialization())),
        scheme => Err(Problem::internal(format!("a sign-on address by {scheme}"))),
    }
}

/// `GET /sign-in/saml/{id}/metadata`: what the provider has to know about us.
pub async fn metadata(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let connection = door::connection(&site, path.into_inner(), Protocol::Saml).await?;
    let parties = parties(&site, &connection, None).await?;
    let xml = settings::metadata_of(&site, &connection.id, &parties.settings, &parties.keys);
    Ok(HttpResponse::Ok()
        .content_type("application/samlmetadata+xml; charset=utf-8")
        .body(xml))
}

#[cfg(test)]
mod tests {
    use super::form_targets;

    /// SAML-068.
    #[test]
    fn a_form_leads_to_web_pages_only() {
        assert_eq!(form_targets("https://idp.example/sso?a=;b").unwrap(), "https:");
        assert_eq!(
            form_targets("http://127.0.0.1:9/sso").unwrap(),
            "http://127.0.0.1:9 https:"
        );
        assert!(form_targets("javascript:alert(1)").is_err());
    }
}
