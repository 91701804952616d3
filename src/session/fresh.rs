//! Sensitive acts ask again who is there: `Fresh<Owner>` in a handler's arguments can't be forgotten.
//!
//! A page asks first ([`PROOF_LASTS`] after the last proof). A form that arrives later is kept, sealed, until the
//! person has shown that it is them; then they send it again, and nothing that they typed is lost.

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};

use super::people::{Admin, Found, Member, Operator, Owner, Signed, here};
use super::{model, queries};
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, Result as Stored, id};
use crate::web::{Posted, Problem, Site, csrf};

/// For how long after a proof nobody asks again, in milliseconds.
pub const PROOF_LASTS: i64 = 5 * MINUTE;
/// For how long a form is kept, in milliseconds.
const KEPT: i64 = 30 * MINUTE;
/// Larger forms than this are not kept, in bytes.
const LARGEST: usize = 64 * 1024;
/// Where the person is asked.
const ASKED_AT: &str = "/still-you";

/// Somebody who showed a moment ago that it is them.
#[derive(Debug, Clone)]
pub struct Fresh<T>(pub T);

impl<T> std::ops::Deref for Fresh<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl Signed {
    /// Keeps a form that can't be taken yet, and answers the way to the question.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep(&self, site: &Site, path: &str, form: &Posted) -> Result<Problem, Problem> {
        let body = serialized(form);
        if body.len() > LARGEST {
            return Ok(asked_before(path));
        }
        let (key, account, path) = (id::new_token(), self.account.clone(), path.to_owned());
        let hash = id::hash_token(&key);
        let sealed = site
            .sealer
            .seal(&place(&hash), &body)
            .map_err(Problem::Internal)?;
        let end = site.now() + KEPT;
        site.store
            .writing(move |conn| queries::keep_form(conn, &hash, &account, &path, &sealed, end))
            .await
            .map_err(Problem::from)?;
        Ok(Problem::StillYou(format!("{ASKED_AT}?form={key}")))
    }
}

fn asked_before(path: &str) -> Problem {
    let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Problem::StillYou(format!("{ASKED_AT}?return_to={to}"))
}

fn serialized(form: &Posted) -> String {
    let typed = form.fields().iter().filter(|(name, _)| name != csrf::FIELD);
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(typed)
        .finish()
}

fn place(hash: &str) -> String {
    format!("kept_forms:{hash}:body")
}

/// A form that waited.
#[derive(Debug)]
pub struct KeptForm {
    /// Where it goes: a path of ours.
    pub path: String,
    /// What was typed, field by field.
    pub fields: Vec<(String, String)>,
}

/// The form that this person left under this key, if it still waits.
///
/// # Errors
/// When the database refuses, or the key file does not fit.
pub async fn kept_form(site: &Site, signed: &Signed, key: &str) -> Result<Option<KeptForm>, Problem> {
    let (hash, account, now) = (id::hash_token(key), signed.account.clone(), site.now());
    let place = place(&hash);
    let row = site
        .store
        .reading(move |conn| queries::kept_form(conn, &hash, &account, now))
        .await
        .map_err(Problem::from)?;
    let Some((path, sealed)) = row else {
        return Ok(None);
    };
    let body = site.sealer.open(&place, &sealed).map_err(Problem::Internal)?;
    let fields = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    Ok(Some(KeptForm { path, fields }))
}

/// The person showed that it is them: the session goes on under another id, so that whoever knew the old key has
/// nothing. Answers the new id, for [`super::go_on`]; none if the session has ended meanwhile.
///
/// # Errors
/// When the database refuses.
pub fn prove(
    conn: &mut Conn,
    now: Timestamp,
    signed: &Signed,
    strength: model::Strength,
) -> Stored<Option<String>> {
    let new = id::new_id();
    let moved = queries::move_session(conn, &signed.session, &new, now, strength.as_str())?;
    Ok((moved == 1).then_some(new))
}

impl AsRef<Signed> for Signed {
    fn as_ref(&self) -> &Signed {
        self
    }
}

impl AsRef<Signed> for Operator {
    fn as_ref(&self) -> &Signed {
        &self.0
    }
}

impl AsRef<Signed> for Member {
    fn as_ref(&self) -> &Signed {
        &self.signed
    }
}

impl AsRef<Signed> for Admin {
    fn as_ref(&self) -> &Signed {
        &self.0.signed
    }
}

impl AsRef<Signed> for Owner {
    fn as_ref(&self) -> &Signed {
        &self.0.signed
    }
}

impl<T> FromRequest for Fresh<T>
where
    T: FromRequest<Error = Problem> + AsRef<Signed> + 'static,
{
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let person = T::from_request(request, payload);
        let form = (*request.method() == Method::POST).then(|| Posted::from_request(request, payload));
        let request = request.clone();
        Box::pin(async move {
            let person = person.await?;
            let Some(site) = request.app_data::<web::Data<Site>>() else {
                return Err(Problem::internal("the application has no Site"));
            };
            let signed: &Signed = person.as_ref();
            match form {
                _ if signed.is_fresh => Ok(Self(person)),
                None => Err(asked_before(&here(&request))),
                Some(form) => {
                    let form = form.await?;
                    Err(signed.keep(site, request.path(), &form).await?)
                }
            }
        })
    }
}
