//! Sending what is due, until the server stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::letter::Letter;
use super::model::{Fault, Outgoing, Settled, settle};
use super::smtp::{AT_ONCE, Courier};
use super::{post, queries};
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{DbError, id};
use crate::web::{Problem, Site};

/// For how long a letter is whoever's who claimed it. Longer than any conversation.
const LEASE: i64 = 5 * MINUTE;
/// The longest rest after the mail server could not be used.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The one who carries letters from the outbox to the mail server. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    site: Site,
    courier: Option<Courier>,
    stop: Arc<watch::Sender<bool>>,
    /// Held while letters are under way.
    busy: Arc<Mutex<()>>,
}

/// What a round came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// How many letters the server took.
    pub sent: usize,
    /// How many it did not take.
    pub failed: usize,
    /// Whether the server itself could not be used.
    pub is_server_at_fault: bool,
}

impl Worker {
    /// As the settings say; without a mail server it has nothing to do.
    ///
    /// # Errors
    /// A sentence, where the settings can't be used.
    pub fn new(site: Site) -> Result<Self, String> {
        let courier = site.config.smtp.as_ref().map(Courier::new).transpose()?;
        Ok(Self {
            site,
            courier,
            stop: Arc::new(watch::Sender::new(false)),
            busy: Arc::default(),
        })
    }

