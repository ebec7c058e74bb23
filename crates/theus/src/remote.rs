//! A task on a worker: what the worker gets, what it may ask for, and how what it sends is settled.
//!
//! ```text
//! payload of a task:    tuple (arguments: tuple, named arguments: map, base version: int, heavy: map of arrays or null)
//! query of a fetch:     the path's segments, each as u32 length and UTF-8 text
//! reply to a fetch:     tuple (status: int, value): 0 absent, 1 the value, 2 refused, 3 the keys of a place to walk
//! result of a task:     tuple (0, value) a plain value, or (1, update), update = tuple of tuples
//!                       (kind: int, path: str, value): 0 set, 1 merge, 2 delete, 3 append; 4: the version to assert.
//!                       Large arrays in it are "attached" objects (see attached); their memory comes beside the bytes
//! report of an error:   the host language's business, but a map with the text `summary`, and the bool `contract` where the
//!                       body was refused what its contract does not grant
//! ```
//! Invariants: the worker gets what the contract lets it read and nothing else, also when it asks for more; what it
//! sends is decoded with limits and then checked like any update.

use crate::array::{ArrayError, block_of};
use crate::attempt::{Attempt, Settled, shortened};
use crate::audit::digest_of_inputs;
use crate::contract::{Access, HEAVY};
use crate::engine::Engine;
use crate::error::{Refusal, RemoteFailure, TaskError};
use crate::process::Process;
use crate::reading::{Reading, read};
use crate::result::{FOREIGN_MEMORY, holds_array, read_result};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use theus_audit::Outcome as Recorded;
use theus_pool::{
    Attempt as PoolAttempt, Bytes, CrashRecord, Delivery, Function, Job, Lacking, Next, Outcome, Reply,
    Request,
};
use theus_shm::Block;
use theus_state::Isolation;
use theus_value::{Key, Map, Path, Value, decode, encode};

/// Heavy arrays up to this many are listed in the task itself; more are asked for one by one.
const LISTED_ARRAYS: usize = 16;
/// Paths that a worker asked for are noted up to this many; past it, the task counts as having read everything, so that
/// a worker cannot fill the engine's memory with questions.
const NOTED_READS: usize = 10_000;

/// What a task on a worker ends with.
pub type TaskOutput = Result<Settled, TaskError>;

/// A task on a worker.
pub struct RemoteTask {
    attempt: Attempt,
    function: Arc<Function>,
    arguments: Value,
    named: Value,
    limit: Option<Duration>,
    /// What the attempt has read; kept only where it counts, in the serializable mode.
    reads: BTreeSet<Path>,
    crashes: u32,
    warnings: Warnings,
}

/// What the audit has warned of in a task; its caller may look at any time.
pub type Warnings = Arc<Mutex<Vec<String>>>;

impl RemoteTask {
    /// A task of this process, with positional arguments (a tuple) and named ones (a map).
    pub fn new(
        engine: &Engine,
        process: &Process,
        function: Arc<Function>,
        arguments: Value,
        named: Value,
    ) -> Self {
        let mut attempt = Attempt::waiting(engine.clone(), process.clone(), engine.next_task());
        attempt.set_inputs(digest_of_inputs(&arguments, &named));
        let limit = process.contract.timeout;
        let (reads, warnings) = (BTreeSet::new(), Warnings::default());
        RemoteTask { attempt, function, arguments, named, limit, reads, crashes: 0, warnings }
    }

