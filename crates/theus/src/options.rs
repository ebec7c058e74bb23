//! How an engine is made.

use crate::audit::{AuditParts, BrokenRule};
use crate::engine::Engine;
use crate::error::Refusal;
use crate::intake::take_in;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use theus_audit::{AuditSystem, Book, Trail};
use theus_pool::Launch;
use theus_shm::{Arena, ArenaOptions};
use theus_state::Isolation;
use theus_value::{Map, Op, Path, Update};

/// Whose data the initial data is, in errors.
const INITIAL: &str = "initial data";

/// What an engine is made from; [`Builder::build`] makes it.
#[derive(Debug)]
pub struct Builder {
    pub(crate) initial: Map,
    pub(crate) isolation: Isolation,
    pub(crate) heap_bytes: u64,
    pub(crate) pool_size: usize,
    pub(crate) audit: AuditParts,
    pub(crate) write_limit: Duration,
    pub(crate) launch: Launch,
}

impl Default for Builder {
    fn default() -> Self {
        let launch = Launch {
            program: PathBuf::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            hello: Vec::new(),
        };
        Builder {
            initial: Map::new(),
            isolation: Isolation::Smart,
            heap_bytes: 512 << 20,
            pool_size: 4,
            audit: AuditParts::default(),
            write_limit: Duration::from_secs(300),
            launch,
        }
    }
}

impl Builder {
    /// The data that the state begins with: version 1, or 0 when it is empty.
    #[must_use]
    pub fn initial(mut self, initial: Map) -> Self {
        self.initial = initial;
        self
    }

    /// Which changes beside a commit refuse it.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Most bytes of live heavy data.
    #[must_use]
    pub fn heap_bytes(mut self, bytes: u64) -> Self {
        self.heap_bytes = bytes;
        self
    }

    /// Most worker processes at once.
    #[must_use]
    pub fn pool_size(mut self, size: usize) -> Self {
        self.pool_size = size;
        self
    }

    /// How many audit records are kept in memory. Replaces [`trail`](Self::trail).
    #[must_use]
    pub fn audit_capacity(self, records: usize) -> Self {
        self.trail(Trail::new(records))
    }

    /// Where the records of attempts go, such as a trail on disk.
    #[must_use]
    pub fn trail(mut self, trail: Trail) -> Self {
        self.audit.trail = trail;
        self
    }

    /// The rules that processes are held to, and what happens when they are broken.
    ///
    /// # Errors
    /// When an output rule looks at what is no path.
    ///
    /// ```
    /// use theus::{Book, Contract, Declared, Engine, Leniency, Process, Returned, Value};
    ///
    /// let recipe = "
    /// process_recipes:
    ///   count:
    ///     outputs: [{field: domain.count, max: 9, level: A}]
    /// ";
    /// let (book, _notices) = Book::parse(recipe, "recipe.yaml", Leniency::Strict)?;
    /// let engine = Engine::builder().rules(book)?.build();
    /// let outputs = Some(vec![Declared::parse("domain.count")?]);
    /// let process = Process::new("count", Contract { outputs, ..Contract::default() });
    ///
    /// let mut attempt = engine.begin(&process)?;
    /// let refused = attempt.settle(Returned::Value(Value::Int(10)), Vec::new()).unwrap_err();
    /// assert_eq!(refused.outcome().as_str(), "audit");
    /// assert_eq!(engine.snapshot().version(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rules(mut self, book: Book) -> Result<Self, BrokenRule> {
        self.audit.set_book(book)?;
        Ok(self)
    }

    /// Counters of failures that this engine shares with others. Their recipe beats that of the rules.
    #[must_use]
    pub fn audit_system(mut self, system: Arc<AuditSystem>) -> Self {
        self.audit.system = Some(system);
        self
    }

    /// How long a write may wait for the priority ticket of somebody else.
    #[must_use]
    pub fn write_limit(mut self, limit: Duration) -> Self {
        self.write_limit = limit;
        self
    }

    /// How worker processes are started.
    #[must_use]
    pub fn launch(mut self, launch: Launch) -> Self {
        self.launch = launch;
        self
    }

    /// The engine. Nothing is started yet.
    ///
    /// Arrays in the initial data stay as they are; see [`try_build`](Self::try_build).
    pub fn build(self) -> Engine {
        Engine::from_builder(self)
    }

    /// The engine, with the arrays of the initial data brought into the heavy zone.
    ///
    /// # Errors
    /// When the initial data does not fit: an array that cannot be, no room for one, too many levels.
    pub fn try_build(mut self) -> Result<Engine, Refusal> {
        let arena = Arena::new(ArenaOptions { capacity: self.heap_bytes });
        let mut update = Update::new();
        update.merge(Path::root(), self.initial);
        let update = take_in(&arena, INITIAL, &[], update)?;
        self.initial = match update.ops() {
            [Op::Merge { value, .. }] => value.clone(),
            _ => Map::new(),
        };
        Ok(Engine::with_arena(self, arena))
    }
}
