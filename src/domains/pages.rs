//! The organization's domains, and adding one.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Domain, Finding, Standing, actions, is_public_mail, queries};
use crate::access::{DomainName, EmailAddress, Role};
use crate::audit::Actor;
use crate::session::{Admin, Frame, Member, Owner};
use crate::store;
use crate::store::time::date;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "domains/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    typed: String,
    errors: FieldErrors,
}

/// One domain of the list.
struct Row {
    domain: Domain,
    connections: Vec<String>,
}

impl Domain {
    /// How it stands as a badge: its class and its words.
    pub fn badge(&self) -> (&'static str, &'static str) {
        match self.standing() {
            Standing::Verified => ("good", "Verified"),
            Standing::Vouched => ("good", "Vouched for"),
            Standing::Lost(_) => ("warn", "Record missing"),
            Standing::Lapsed(_) => ("bad", "Proof lost"),
            Standing::Waiting => ("warn", "Waits for its record"),
            Standing::Stopped => ("bad", "Record not found"),
            Standing::Taken => ("bad", "Verified by another organization"),
        }
    }

    /// What follows from how it stands, in a sentence.
    pub fn consequence(&self) -> String {
        match self.standing() {
            Standing::Verified => "The record was found. People of this domain are whom their connection says they are.".to_owned(),
            Standing::Vouched => format!(
                "{} answers for it, who runs this installation. It needs no record.",
                if self.vouched_by.is_empty() { "The operator" } else { &self.vouched_by }
            ),
            Standing::Lost(_) => format!(
                "Nothing has changed yet. If the record is not back by {}, nobody new joins from this domain; members go on signing in.",
                self.lapses_at().map(date).unwrap_or_default()
            ),
            Standing::Lapsed(at) => format!(
                "Since {} nobody new joins from this domain. Members go on signing in. When the record is found again, all is as it was.",
                date(at)
            ),
            Standing::Waiting => "Nobody joins from this domain before its record is found. It is looked up by itself for seven days.".to_owned(),
            Standing::Stopped => "It was not found within seven days, and is no longer looked up by itself. “Check now” begins anew.".to_owned(),
            Standing::Taken => "The record is there, but a domain belongs to one organization. If it is yours, ask whoever runs this installation.".to_owned(),
        }
    }

    /// What the last look-up found, in a sentence; none where there was none.
    pub fn last_found(&self) -> Option<String> {
        let name = self.record_name();
        let last = self.last?;
        Some(match last.finding {
            Finding::Present => "The record was there.".to_owned(),
            Finding::None => format!("There was no TXT record at {name}."),
            Finding::Other(1) => {
                format!("There was a TXT record at {name}, but it does not say what is written here.")
            }
            Finding::Other(count) => {
                format!("There were {count} TXT records at {name}, but none says what is written here.")
            }
            Finding::Taken => {
                "The record was there, but another organization has verified the domain.".to_owned()
            }
            Finding::TimedOut => "The DNS server did not answer in time. That changes nothing.".to_owned(),
            Finding::Failed => "The DNS server could not tell. That changes nothing.".to_owned(),
        })
    }
}

/// `GET /orgs/{org}/domains`
pub async fn list(admin: Admin, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    shown(&admin, &site, None, FieldErrors::default(), StatusCode::OK).await
}

/// `POST /orgs/{org}/domains`: adds one, or gives one that waits a new token.
pub async fn add(owner: Owner, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let typed = form.text("name").to_owned();
    let name = match DomainName::parse(&typed) {
        Ok(name) => name,
        Err(error) => return wrong(&owner, &site, typed, error.to_string()).await,
    };
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let wanted = name.clone();
    let added = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::add(conn, now, &actor, &organization, &wanted)
        })
        .await;
    match added {
        Ok(id) => {
            let sentence = format!("{name} is added. It counts as soon as its record is found.");
            Ok(Flash::good(sentence).redirect(&site, &owner.path(&format!("/domains/{id}"))))
        }
        Err(Problem::Conflict(sentence)) => wrong(&owner, &site, typed, sentence).await,
        Err(problem) => Err(problem),
    }
}

async fn wrong(
    owner: &Owner,
    site: &web::Data<Site>,
    typed: String,
    sentence: String,
) -> Result<HttpResponse, Problem> {
    let errors = FieldErrors::one("name", sentence);
    shown(owner, site, Some(typed), errors, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// The first domain is most likely that of the person's own address, unless anybody can have one there.
fn own_domain(member: &Member) -> Option<String> {
    let address = EmailAddress::parse(&member.signed.email).ok()?;
    let name = DomainName::parse(address.domain()).ok()?;
    (!is_public_mail(&name)).then(|| name.as_str().to_owned())
}

async fn shown(
    member: &Member,
    site: &web::Data<Site>,
    typed: Option<String>,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = member.organization.clone();
    let rows: Vec<Row> = site
        .store
        .reading(move |conn| -> store::Result<_> {
            let attached = queries::connections_of(conn, &organization)?;
            let of = |id: &str| {
                let own = attached.iter().filter(|(domain, _, _)| domain == id);
                own.map(|(_, _, name)| name.clone()).collect()
            };
            let domains = queries::list(conn, &organization)?;
            Ok(domains
                .into_iter()
                .map(|domain| Row {
                    connections: of(&domain.id),
                    domain,
                })
                .collect())
        })
        .await
        .map_err(Problem::from)?;
    let page = List {
        frame: member.frame("domains"),
        typed: match typed {
            Some(typed) => typed,
            None if rows.is_empty() => own_domain(member).unwrap_or_default(),
            None => String::new(),
        },
        rows,
        errors,
    };
    Ok(Page::with_status(status, page).response())
}