    /// Sets the time limit that its error names.
    #[must_use]
    pub fn limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Adds this many attempts to those that a conflict is granted anyway.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.attempt.allow_retries(retries);
        self
    }

    /// The hash of the arguments.
    pub fn inputs(&self) -> Option<[u8; 32]> {
        self.attempt.inputs()
    }

    /// Where what the audit warns of will stand.
    pub fn warnings(&self) -> Warnings {
        Arc::clone(&self.warnings)
    }

    /// The task's id.
    pub fn id(&self) -> u64 {
        self.attempt.task()
    }

    fn name(&self) -> String {
        self.attempt.process().name.to_string()
    }

    /// The heavy arrays that the contract lets the worker read, if they are few and there is nothing else to read;
    /// Null where the worker has to ask. In the serializable mode it always has to, since what it reads counts.
    fn listed_arrays(&self) -> Value {
        let arrays = match self.attempt.snapshot().root().get(HEAVY) {
            _ if self.attempt.isolation() == Isolation::Serializable => return Value::Null,
            None => return Value::Map(Map::new()),
            Some(Value::Map(arrays)) if arrays.len() <= LISTED_ARRAYS => arrays,
            Some(_) => return Value::Null,
        };
        let mut listed = Map::new();
        let root = Path::from_segments([HEAVY]);
        for (name, value) in arrays.iter() {
            match (self.attempt.process().contract.access(&root.child(name)), value) {
                (Access::Refused, _) => {}
                (Access::Full, Value::Heavy(_)) => {
                    listed.insert(name.clone(), value.clone());
                }
                // An object would be sent with every task, a map shows only what is declared: both wait to be asked for.
                _ => return Value::Null,
            }
        }
        Value::Map(listed)
    }

    fn read(&mut self, query: &[u8]) -> (i64, Value) {
        let Some(path) = parse_query(query) else {
            return (2, Value::Null);
        };
        let reading = read(&self.attempt.process().contract, self.attempt.snapshot(), &path);
        if !matches!(reading, Reading::Refused) {
            self.note(path);
        }
        match reading {
            Reading::Absent => (0, Value::Null),
            Reading::Whole(value) => (1, value),
            Reading::Refused => (2, Value::Null),
            Reading::Keys(keys) => (3, Value::Tuple(keys.into_iter().map(Value::Str).collect())),
        }
    }

    fn note(&mut self, path: Path) {
        if self.attempt.isolation() != Isolation::Serializable || self.reads.contains(&Path::root()) {
            return;
        }
        self.reads.insert(path);
        if self.reads.len() > NOTED_READS {
            self.reads = BTreeSet::from([Path::root()]);
        }
    }

    /// The call ends so, or with what the audit says of it.
    fn ended(&mut self, recorded: Recorded, error: TaskError) -> Next<TaskOutput> {
        let refused = self.attempt.failed_on_worker(recorded, error.to_string());
        Next::Done(Err(error.or_blocked(&self.name(), refused)))
    }

    fn unreadable(&mut self, reason: String) -> Next<TaskOutput> {
        let error = TaskError::Unreadable { process: self.name(), reason };
        self.ended(Recorded::Failed, error)
    }

    fn completed(&mut self, result: Delivery) -> Next<TaskOutput> {
        let returned = match decode(result.as_slice()) {
            Ok(value) => read_result(value),
            Err(error) => Err(error.to_string()),
        };
        let returned = match returned {
            Ok(returned) => returned,
            Err(reason) => return self.unreadable(reason),
        };
        let attached: Arc<[_]> = match result.blocks.into_iter().collect::<Result<Vec<_>, _>>() {
            Ok(blocks) => blocks.into(),
            Err(Lacking::Memory(source)) => {
                let error = ArrayError::Memory { name: format!("result of {}", self.name()), source };
                return self.ended(Recorded::Failed, Refusal::from(error).into());
            }
            Err(unreadable) => return self.unreadable(unreadable.to_string()),
        };
        let reads = std::mem::take(&mut self.reads).into_iter().collect();
        self.attempt.attach(Arc::clone(&attached));
        let settled = self.attempt.settle(returned.clone(), reads);
        // Refused, nobody looks at it any more; the next attempt may be long.
        self.attempt.attach(Arc::new([]));
        match settled {
            Ok(version) => Next::Done(Ok(Settled { version, returned, attached })),
            Err(Refusal::Conflict { retry: Some(wait), .. }) => Next::Retry(wait),
            Err(refusal) => Next::Done(Err(refusal.into())),
        }
    }

    fn failed(&mut self, bytes: &Bytes) -> Next<TaskOutput> {
        let unreadable = |reason: &str| {
            let text = format!("the worker's report cannot be read: {reason}");
            Value::Map([("summary".into(), Value::from(text))].into_iter().collect())
        };
        let report = match decode(bytes.as_slice()) {
            Ok(report) if holds_array(&report) => unreadable(FOREIGN_MEMORY),
            Ok(report) => report,
            Err(error) => unreadable(&error.to_string()),
        };
        let summary = match &report {
            Value::Map(map) => match map.get("summary") {
                Some(Value::Str(text)) => shortened(text.to_string()),
                _ => "an error without a summary".into(),
            },
            _ => "an error without a report".into(),
        };
        let violation = matches!(&report, Value::Map(map) if map.get("contract") == Some(&Value::Bool(true)));
        let recorded = if violation { Recorded::Contract } else { Recorded::Failed };
        let refused = self.attempt.failed_on_worker(recorded, summary.clone());
        // A violation of the contract is raised as what it is.
        let refused = refused.filter(|_| !violation);
        let failure = RemoteFailure { report, summary };
        Next::Done(Err(TaskError::Failed { process: self.name(), failure }.or_blocked(&self.name(), refused)))
    }

    fn crashed(&mut self, record: CrashRecord) -> Next<TaskOutput> {
        self.crashes += 1;
        let retries = self.attempt.process().contract.crash_retries;
        let again = self.crashes <= retries;
        let refused = self.attempt.crashed(record.to_string(), record.ending.signal(), again);
        if again && refused.is_none() {
            return Next::Retry(Duration::ZERO);
        }
        let base_version = self.attempt.snapshot().version();
        let error = TaskError::Crashed { process: self.name(), base_version, record, retries };
        Next::Done(Err(error.or_blocked(&self.name(), refused)))
    }

    /// What the audit has warned of goes where the caller looks for it.
    fn warned(&mut self) {
        let warnings = self.attempt.take_warnings();
        if !warnings.is_empty() {
            self.warnings.lock().extend(warnings);
        }
    }
}