    /// Looks again and again for what is due, until [`Worker::finish`].
    pub async fn work_for_ever(self) {
        let (Some(courier), Some(smtp)) = (&self.courier, self.site.config.smtp.clone()) else {
            return;
        };
        let (mut stop, mut rest) = (self.stop.subscribe(), smtp.pause);
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            rest = match self.round(courier).await {
                Ok(round) if round.is_server_at_fault => (rest * 2).min(LONGEST_REST.max(smtp.pause)),
                Ok(_) => smtp.pause,
                Err(problem) => {
                    tracing::warn!(%problem, "the outbox could not be worked off");
                    smtp.pause
                }
            };
        }
    }

    /// Sends no further letter, and waits until those under way are through.
    pub async fn finish(&self) {
        self.stop.send_replace(true);
        drop(self.busy.lock().await);
    }

    /// Sends everything that is due now.
    ///
    /// # Errors
    /// When the database refuses. A mail server that does not take letters is no error.
    pub async fn deliver(&self) -> Result<Round, Problem> {
        match &self.courier {
            None => Ok(Round::default()),
            Some(courier) => self.round(courier).await,
        }
    }

    /// Sends one letter past the outbox, to see whether the mail server takes it.
    ///
    /// # Errors
    /// A sentence.
    pub async fn try_out(&self, letter: &Letter) -> Result<(), String> {
        let (courier, smtp) = self
            .courier
            .as_ref()
            .zip(self.site.config.smtp.as_ref())
            .ok_or("No mail server is named in the settings.")?;
        let (id, now) = (id::new_id(), self.site.now());
        let outgoing = Outgoing {
            message_id: format!("<{id}@{}>", smtp.from.domain()),
            recipient: letter.to.as_str().to_owned(),
            from_name: letter.from_name.clone(),
            subject: letter.subject.clone(),
            body_sealed: String::new(),
            attempts: 1,
            queued_at: now,
            since_at: now,
            useful_until: None,
            id,
        };
        let body = letter
            .body(self.site.config.public_url.origin())
            .map_err(|error| error.to_string())?;
        let outcome = courier.send(&outgoing, &body, now).await;
        // A refusal of this letter says nothing about the server, and what it says may name a person.
        if matches!(outcome, Ok(()) | Err(Fault::Server(_))) {
            let fault = outcome.as_ref().err().map(Fault::sentence);
            self.note_server(fault)
                .await
                .map_err(|problem| problem.to_string())?;
        }
        outcome.map_err(|fault| fault.sentence())
    }

    async fn round(&self, courier: &Courier) -> Result<Round, Problem> {
        let _busy = self.busy.lock().await;
        let mut round = Round::default();
        while !*self.stop.borrow() && !round.is_server_at_fault {
            let (claim, batch) = self.claim().await?;
            if batch.is_empty() {
                break;
            }
            // At most so many a minute: the next batch begins when this one's share of it is over.
            let share = tokio::time::sleep(self.share(batch.len()));
            self.carry(courier, claim, batch, &mut round).await?;
            tokio::select! {
                () = share => {}
                _ = async { self.stop.subscribe().wait_for(|stop| *stop).await.map(drop) } => {}
            }
        }
        Ok(round)
    }

    fn share(&self, letters: usize) -> Duration {
        let per_minute = self.site.config.smtp.as_ref().map_or(600, |smtp| smtp.per_minute);
        Duration::from_mins(1) * u32::try_from(letters).unwrap_or(AT_ONCE) / per_minute.max(1)
    }

    async fn claim(&self) -> Result<(String, Vec<Outgoing>), Problem> {
        let (now, claim) = (self.site.now(), id::new_id());
        let name = claim.clone();
        let batch = self
            .site
            .store
            .writing(move |conn| queries::claim(conn, now, &name, now + LEASE, i64::from(AT_ONCE)))
            .await
            .map_err(|error: DbError| Problem::from(error))?;
        Ok((claim, batch))
    }

    /// Sends a batch side by side, and writes down what became of each.
    async fn carry(
        &self,
        courier: &Courier,
        claim: String,
        batch: Vec<Outgoing>,
        round: &mut Round,
    ) -> Result<(), Problem> {
        let under_way: Vec<_> = batch
            .into_iter()
            .map(|letter| {
                let (worker, courier, claim) = (self.clone(), courier.clone(), claim.clone());
                actix_web::rt::spawn(async move { worker.one(&courier, &claim, letter).await })
            })
            .collect();
        let mut fault = None;
        for letter in under_way {
            match letter.await.map_err(Problem::internal)?? {
                Ok(()) => round.sent += 1,
                Err(found) => {
                    round.failed += 1;
                    fault = fault.or(Some(found).filter(|found| matches!(found, Fault::Server(_))));
                }
            }
        }
        let sentence = fault.as_ref().map(Fault::sentence);
        if let Some(sentence) = &sentence {
            round.is_server_at_fault = true;
            tracing::warn!("{sentence} Letters wait.");
        }
        if round.sent > 0 || sentence.is_some() {
            self.note_server(sentence).await?;
        }
        Ok(())
    }

    async fn one(
        &self,
        courier: &Courier,
        claim: &str,
        letter: Outgoing,
    ) -> Result<Result<(), Fault>, Problem> {
        let now = self.site.now();
        let outcome = if letter.useful_until.is_some_and(|end| end <= now) {
            Err(Fault::Later("it is too late for this letter".to_owned()))
        } else {
            match post::open(&self.site.sealer, &letter.id, &letter.body_sealed) {
                Ok(body) => courier.send(&letter, &body, now).await,
                Err(error) => Err(Fault::Never(format!("its text can’t be opened ({error})"))),
            }
        };
        let settled = settle(&letter, &outcome, self.site.now(), chance());
        self.write_down(claim.to_owned(), letter, settled).await?;
        Ok(outcome)
    }

    async fn write_down(&self, claim: String, letter: Outgoing, settled: Settled) -> Result<(), Problem> {
        let now = self.site.now();
        match &settled {
            Settled::Sent => tracing::debug!(letter = %letter.id, "sent"),
            Settled::Again { reason, .. } => tracing::info!(letter = %letter.id, reason, "not sent yet"),
            Settled::Dead { reason, .. } => tracing::warn!(letter = %letter.id, reason, "given up"),
        }
        self.site
            .store
            .writing(move |conn| queries::settle(conn, now, &letter.id, &claim, &settled))
            .await
            .map_err(|error: DbError| Problem::from(error))
    }

    async fn note_server(&self, fault: Option<String>) -> Result<(), Problem> {
        let now: Timestamp = self.site.now();
        self.site
            .store
            .writing(move |conn| queries::note_server(conn, now, fault.as_deref()))
            .await
            .map_err(|error: DbError| Problem::from(error))
    }
}

/// 0 to 1,000.
fn chance() -> i64 {
    i64::from(u16::from_be_bytes(id::random_bytes())) % 1_001
}
