//! The operator's page of the mail: the server, the queue, what was given up, and a letter to try it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Desk;
use crate::access::EmailAddress;
use crate::audit::{self, Actor, Event, Subject};
use crate::config::{Smtp, SmtpTls};
use crate::mail::{self, Kept, Kind, Letter, Server, State, Tally, Worker};
use crate::session::Operator;
use crate::store::DbError;
use crate::store::time::{MINUTE, Timestamp};
use crate::web::{FieldErrors, Flash, Page, Paging, Posted, Problem, Site, Slice};

/// A letter that has waited for longer says that nobody carries letters.
const SLOW: i64 = 15 * MINUTE;

#[derive(Template)]
#[template(path = "operator/mail.html")]
struct Shown {
    desk: Desk,
    smtp: Option<Smtp>,
    server: Server,
    tally: Vec<Tally>,
    page: Slice<(Kept, Option<String>)>,
    to: String,
    errors: FieldErrors,
    now: Timestamp,
}

impl Shown {
    fn safety(smtp: &Smtp) -> &'static str {
        match smtp.tls {
            SmtpTls::Implicit => "TLS from the first byte",
            SmtpTls::StartTls => "STARTTLS, demanded",
            SmtpTls::None => "none: letters go there in the clear",
        }
    }

    /// When a letter was taken last; shown only where one was.
    fn sent_at(&self) -> Timestamp {
        self.server.sent_at.unwrap_or_default()
    }

    /// When the server could not be used last; shown only where that was so.
    fn fault_at(&self) -> Timestamp {
        self.server.fault_at.unwrap_or_default()
    }

    fn has_dead(&self) -> bool {
        self.page
            .rows
            .iter()
            .any(|(letter, _)| letter.can_be_tried(self.now))
    }

    /// Since when the oldest letter waits that was not tried; now where none does.
    fn oldest(&self) -> Timestamp {
        let waiting = self.tally.iter().find(|tally| tally.state == State::Waiting);
        waiting.map_or(self.now, |tally| tally.oldest)
    }

    /// Whether that is too long.
    fn is_slow(&self) -> bool {
        self.now - self.oldest() > SLOW
    }
}

/// `GET /operator/mail`.
pub async fn show(
    operator: Operator,
    site: web::Data<Site>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let to = operator.email.clone();
    shown(&operator, &site, paging.into_inner(), to, FieldErrors::default()).await
}

async fn shown(
    operator: &Operator,
    site: &Site,
    paging: Paging,
    to: String,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let asked = paging.clone();
    let (server, tally, rows) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            Ok((
                mail::server(conn)?,
                mail::tally(conn)?,
                mail::given_up(conn, &asked)?,
            ))
        })
        .await?;
    let page = Shown {
        desk: Desk::of(operator, "mail"),
        smtp: site.config.smtp.clone(),
        server,
        tally,
        page: Slice::cut(rows, &paging, |(letter, _)| letter.id.clone()),
        to,
        now: site.now(),
        errors,
    };
    Ok(if page.errors.is_empty() {
        Page::new(page)
    } else {
        Page::unprocessable(page)
    }
    .response())
}

/// `POST /operator/mail/test`: sends a letter past the outbox and says what the mail server answered.
pub async fn test(
    operator: Operator,
    site: web::Data<Site>,
    worker: web::Data<Worker>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = form.text("to").to_owned();
    let to = match EmailAddress::parse(&typed) {
        Ok(to) => to,
        Err(error) => {
            let errors = FieldErrors::one("to", error.to_string());
            return shown(&operator, &site, Paging::default(), typed, errors).await;
        }
    };
    let letter = Letter::new(Kind::Test, &to, "A letter to try the mail server")
        .say("If you read this, letters leave this installation and arrive.")
        .fact("Asked for by", &operator.name)
        .because("You get this because whoever runs the installation typed your address to try its mail.");
    let outcome = worker.try_out(&letter).await;
    note(&operator, &site, to.as_str(), outcome.is_ok()).await?;
    let flash = match outcome {
        Ok(()) => Flash::good(format!(
            "The mail server took the letter to {to}. Look whether it arrives, and whether it lies among the spam."
        )),
        Err(sentence) => Flash::bad(format!("The letter to {to} was not sent. {sentence}")),
    };
    Ok(flash.redirect(&site, "/operator/mail"))
}

async fn note(operator: &Operator, site: &Site, to: &str, is_taken: bool) -> Result<(), Problem> {
    let (now, actor, to) = (site.now(), Actor::from(&**operator), to.to_owned());
    site.store
        .writing(move |conn| {
            let event = Event {
                action: "mail.tried",
                subject: Subject {
                    kind: "letter",
                    id: "",
                    name: &to,
                },
                after: Some(serde_json::json!({ "taken": is_taken })),
                ..Event::default()
            };
            audit::record(conn, now, &actor, &event)
        })
        .await
        .map_err(|error: DbError| Problem::from(error))
}

/// `POST /operator/mail/again`: tries the letters again that the page showed as given up.
pub async fn again(operator: Operator, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let (now, actor, ids) = (site.now(), Actor::from(&*operator), form.all("id"));
    let tried = site
        .store
        .writing(move |conn| mail::actions::again(conn, now, &actor, None, &ids))
        .await
        .map_err(|error: DbError| Problem::from(error))?;
    let flash = match tried {
        0 => Flash::bad("None of them can be tried again: they are of no use any more."),
        1 => Flash::good("1 letter is tried again, within seconds."),
        some => Flash::good(format!("{some} letters are tried again, from now on.")),
    };
    Ok(flash.redirect(&site, "/operator/mail"))
}