impl Job for RemoteTask {
    type Output = TaskOutput;

    fn start(&mut self, attempt: PoolAttempt) -> Request {
        self.attempt.begin_as(attempt.number, process_of(attempt));
        self.reads.clear();
        let mut blocks = Vec::new();
        let heavy = self.listed_arrays();
        for value in [&heavy, &self.arguments, &self.named] {
            collect_blocks(value, &mut blocks);
        }
        let version = Value::from(self.attempt.snapshot().version());
        let payload = Value::Tuple([self.arguments.clone(), self.named.clone(), version, heavy].into());
        Request { function: Arc::clone(&self.function), payload: encode(&payload), blocks }
    }

    fn fetch(&mut self, query: &[u8]) -> Reply {
        let (status, value) = self.read(query);
        let mut blocks = Vec::new();
        collect_blocks(&value, &mut blocks);
        Reply { payload: encode(&Value::Tuple([Value::Int(status), value].into())), blocks }
    }

    fn ready(&mut self) -> Option<Duration> {
        self.attempt.ready()
    }

    fn finish(&mut self, attempt: PoolAttempt, outcome: Outcome) -> Next<TaskOutput> {
        self.attempt.end_as(attempt.number, process_of(attempt));
        let next = match outcome {
            Outcome::Completed(result) => self.completed(result),
            Outcome::Failed(bytes) => self.failed(&bytes),
            Outcome::Crashed(record) => self.crashed(record),
            Outcome::TimedOut => {
                let limit = self.limit.unwrap_or_default();
                self.ended(Recorded::Timeout, TaskError::TimedOut { process: self.name(), limit })
            }
            Outcome::Cancelled => {
                self.ended(Recorded::Cancelled, TaskError::Cancelled { process: self.name() })
            }
            Outcome::Undeliverable(reason) => {
                self.ended(Recorded::Failed, TaskError::Undeliverable { process: self.name(), reason })
            }
        };
        self.warned();
        next
    }
}

/// The worker process of an attempt; None when it never reached one.
fn process_of(attempt: PoolAttempt) -> Option<u32> {
    (attempt.worker != 0).then_some(attempt.worker)
}

/// The blocks of a value's arrays.
fn collect_blocks(value: &Value, blocks: &mut Vec<Arc<Block>>) {
    value.any(&mut |found| {
        if let Value::Heavy(heavy) = found {
            blocks.extend(block_of(heavy));
        }
        false
    });
}

/// A path as a worker sends it: each segment as a length (u32, little-endian) and its text.
pub fn path_query(path: &Path) -> Vec<u8> {
    let mut query = Vec::new();
    for segment in path.segments() {
        query.extend_from_slice(&(segment.len() as u32).to_le_bytes());
        query.extend_from_slice(segment.as_bytes());
    }
    query
}

fn parse_query(mut query: &[u8]) -> Option<Path> {
    let mut segments: Vec<Key> = Vec::new();
    while !query.is_empty() {
        let (length, rest) = query.split_first_chunk::<4>()?;
        let (segment, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        segments.push(std::str::from_utf8(segment).ok()?.into());
        query = rest;
    }
    Some(Path::from_segments(segments))
}
