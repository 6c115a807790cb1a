//! Threads that own what they work on, fed by one queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::{io, thread};

use tokio::sync::{mpsc, oneshot};
use turnpike_registry::store::Error;

/// Threads that take jobs from one queue; when dropped, they finish what waits, end and are joined.
pub struct Workers<J> {
    jobs: Option<mpsc::Sender<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Workers<J> {
    /// One thread for each of `workers`, which is given 1 to `most` of the jobs that wait, at once.
    /// A job that it drops is answered with [`Error::Unavailable`], and so are the jobs at hand when it
    /// panics; it is then given the next ones.
    pub fn start<W>(
        name: &str,
        waiting: usize,
        most: usize,
        workers: impl IntoIterator<Item = W>,
    ) -> io::Result<Workers<J>>
    where
        W: FnMut(&mut Vec<J>) + Send + 'static,
    {
        let (jobs, queue) = mpsc::channel(waiting);
        let queue = Arc::new(Mutex::new(queue));
        let mut started = Workers { jobs: Some(jobs), threads: Vec::new() };
        for mut worker in workers {
            let queue = Arc::clone(&queue);
            let run = move || {
                let mut batch = Vec::new();
                while take(&queue, &mut batch, most) > 0 {
                    let done = catch_unwind(AssertUnwindSafe(|| worker(&mut batch)));
                    // The panic itself has been reported by the process's hook.
                    drop(done);
                    batch.clear();
                }
            };
            started.threads.push(thread::Builder::new().name(name.to_owned()).spawn(run)?);
        }
        Ok(started)
    }

    /// Hands in the job that `make` builds around the place for its answer, and waits for the answer.
    pub async fn call<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> J) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(unanswered)?;
        jobs.send(make(answer)).await.map_err(|_| unanswered())?;
        answered.await.map_err(|_| unanswered())
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// Waits for a job; how many it took, and 0 when there will be no more.
fn take<J>(queue: &Mutex<mpsc::Receiver<J>>, batch: &mut Vec<J>, most: usize) -> usize {
    queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv_many(batch, most)
}

fn unanswered() -> Error {
    Error::Unavailable("the thread that should answer has stopped".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Sender<u32>;

    #[tokio::test]
    async fn a_panic_is_answered_and_survived() {
        let worker = |batch: &mut Vec<(u32, Answer)>| {
            let (number, answer) = batch.remove(0);
            assert_ne!(number, 13, "a panic on purpose");
            answer.send(number).unwrap();
        };
        let workers = Workers::start("test", 4, 1, [worker]).unwrap();
        for number in [13, 1, 13, 2] {
            let answer = workers.call(|answer| (number, answer)).await;
            match number {
                13 => assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}"),
                _ => assert_eq!(answer.unwrap(), number),
            }
        }
    }

    #[tokio::test]
    async fn what_waits_is_done_before_the_end() {
        let (sender, done) = std::sync::mpsc::channel();
        let worker = move |batch: &mut Vec<(u32, Answer)>| {
            for (number, _) in batch.drain(..) {
                sender.send(number).unwrap();
            }
        };
        let workers = Workers::start("test", 64, 8, [worker]).unwrap();
        let calls = (0..20).map(|number| workers.call(move |answer| (number, answer)));
        futures_util::future::join_all(calls).await;
        drop(workers);
        assert!(done.into_iter().eq(0..20));
    }
}
