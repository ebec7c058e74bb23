//! The job of these tests, which counts what the pool does with it, and the pool they use.

use crate::hand;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use theus_pool::{
    Attempt, CrashRecord, Function, Job, Launch, Next, OnRefused, Outcome, Pool, PoolOptions, Reply, Request,
    TaskHandle,
};
use theus_shm::{Arena, ArenaOptions, Block};

/// Longer than any test takes on a slow machine: a wait this long means that a task was lost.
pub(crate) const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Done(Vec<u8>),
    Failed(Vec<u8>),
    Crashed(CrashRecord),
    TimedOut,
    Cancelled,
    Undeliverable(String),
}

impl End {
    pub(crate) fn text(&self) -> String {
        match self {
            End::Done(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// Where a job's own code panics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Panic {
    Never,
    Start,
    Fetch,
    Finish,
    Always,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) starts: AtomicUsize,
    /// Times that the job said that it is done.
    pub(crate) ends: AtomicUsize,
    /// Times that the job was asked whether its turn has come.
    pub(crate) asked: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) function: Arc<Function>,
    pub(crate) payload: Vec<u8>,
    pub(crate) blocks: Vec<Arc<Block>>,
    pub(crate) counts: Arc<Counts>,
    /// Attempts that may be lost before the job gives up.
    pub(crate) retries: u32,
    pub(crate) pause: Duration,
    pub(crate) panic: Panic,
    /// Wants a second attempt, and answers so often that its turn has not come.
    pub(crate) waits: Option<usize>,
}

impl Work {
    pub(crate) fn new(payload: impl Into<Vec<u8>>) -> Self {
        Work {
            function: Arc::new(Function { id: 1, definition: b"the function".to_vec() }),
            payload: payload.into(),
            blocks: Vec::new(),
            counts: Arc::default(),
            retries: 0,
            pause: Duration::ZERO,
            panic: Panic::Never,
            waits: None,
        }
    }

    pub(crate) fn waits(mut self, waits: usize) -> Self {
        self.waits = Some(waits);
        self
    }

    pub(crate) fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    pub(crate) fn panic(mut self, panic: Panic) -> Self {
        self.panic = panic;
        self
    }
}

impl Job for Work {
    type Output = End;

    fn start(&mut self, _attempt: Attempt) -> Request {
        self.counts.starts.fetch_add(1, Ordering::Relaxed);
        assert!(self.panic != Panic::Start, "a panic that a test planted");
        Request {
            function: Arc::clone(&self.function),
            payload: self.payload.clone(),
            blocks: self.blocks.clone(),
        }
    }

    fn fetch(&mut self, query: &[u8]) -> Reply {
        assert!(self.panic != Panic::Fetch, "a panic that a test planted");
        Reply { payload: [b"reply to ", query].concat(), blocks: Vec::new() }
    }

    fn ready(&mut self) -> Option<Duration> {
        let asked = self.counts.asked.fetch_add(1, Ordering::Relaxed);
        self.waits.is_some_and(|waits| asked < waits).then_some(Duration::from_millis(1))
    }

    fn finish(&mut self, attempt: Attempt, outcome: Outcome) -> Next<End> {
        if self.panic == Panic::Finish {
            self.panic = Panic::Never;
            panic!("a panic that a test planted");
        }
        assert!(self.panic != Panic::Always, "a panic that a test planted");
        let end = match outcome {
            Outcome::Completed(_) if self.waits.is_some() && attempt.number == 1 => {
                return Next::Retry(Duration::from_millis(1));
            }
            Outcome::Completed(result) => {
                let attached = result.blocks.iter().flat_map(|block| match block {
                    Ok(block) => block.to_vec(),
                    Err(error) => error.to_string().into_bytes(),
                });
                End::Done(result.as_slice().iter().copied().chain(attached).collect())
            }
            Outcome::Failed(bytes) => End::Failed(bytes.as_slice().to_vec()),
            Outcome::Crashed(_) if attempt.number <= self.retries => return Next::Retry(self.pause),
            Outcome::Crashed(record) => End::Crashed(record),
            Outcome::TimedOut => End::TimedOut,
            Outcome::Cancelled => End::Cancelled,
            Outcome::Undeliverable(why) => End::Undeliverable(why),
        };
        self.counts.ends.fetch_add(1, Ordering::Relaxed);
        Next::Done(end)
    }
}

/// A pool with task numbers.
pub(crate) struct TestPool {
    pub(crate) pool: Pool<Work>,
    next: AtomicU64,
    /// What the pool told of refused completions.
    pub(crate) refused: Arc<Mutex<Vec<Attempt>>>,
}

impl TestPool {
    pub(crate) fn new(size: usize, mode: &str) -> Self {
        Self::with(size, hand::launch(mode), LONG, 64 << 20)
    }

    pub(crate) fn with(size: usize, launch: Launch, start_timeout: Duration, capacity: u64) -> Self {
        let arena = Arena::new(ArenaOptions { capacity });
        let refused = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&refused);
        let on_refused = OnRefused(Box::new(move |attempt| told.lock().unwrap().push(attempt)));
        let options = PoolOptions { size, launch, arena, start_timeout, on_refused: Some(on_refused) };
        TestPool { pool: Pool::new(options).unwrap(), next: AtomicU64::new(1), refused }
    }

    pub(crate) fn submit(&self, work: Work) -> TaskHandle<Work> {
        self.submit_until(work, None)
    }

    pub(crate) fn submit_until(&self, work: Work, deadline: Option<Instant>) -> TaskHandle<Work> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.pool.submit(id, work, deadline).unwrap()
    }

    /// Runs one task to its end.
    pub(crate) fn run(&self, work: Work) -> Arc<End> {
        self.submit(work).wait(Some(LONG)).expect("each task ends")
    }

    /// Runs one task that must return.
    pub(crate) fn ask(&self, payload: impl Into<Vec<u8>>) -> Vec<u8> {
        match &*self.run(Work::new(payload)) {
            End::Done(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The worker that has this task, once one has it.
    pub(crate) fn worker_of(&self, task: &TaskHandle<Work>) -> u32 {
        until(|| {
            let workers = self.pool.stats().workers;
            workers.iter().find(|worker| worker.task == Some(task.id())).map(|worker| worker.pid)
        })
    }
}

/// Looks until there is an answer.
pub(crate) fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(started.elapsed() < LONG, "what was waited for did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}
