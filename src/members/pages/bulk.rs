//! Acts on many members: GET says what will happen to whom, POST of the same path does just that.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::list::Asked;
use crate::access::Role;
use crate::members::actions::Doer;
use crate::members::bulk::{self, Deed, MOST, Plan, Whom};
use crate::session::{Admin, Frame};
use crate::teams::{self, Team};
use crate::web::{Choice, Flash, Page, Posted, Problem, Site, paging};

/// The words of the deeds, as the list offers them.
const DEEDS: [(&str, &str); 6] = [
    ("join", "Put into a team"),
    ("leave", "Take out of a team"),
    ("role", "Give a role"),
    ("deactivate", "Deactivate"),
    ("reactivate", "Reactivate"),
    ("remove", "Remove"),
];

/// The deeds to choose from.
pub fn choices(chosen: &str) -> Vec<Choice> {
    let all = DEEDS.iter();
    all.map(|(word, title)| Choice::new(word, title, chosen))
        .collect()
}

/// What an address or a form asks for.
#[derive(Debug, Clone, Default)]
struct Wish {
    word: String,
    to_team: String,
    to_role: String,
    all: bool,
    ids: Vec<String>,
    asked: Asked,
    /// The filters of the list that one came from.
    list: String,
}

impl Wish {
    fn of(fields: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let field = fields.iter().find(|(known, _)| known == name);
            field
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let all = text("whom") == "all";
        let ids = fields.iter().filter(|(name, _)| name == "id" && !all);
        Self {
            word: text("deed"),
            to_team: text("to_team"),
            to_role: text("to_role"),
            all,
            ids: ids.map(|(_, id)| id.clone()).take(MOST).collect(),
            asked: Asked::of(text),
            list: paging::kept(fields),
        }
    }

    fn deed(&self) -> Option<Deed> {
        Deed::parse(&self.word, &self.to_team, &self.to_role)
    }

    fn whom(&self) -> Whom {
        if self.all {
            Whom::Matching(self.asked.filter())
        } else {
            Whom::Ticked(self.ids.clone())
        }
    }

    /// Everything but the deed's own team and role, for a form that asks for those.
    fn hidden(&self) -> Vec<(&str, &str)> {
        let mut fields = vec![("deed", self.word.as_str()), ("filters", self.list.as_str())];
        if self.all {
            fields.push(("whom", "all"));
            fields.extend(
                self.asked
                    .fields()
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty()),
            );
        }
        fields.extend(self.ids.iter().map(|id| ("id", id.as_str())));
        fields
    }

    fn query(&self) -> String {
        let mut fields = self.hidden();
        fields.extend([
            ("to_team", self.to_team.as_str()),
            ("to_role", self.to_role.as_str()),
        ]);
        paging::base(&fields).trim_end_matches('&').to_owned()
    }
}

#[derive(Template)]
#[template(path = "members/bulk.html")]
struct Explained {
    frame: Frame,
    wish: Wish,
    deed: Option<Deed>,
    plan: Plan,
    digest: String,
    teams: Vec<Team>,
    roles: Vec<Role>,
    conflict: Option<String>,
}

impl Explained {
    fn team(&self) -> &str {
        let team = self.teams.iter().find(|team| team.id == self.wish.to_team);
        team.map_or("a team that is gone", |team| team.name.as_str())
    }

    fn who(&self) -> String {
        members(self.plan.chosen.len())
    }

    /// "Deactivate 3 members", for the button, and with a question mark for the title.
    fn verb(&self) -> String {
        let who = self.who();
        match &self.deed {
            None => match self.wish.word.as_str() {
                "join" => "Put into which team?".to_owned(),
                "leave" => "Take out of which team?".to_owned(),
                _ => "Give which role?".to_owned(),
            },
            Some(Deed::Join(_)) => format!("Put {who} into {}", self.team()),
            Some(Deed::Leave(_)) => format!("Take {who} out of {}", self.team()),
            Some(Deed::Role(role)) => format!("Give {who} the role {role}"),
            Some(Deed::Deactivate) => format!("Deactivate {who}"),
            Some(Deed::Reactivate) => format!("Reactivate {who}"),
            Some(Deed::Remove) => format!("Remove {who}"),
        }
    }

    fn title(&self) -> String {
        match &self.deed {
            None => self.verb(),
            Some(_) if self.plan.chosen.is_empty() => "Nobody is left to do this to".to_owned(),
            Some(_) => format!("{}?", self.verb()),
        }
    }

    fn is_grave(&self) -> bool {
        matches!(self.deed, Some(Deed::Deactivate | Deed::Remove))
    }

