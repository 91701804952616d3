//! Our own keys of a SAML connection, and how one follows another.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::saml_form::new_key;
use crate::audit::Actor;
use crate::connections::saml::expiry::Expiry;
use crate::connections::saml::{self, Key, KeyState};
use crate::connections::{Connection, queries};
use crate::session::{Frame, Fresh, Owner};
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/saml_keys.html")]
pub struct KeysPage {
    frame: Frame,
    connection: Connection,
    keys: Vec<(Key, Expiry)>,
    has_next: bool,
    metadata_address: String,
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/keys`
pub async fn keys(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<Page<KeysPage>, Problem> {
    let (organization, id) = (owner.organization.clone(), path.into_inner().1);
    let (connection, keys) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            saml::find(conn, &connection.id)?.ok_or(Problem::NotFound)?;
            let keys = saml::keys(conn, &connection.id)?;
            Ok((connection, keys))
        })
        .await?;
    let now = site.now();
    Ok(Page::new(KeysPage {
        frame: owner.frame("connections"),
        metadata_address: saml::entity_id(&site, &connection.id),
        has_next: keys.iter().any(|key| key.state == KeyState::Next),
        keys: keys
            .into_iter()
            .map(|key| {
                let expiry = Expiry::of(key.not_after, now);
                (key, expiry)
            })
            .collect(),
        connection,
    }))
}

/// `POST /orgs/{org}/connections/{id}/keys`
pub async fn change_keys(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (deed, key_id) = (form.text("do").to_owned(), form.text("key").to_owned());
    let made = match deed.as_str() {
        "add" => Some(new_key(&site).await?),
        "switch" | "drop" => None,
        _ => return Err(Problem::Invalid("The form does not say what to do.".to_owned())),
    };
    let (now, actor, sealer) = (site.now(), Actor::from(&*owner), site.sealer.clone());
    let (organization, id, version) = (owner.organization.clone(), path.into_inner().1, form.version());
    let back = owner.path(&format!("/connections/{id}/keys"));
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            saml::find(conn, &known.id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Err(Problem::Conflict(
                    "This connection was changed meanwhile. Nothing was done.".to_owned(),
                ));
            }
            match (&made, deed.as_str()) {
                (Some(key), _) => {
                    saml::add_key(conn, now, &actor, &sealer, &known, key)?;
                    Ok("The next key is made. Let the provider read the metadata, then let the key sign.")
                }
                (None, "switch") => {
                    saml::make_current(conn, now, &actor, &known)?;
                    Ok("The next key signs now. The old one only opens what was encrypted for it.")
                }
                _ => {
                    saml::drop_key(conn, now, &actor, &known, &key_id)?;
                    Ok("The key is deleted.")
                }
            }
        })
        .await;
    match done {
        Ok(sentence) => Ok(Flash::good(sentence).redirect(&site, &back)),
        Err(Problem::Conflict(sentence)) => Ok(Flash::bad(sentence).redirect(&site, &back)),
        Err(problem) => Err(problem),
    }
}
