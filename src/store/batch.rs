//! Writes that wait for the same lock are made in one transaction: the disk is asked once for all of them.
//!
//! Each write is a savepoint, so that one which fails takes nothing of another with it, and nobody is
//! answered before the commit. At most [`MOST`] share a transaction, so that nobody waits long. The end of one
//! savepoint and the begin of the next are one statement.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Conn, DbError, Result};

/// How many writes share a transaction at most.
const MOST: usize = 32;

/// One write that waits: what it does, and for which organization.
pub struct Job {
    organization: Option<String>,
    work: Work,
}

type Work = Box<dyn FnOnce(&mut Conn) -> Done + Send>;

/// A write that was made but is not committed: whether it wants to stay, and how to answer whoever waits.
pub struct Done {
    stays: bool,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Job {
    /// The write, and where its answer goes.
    pub fn new<T, E>(
        organization: Option<String>,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
        answer: impl FnOnce(std::result::Result<T, E>) + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let work = move |conn: &mut Conn| {
            let outcome = change(conn);
            Done {
                stays: outcome.is_ok(),
                answer: Box::new(move |committed| {
                    answer(outcome.and_then(|value| committed.map(|()| value).map_err(E::from)));
                }),
            }
        };
        Self {
            organization,
            work: Box::new(work),
        }
    }
}

/// Writes that wait for one another. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lane(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    driven: bool,
}

impl Lane {
    /// Puts the job at the end. Answers whether the caller must now [`Lane::next`] until nothing is left.
    pub fn push(&self, job: Job) -> bool {
        let mut waiting = self.lock();
        waiting.jobs.push_back(job);
        !std::mem::replace(&mut waiting.driven, true)
    }

    /// The next jobs that may share a transaction: those in front that are for the same organization. None
    /// when nobody waits; then the next one who comes drives.
    pub fn next(&self) -> Vec<Job> {
        let mut waiting = self.lock();
        let mut batch: Vec<Job> = waiting.jobs.pop_front().into_iter().collect();
        while batch.len() < MOST
            && let (Some(first), Some(job)) = (batch.first(), waiting.jobs.front())
            && first.organization == job.organization
        {
            batch.extend(waiting.jobs.pop_front());
        }
        waiting.driven = !batch.is_empty();
        batch
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes these writes in a transaction that was begun, and answers each. A lone one needs no savepoint.
pub fn run(conn: Result<impl std::ops::DerefMut<Target = Conn>>, jobs: Vec<Job>) {
    let mut done = Vec::with_capacity(jobs.len());
    let committed = conn.and_then(|mut conn| {
        let organization = jobs.first().and_then(|job| job.organization.clone());
        conn.finishing(|conn| {
            if let Some(organization) = organization {
                conn.lock_organization(&organization)?;
            }
            if jobs.len() > 1 {
                return apart(conn, jobs, &mut done);
            }
            done.extend(jobs.into_iter().filter_map(|job| attempt(conn, job)));
            // A lone write that failed takes the transaction with it.
            match done.first() {
                Some(done) if done.stays => Ok(()),
                _ => Err(DbError::RollbackTransaction),
            }
        })
    });
    for done in done {
        let told = match &committed {
            Ok(()) => Ok(()),
            Err(error) if super::is_unsure(error) => Err(super::unsure(error)),
            Err(error) => Err(DbError::QueryBuilderError(error.to_string().into())),
        };
        (done.answer)(told);
    }
}

/// Makes each write inside a savepoint, so that it can be taken back alone.
fn apart(conn: &mut Conn, jobs: Vec<Job>, all: &mut Vec<Done>) -> Result<()> {
    conn.mark()?;
    let last = jobs.len().saturating_sub(1);
    for (number, job) in jobs.into_iter().enumerate() {
        let done = attempt(conn, job);
        let stays = done.as_ref().is_some_and(|done| done.stays);
        all.extend(done);
        conn.mark_again(stays, number == last)?;
    }
    Ok(())
}

/// Makes the write. One that panics is answered by nobody: whoever waits for it learns that it is gone.
fn attempt(conn: &mut Conn, job: Job) -> Option<Done> {
    catch_unwind(AssertUnwindSafe(|| (job.work)(conn))).ok()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    use diesel::sql_types::BigInt;

    use super::super::{DbError, Store};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }

    fn note(store: &Store, what: i64) -> impl Future<Output = Result<i64, DbError>> + use<> {
        let store = store.clone();
        async move {
            store
                .writing(move |conn| {
                    conn.batch_execute(&format!("INSERT INTO notes VALUES ({what})"))?;
                    match what % 5 {
                        0 => Err(DbError::NotFound),
                        1 => panic!("a write that breaks"),
                        _ => Ok(what),
                    }
                })
                .await
        }
    }

    /// FLT-020.
    #[actix_web::test]
    async fn a_write_that_fails_or_breaks_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        store
            .write(|conn| conn.batch_execute("CREATE TABLE notes (n BIGINT PRIMARY KEY)"))
            .unwrap();
        let waiting: Vec<_> = (0..200)
            .map(|what| actix_web::rt::spawn(note(&store, what)))
            .collect();
        for (what, answer) in (0..200).zip(waiting) {
            let answer = answer.await.unwrap();
            match what % 5 {
                0 => assert_eq!(answer, Err(DbError::NotFound)),
                1 => assert!(answer.is_err(), "{what}"),
                _ => assert_eq!(answer, Ok(what)),
            }
        }
        let kept = store
            .read(|conn| diesel::sql_query("SELECT count(*) AS n FROM notes").get_result::<Count>(conn))
            .unwrap();
        assert_eq!(kept.n, 120);
        // Whoever comes after a quiet time drives anew.
        assert_eq!(note(&store, 1002).await, Ok(1002));
    }

    #[actix_web::test]
    async fn those_who_wait_share_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        let first = store.lane(None);
        for _ in 0..40 {
            first.push(super::Job::new(
                None,
                |_: &mut super::Conn| Ok::<_, DbError>(()),
                drop,
            ));
        }
        assert_eq!(
            [first.next().len(), first.next().len(), first.next().len()],
            [32, 8, 0]
        );
        let job = |organization: &str| {
            super::Job::new(
                Some(organization.to_owned()),
                |_: &mut super::Conn| Ok::<_, DbError>(()),
                drop,
            )
        };
        for organization in ["a", "a", "b", "a"] {
            first.push(job(organization));
        }
        assert_eq!(
            [first.next().len(), first.next().len(), first.next().len()],
            [2, 1, 1]
        );
    }
}