    fn changes(&self) -> &'static [&'static str] {
        match &self.deed {
            None => &[],
            Some(Deed::Join(_)) => &["They are in the team by hand, whatever their groups say."],
            Some(Deed::Leave(_)) => &[
                "They leave the team. Whom a group of the identity provider or a directory put there as well stays in it by \
                 that, and would come back by themselves.",
            ],
            Some(Deed::Role(_)) => &[
                "They have the role at once, at their next click.",
                "A role that a group gave is theirs by hand from now on.",
            ],
            Some(Deed::Deactivate) => &[
                "Their sessions that reach this organization end at once, and their seats become free.",
                "They can’t sign in here, whatever else would let them in. Roles, teams and history stay. Only a directory that \
                 manages them can make them active again.",
            ],
            Some(Deed::Reactivate) => {
                &["They can sign in again, with the roles and teams that they had, on free seats."]
            }
            Some(Deed::Remove) => &[
                "Their sessions that reach this organization end at once, and their seats become free.",
                "They leave all teams, and pending invitations for their addresses are closed.",
                "They can’t sign in here, also with just-in-time provisioning on, until somebody invites them, or a directory that manages them \
                 says again that they are active: take them out there, too.",
            ],
        }
    }

    /// How those are chosen who are meant.
    fn basis(&self) -> String {
        if !self.wish.all {
            return "Those whom you ticked.".to_owned();
        }
        let words = self.wish.asked.words(&self.teams);
        if words.is_empty() {
            format!("Every member of {}.", self.frame.organization_name)
        } else {
            format!("Everybody who matches: {}.", words.join(" · "))
        }
    }

    /// What the next page says.
    fn done(&self, number: usize) -> String {
        let are = if number == 1 { "is" } else { "are" };
        let who = members(number);
        let done = match &self.deed {
            None => String::new(),
            Some(Deed::Join(_)) => format!("{who} {are} in {} now.", self.team()),
            Some(Deed::Leave(_)) if self.plan.staying > 0 => format!(
                "{who} {are} taken out of {}. Of these, {} still in it by a group or a directory.",
                self.team(),
                match self.plan.staying {
                    1 => "1 is".to_owned(),
                    staying => format!("{staying} are"),
                }
            ),
            Some(Deed::Leave(_)) => format!("{who} {are} taken out of {}.", self.team()),
            Some(Deed::Role(role)) => format!("{who} {are} {role} now."),
            Some(Deed::Deactivate) => format!("{who} {are} deactivated."),
            Some(Deed::Reactivate) => format!("{who} {are} active again."),
            Some(Deed::Remove) => format!("{who} {are} removed."),
        };
        if self.plan.more {
            format!("{done} These are the next ones.")
        } else {
            done
        }
    }
}

fn members(number: usize) -> String {
    if number == 1 {
        "1 member".to_owned()
    } else {
        format!("{number} members")
    }
}

/// `GET /orgs/{org}/members/bulk?deed=…&id=…&id=…` or `…&whom=all&role=…`.
pub async fn explain(
    admin: Admin,
    site: web::Data<Site>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let wish = Wish::of(&query);
    let list = admin.path(&format!("/members{}", wish.list));
    if !DEEDS.iter().any(|(word, _)| *word == wish.word) {
        return Ok(Flash::bad("Choose first what is to be done.").redirect(&site, &list));
    }
    if !wish.all && wish.ids.is_empty() {
        return Ok(Flash::bad("Tick at least one member first.").redirect(&site, &list));
    }
    let page = load(&admin, &site, wish).await?;
    Ok(Page::new(page).response())
}

async fn load(admin: &Admin, site: &Site, wish: Wish) -> Result<Explained, Problem> {
    let (organization, oneself, by, now) = (
        admin.organization.clone(),
        admin.member.clone(),
        admin.role,
        site.now(),
    );
    let frame = admin.frame("members");
    site.store
        .reading(move |conn| {
            let deed = wish.deed();
            let plan = match &deed {
                Some(deed) => bulk::plan(conn, now, by, (&organization, &oneself), deed, &wish.whom())?,
                None => Plan::default(),
            };
            Ok(Explained {
                frame,
                digest: plan.digest(),
                plan,
                deed,
                teams: teams::list(conn, &organization)?,
                roles: Role::ALL
                    .iter()
                    .copied()
                    .filter(|role| by.may_grant(*role))
                    .collect(),
                conflict: None,
                wish,
            })
        })
        .await
}

/// Does what the page said, or says anew what it would be where that differs by now.
pub async fn act(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let (wish, shown) = (Wish::of(form.fields()), form.text("digest").to_owned());
    let Some(deed) = wish.deed() else {
        return Err(Problem::Invalid(
            "Choose what is to be done, and to whom.".to_owned(),
        ));
    };
    let page = load(&admin, &site, wish.clone()).await?;
    let (now, member, whom) = (site.now(), (*admin).clone(), wish.whom());
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let doer = Doer::at_work(conn, &member)?;
            let own = (member.organization.as_str(), member.member.as_str());
            let plan = bulk::plan(conn, now, doer.role, own, &deed, &whom)?;
            if plan.digest() != shown {
                return Ok(None);
            }
            bulk::perform(conn, now, &doer, &member.organization, &deed, &plan).map(Some)
        })
        .await;
    if matches!(done, Err(Problem::StillYou(_))) {
        let path = admin.path("/members/bulk");
        return Err(admin.signed.keep(&site, &path, &form).await?);
    }
    let Some(number) = done? else {
        let conflict = Some("Who is meant, or how they stand, changed meanwhile.".to_owned());
        let page = Explained { conflict, ..page };
        return Ok(Page::with_status(StatusCode::CONFLICT, page).response());
    };
    let next = if page.plan.more {
        format!("/members/bulk{}", wish.query())
    } else {
        format!("/members{}", wish.list)
    };
    Ok(Flash::good(page.done(number)).redirect(&site, &admin.path(&next)))
}
