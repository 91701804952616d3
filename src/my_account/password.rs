//! Changing one's own password.

use actix_web::{HttpResponse, web};

use super::pages::{Typed, mine};
use crate::accounts;
use crate::audit::Actor;
use crate::mail::Post;
use crate::session::{self, Signed};
use crate::sign_in;
use crate::web::{Door, FieldErrors, Flash, Posted, Problem, Site};

/// `POST /account/password`: changes the password of somebody who has one.
pub async fn change(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = signed.account.clone();
    let account = site
        .store
        .reading(move |conn| accounts::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    if account.password_hash.is_none() {
        return Err(Problem::Forbidden(
            "This account has no password. It signs in by single sign-on.".to_owned(),
        ));
    }
    let (old, new) = (form.raw("current").to_owned(), form.raw("password").to_owned());
    let mut errors = FieldErrors::default();
    if let Err(sentence) = accounts::check_policy(&new, &account.email) {
        errors.add("password", sentence);
    }
    if !sign_in::password_fits(&site, &account.id, old).await? {
        errors.add("current", "This is not your current password.");
    }
    if !errors.is_empty() {
        return Ok(mine(door, &site, &signed, errors, Typed::default())
            .await?
            .response());
    }
    let hash = sign_in::hash_password(&site, new).await?;
    let (now, actor, post) = (site.now(), Actor::from(&signed), Post::of(&site));
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            if accounts::hold_by_password(conn, &account.id, account.password_hash.as_deref())?.is_none() {
                return Err(Problem::Conflict(
                    "Your password was changed meanwhile, somewhere else. Sign in again.".to_owned(),
                ));
            }
            accounts::actions::set_password(conn, now, &actor, &account, &hash)?;
            let what = ("Your password was changed", &signed.client);
            sign_in::told_by_mail(conn, now, &post, &account, what)?;
            Ok(session::end_others(conn, &account.id, &signed.session)?)
        })
        .await?;
    Ok(Flash::good("Your password is changed. Other browsers are signed out.").redirect(&site, "/account"))
}
