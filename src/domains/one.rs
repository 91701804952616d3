//! One domain: the record that proves it, how it stands, and looking it up now.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::check::{self, Looked};
use super::{Domain, Finding, Standing, queries};
use crate::access::Role;
use crate::audit::Actor;
use crate::outbound::dns::Dns;
use crate::session::{Admin, Frame, Owner};
use crate::store::time::date;
use crate::web::{Flash, Page, Problem, Site};

#[derive(Template)]
#[template(path = "domains/one.html")]
pub(super) struct One {
    frame: Frame,
    domain: Domain,
    /// Id and name of each connection that it is attached to.
    attached: Vec<(String, String)>,
    /// Id and name of every connection.
    connections: Vec<(String, String)>,
}

impl One {
    /// Whether the record matters: the operator's word needs none.
    fn wants_record(&self) -> bool {
        self.domain.standing() != Standing::Vouched
    }

    /// Whether somebody still has to make the record.
    fn is_open(&self) -> bool {
        !matches!(
            self.domain.standing(),
            Standing::Verified | Standing::Vouched | Standing::Taken
        )
    }

    /// Whether its zone may be that of a domain above it.
    fn is_below(&self) -> bool {
        self.domain.name.matches('.').count() > 1
    }

    /// The day on which the record was missed first.
    fn missing_since(&self) -> String {
        self.domain.lost_at.map(date).unwrap_or_default()
    }

    /// Whether its people can join by themselves or be invited at once.
    fn has_people(&self) -> bool {
        self.domain.verified
    }
}

/// `GET /orgs/{org}/domains/{id}`
pub(super) async fn show(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<One>, Problem> {
    let (organization, (_, id)) = (admin.organization.clone(), path.into_inner());
    let (domain, attached, connections) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let domain = queries::find(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let attached = queries::connections_of(conn, &organization)?
                .into_iter()
                .filter(|(of, _, _)| *of == id)
                .map(|(_, connection, name)| (connection, name))
                .collect();
            Ok((domain, attached, queries::all_connections(conn, &organization)?))
        })
        .await?;
    Ok(Page::new(One {
        frame: admin.frame("domains"),
        domain,
        attached,
        connections,
    }))
}

/// `POST /orgs/{org}/domains/{id}/check`: looks the record up now, and says what was found.
pub(super) async fn check(
    owner: Owner,
    site: web::Data<Site>,
    dns: web::Data<Dns>,
    path: web::Path<(String, String)>,
    _form: crate::web::Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let looked = check::now(&site, &dns, Actor::from(&*owner), &owner.organization, &id).await;
    let flash = match looked {
        Ok(looked) => told(&looked),
        Err(Problem::TooMany(seconds)) => Flash::bad(format!(
            "Wait {seconds} second{}, then check again.",
            if seconds == 1 { "" } else { "s" }
        )),
        Err(problem) => return Err(problem),
    };
    Ok(flash.redirect(&site, &owner.path(&format!("/domains/{id}"))))
}

fn told(looked: &Looked) -> Flash {
    let (domain, name) = (&looked.domain, looked.domain.record_name());
    if let Some(fault) = &looked.fault {
        return Flash::bad(format!(
            "{fault} That says nothing about {}: try again in a few minutes.",
            domain.name
        ));
    }
    let hint = match &looked.misplaced {
        Some(place) => format!(
            " It stands at {place} instead. Some DNS providers add the domain by themselves: there, write _vestibule only."
        ),
        None => String::new(),
    };
    match domain.last.map(|last| last.finding) {
        Some(Finding::Present) => Flash::good(format!("The record is there: {} is verified.", domain.name)),
        Some(Finding::Other(1)) => Flash::bad(format!(
            "Found one TXT record at {name}, but it does not say what it should.{hint}"
        )),
        Some(Finding::Other(count)) => Flash::bad(format!(
            "Found {count} TXT records at {name}, but none with this domain’s text.{hint}"
        )),
        Some(Finding::Taken) => Flash::bad(format!(
            "The record is there, but another organization here has verified {}. A domain belongs to one organization.",
            domain.name
        )),
        _ if !hint.is_empty() => Flash::bad(format!("There is no TXT record at {name}.{hint}")),
        _ => Flash::bad(format!(
            "There is no TXT record at {name} yet. A new one can take from minutes to a day to be seen everywhere."
        )),
    }
}
