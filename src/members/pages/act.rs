//! Deactivate, reactivate, remove, sign out: GET explains, POST of the same path does.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::members::actions::{self, Doer};
use crate::members::model::{Act, Membership, State, judge};
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Flash, Page, Posted, Problem, Site};

/// An act that has a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Deactivate,
    Reactivate,
    Remove,
    SignOut,
}

impl Deed {
    const ALL: [Self; 4] = [Self::SignOut, Self::Deactivate, Self::Reactivate, Self::Remove];

    /// The deeds that make sense for a member in this state.
    pub fn fitting(state: State) -> Vec<Self> {
        let fits = |deed: &Self| match state {
            State::Active => *deed != Self::Reactivate,
            State::Deactivated => matches!(deed, Self::Reactivate | Self::Remove),
            State::Removed => false,
        };
        Self::ALL.into_iter().filter(fits).collect()
    }

    fn of_path(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.path() == word)
    }

    /// The last part of its address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Remove => "remove",
            Self::SignOut => "sign-out",
        }
    }

    /// What the rules call it.
    pub fn act(self) -> Act {
        match self {
            Self::Deactivate => Act::Deactivate,
            Self::Reactivate => Act::Reactivate,
            Self::Remove => Act::Remove,
            Self::SignOut => Act::SignOut,
        }
    }

    /// The verb, for buttons: "Deactivate", and then the name.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Deactivate => "Deactivate",
            Self::Reactivate => "Reactivate",
            Self::Remove => "Remove",
            Self::SignOut => "Sign out",
        }
    }

    /// One line that says what it is for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Deactivate => "Blocks entry and keeps everything, so that it can be taken back.",
            Self::Reactivate => "Lets the person in again, on a free seat.",
            Self::Remove => {
                "Takes the person out for good. Only an invitation brings them back, or a directory that names them still."
            }
            Self::SignOut => "Ends their sessions here. They may sign in again at once.",
        }
    }

    /// Whether its button is red.
    pub fn is_grave(self) -> bool {
        matches!(self, Self::Deactivate | Self::Remove)
    }

    /// What the other button says.
    fn otherwise(self) -> &'static str {
        match self {
            Self::Deactivate => "Keep active",
            Self::Reactivate => "Keep deactivated",
            Self::Remove => "Keep as a member",
            Self::SignOut => "Keep signed in",
        }
    }

    /// What will change, sentence by sentence.
    fn changes(self) -> &'static [&'static str] {
        match self {
            Self::Deactivate => &[
                "Every session of theirs that reaches this organization ends at once.",
                "They can’t sign in here, whatever else would let them in: just-in-time provisioning, \
                 a new invitation, groups. Only a directory that manages them can make them active again.",
                "Their seat becomes free.",
            ],
            Self::Reactivate => &[
                "They can sign in again, with the role and the teams that they had.",
                "They take a free seat.",
            ],
            Self::Remove => &[
                "Every session of theirs that reaches this organization ends at once.",
                "They leave all teams, and a pending invitation for their address is closed.",
                "They can’t sign in here, also with just-in-time provisioning on, until somebody invites them, or a directory that manages them \
                 says again that they are active: take them out there, too.",
                "Their seat becomes free.",
            ],
            Self::SignOut => &["Every session of theirs that reaches this organization ends at once."],
        }
    }

    /// What stays as it is.
    fn stays(self) -> &'static str {
        match self {
            Self::Deactivate => "Role, teams and history stay. You can reactivate them at any time.",
            Self::Reactivate => {
                "Whoever asked to be let in is told by mail. Others are not: tell them yourself."
            }
            Self::Remove => {
                "Their account and their memberships elsewhere stay, and so does what the audit log says."
            }
            Self::SignOut => "They may sign in again at once. To keep them out, deactivate them.",
        }
    }

    /// What the next page says.
    fn done(self, name: &str) -> String {
        match self {
            Self::Deactivate => format!("{name} is deactivated."),
            Self::Reactivate => format!("{name} is active again."),
            Self::Remove => format!("{name} is removed."),
            Self::SignOut => format!("{name} is signed out."),
        }
    }

    fn perform(
        self,
        conn: &mut Conn,
        now: Timestamp,
        doer: &Doer,
        organization: &str,
        id: &str,
        version: i64,
    ) -> Result<Membership, Problem> {
        match self {
            Self::Deactivate => actions::deactivate(conn, now, doer, organization, id, version),
            Self::Reactivate => actions::reactivate(conn, now, doer, organization, id, version),
            Self::Remove => actions::remove(conn, now, doer, organization, id, version),
            Self::SignOut => actions::sign_out(conn, now, doer, organization, id).map(|(member, _)| member),
        }
    }
}

#[derive(Template)]
#[template(path = "members/act.html")]
struct Explained {
    frame: Frame,
    member: Membership,
    deed: Deed,
    oneself: bool,
    refusal: Option<String>,
    conflict: Option<String>,
}

/// Says what the act will do, or why it can't be done.
pub async fn explain(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, id, word) = path.into_inner();
    let deed = Deed::of_path(&word).ok_or(Problem::NotFound)?;
    explained(&admin, &site, deed, id, None).await
}

/// Does it, or explains anew where something stands against it now.
pub async fn act(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id, word) = path.into_inner();
    let deed = Deed::of_path(&word).ok_or(Problem::NotFound)?;
    let (now, version, member) = (site.now(), form.version(), (*admin).clone());
    let whom = id.clone();
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let doer = Doer::at_work(conn, &member)?;
            deed.perform(conn, now, &doer, &member.organization, &whom, version)
        })
        .await;
    match done {
        Ok(member) => Ok(after(&admin, &site, deed, &member)),
        Err(Problem::Conflict(sentence)) => explained(&admin, &site, deed, id, Some(sentence)).await,
        Err(Problem::StillYou(_)) => {
            let path = admin.path(&format!("/members/{id}/{word}"));
            Err(admin.signed.keep(&site, &path, &form).await?)
        }
        Err(problem) => Err(problem),
    }
}

/// Whoever ended their own session has no page of members to go to.
fn after(admin: &Admin, site: &Site, deed: Deed, member: &Membership) -> HttpResponse {
    let flash = Flash::good(deed.done(&member.name));
    if member.account == admin.signed.account {
        return flash.redirect(site, "/sign-in");
    }
    flash.redirect(site, &admin.path(&format!("/members/{}", member.id)))
}

async fn explained(
    admin: &Admin,
    site: &Site,
    deed: Deed,
    id: String,
    conflict: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (organization, now) = (admin.organization.clone(), site.now());
    let (member, facts) = site
        .store
        .reading(move |conn| actions::load(conn, now, &organization, &id))
        .await?;
    let status = if conflict.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let refusal = judge(deed.act(), admin.role, &member, &facts).err();
    let page = Explained {
        frame: admin.frame("members"),
        oneself: member.account == admin.signed.account,
        refusal: refusal.map(|refusal| refusal.to_string()),
        member,
        deed,
        conflict,
    };
    Ok(Page::with_status(status, page).response())
}
