//! Zones and physics: the specification's matrix of operation, zone and route as one table; what is judged as one; commits
//! beside the judged one.

use crate::remote::{attempt, completed, task};
use crate::stage::{contract, int, mapping, outcomes, path, process, records, tuple};
use theus::{
    Authority, Capabilities, Engine, Path, Process, Refusal, Returned, StateUpdate, TaskError,
    TransactionOptions, Update, Value, Violation, Zone, encode,
};
use theus_pool::{Job, Next};
use theus_value::{Map, Op};

/// The specification's table, in its letters. Columns: data signal meta heavy log constant private.
///
/// `.` passes; `A`, `U`, `D`: refused, for APPEND, UPDATE or DELETE is missing.
const TABLE: [(&str, Change, &str, &str); 19] = [
    // operation                                             process          admin
    ("append to its list", append, /*                    */ ". . A A . A A", ". . . . . A A"),
    ("append nothing", append_nothing, /*                */ ". . . . . . .", ". . . . . . ."),
    ("begin a list by appending", append_absent, /*      */ ". . A A . A A", ". . . . . A A"),
    ("begin a list by assigning", begin, /*              */ ". . . . . U U", ". . . . . U ."),
    ("assign a longer list", extend, /*                  */ ". . . . . U U", ". . . . . U ."),
    ("merge a longer list", merge_longer, /*             */ ". . . . . U U", ". . . . . U ."),
    ("insert in the middle", insert, /*                  */ ". . . . U U U", ". . . . . U ."),
    ("assign a reversed list", reverse, /*               */ ". U . . U U U", ". . . . . U ."),
    ("assign a shorter list", shorten, /*                */ ". U . . U U U", ". . . . . U ."),
    ("assign another value", assign, /*                  */ ". U . . U U U", ". . . . . U ."),
    ("merge another value", merge_other, /*              */ ". U . . U U U", ". . . . . U ."),
    ("assign to a new key", new_key, /*                  */ ". U . . U U U", ". . . . . U ."),
    ("assign the same value", same, /*                   */ ". . . . . . .", ". . . . . . ."),
    ("delete", delete, /*                                */ ". D D D D D D", ". . . . . D D"),
    ("delete what is absent", delete_absent, /*          */ ". . . . . . .", ". . . . . . ."),
    ("replace its container, changing it", replaced, /*  */ ". U . . U U U", ". . . . . U ."),
    ("replace its container, dropping it", dropped, /*   */ ". D D D D D D", ". . . . . D D"),
    ("replace its container, keeping it", kept, /*       */ ". . . . . . .", ". . . . . . ."),
    ("delete its container", delete_container, /*        */ ". D D D D D D", ". . . . . D D"),
];

/// The places of each zone, each holding the list 1, 2: below a prefix, a bare word, other names, and in a list.
const PLACES: [(Zone, &[&str]); 7] = [
    (Zone::Data, &["box.x", "box.constant", "box.logs.my_log_x", "box.list.0.x", "box.metadata_"]),
    (
        Zone::Signal,
        &["box.sig_x", "box.cmd_x", "box.signal.x", "box.cmd.x", "box.sig.x", "box.a.list.0.sig_"],
    ),
    (Zone::Meta, &["box.meta_x", "box.meta.x", "box.list.1.meta_x", "box.meta.a.meta_x"]),
    (Zone::Heavy, &["box.heavy_x", "box.heavy.x", "box.a.b.heavy_x"]),
    (Zone::Log, &["box.log_x", "box.audit_x", "box.log.x", "box.list.0.log_x", "box.log.deep.er.x"]),
    (Zone::Constant, &["box.const_x", "box.a.const_", "box.list.0.const_x"]),
    (Zone::Private, &["box.internal_x", "box.a.internal_x", "box.list.0.internal_x"]),
];

type Change = fn(&Scene) -> Update;

/// One place in one state.
struct Scene {
    /// Holds the list 1, 2.
    place: Path,
    /// Beside it, of the same zone: holds nothing.
    absent: Path,
    /// A map of the data zone that holds the place, at some depth.
    container: Path,
    root: Map,
}

fn list(items: &[i64]) -> Value {
    Value::from(items.iter().copied().map(Value::from).collect::<Vec<_>>())
}

impl Scene {
    fn new(text: &str) -> Self {
        let place = path(text);
        let name = format!("{}2", place.last().unwrap());
        let absent = place.parent().unwrap().child(&name);
        // Lists are built by hand, the rest by the first write.
        let mut update = Update::new();
        let item = || mapping([("y", int(1))]);
        update.set(path("box.list"), Value::from(vec![item(), item()]));
        update.set(path("box.a.list"), Value::from(vec![item()]));
        update.set(place.clone(), list(&[1, 2])).set(path("box.other"), int(1));
        let root = update.apply(&Map::new()).unwrap();
        Scene { place, absent, container: path("box"), root }
    }

    fn engine(&self) -> Engine {
        Engine::builder().initial(self.root.clone()).build()
    }

    fn set(&self, path: &Path, value: Value) -> Update {
        Op::Set { path: path.clone(), value }.into_update()
    }

    fn merge(&self, path: &Path, value: Value) -> Update {
        let (last, above) = path.segments().split_last().unwrap();
        let above = Path::from_segments(above.iter().cloned());
        Op::Merge { path: above, value: [(last.clone(), value)].into_iter().collect() }.into_update()
    }

    /// The container with something done to it.
    fn container(&self, update: &Update) -> Value {
        let mut update = update.clone();
        update.set(path("box.other"), int(2));
        let root = update.apply(&self.root).unwrap();
        root.get_path(&self.container).unwrap().clone()
    }
}

trait IntoUpdate {
    fn into_update(self) -> Update;
}

impl IntoUpdate for Op {
    fn into_update(self) -> Update {
        [self].into_iter().collect()
    }
}

fn append(scene: &Scene) -> Update {
    Op::Append { path: scene.place.clone(), values: vec![int(3)] }.into_update()
}
fn append_nothing(scene: &Scene) -> Update {
    Op::Append { path: scene.place.clone(), values: vec![] }.into_update()
}
fn append_absent(scene: &Scene) -> Update {
    Op::Append { path: scene.absent.clone(), values: vec![int(3)] }.into_update()
}
fn begin(scene: &Scene) -> Update {
    scene.set(&scene.absent, list(&[7]))
}
fn extend(scene: &Scene) -> Update {
    scene.set(&scene.place, list(&[1, 2, 3]))
}
fn merge_longer(scene: &Scene) -> Update {
    merged(scene, list(&[1, 2, 3]))
}
fn insert(scene: &Scene) -> Update {
    scene.set(&scene.place, list(&[1, 9, 2]))
}
fn reverse(scene: &Scene) -> Update {
    scene.set(&scene.place, list(&[2, 1]))
}
fn shorten(scene: &Scene) -> Update {
    scene.set(&scene.place, list(&[1]))
}
fn assign(scene: &Scene) -> Update {
    scene.set(&scene.place, int(5))
}
fn merge_other(scene: &Scene) -> Update {
    merged(scene, Value::from("text"))
}
fn new_key(scene: &Scene) -> Update {
    scene.set(&scene.absent, int(5))
}
fn same(scene: &Scene) -> Update {
    scene.set(&scene.place, list(&[1, 2]))
}
fn delete(scene: &Scene) -> Update {
    Op::Delete { path: scene.place.clone() }.into_update()
}
fn delete_absent(scene: &Scene) -> Update {
    Op::Delete { path: scene.absent.clone() }.into_update()
}
fn replaced(scene: &Scene) -> Update {
    scene.set(&scene.container, scene.container(&assign(scene)))
}
fn dropped(scene: &Scene) -> Update {
    scene.set(&scene.container, scene.container(&delete(scene)))
}
fn kept(scene: &Scene) -> Update {
    // As it comes from a host language: equal, and sharing nothing.
    let kept = theus::decode(&encode(&scene.container(&Update::new()))).unwrap();
    scene.set(&scene.container, kept)
}
fn delete_container(scene: &Scene) -> Update {
    Op::Delete { path: scene.container.clone() }.into_update()
}

/// A merge of the place into the map above it; by an assignment, where a list is above.
fn merged(scene: &Scene, value: Value) -> Update {
    scene.merge(&scene.place, value)
}

/// The ways that an update comes to the state: a process of this contract, or a caller.
const ROUTES: [(&str, Route); 5] = [
    ("returned value", by_returned_value),
    ("StateUpdate", by_state_update),
    ("worker's result", by_worker),
    ("compare and swap", by_swap),
    ("transaction", by_transaction),
];

/// None where the operation cannot be said on this route.
type Route = fn(&Engine, &Update) -> Option<Result<u64, Refusal>>;

/// A returned value replaces its path, so it can say what assigns.
fn by_returned_value(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    let [Op::Set { path, value }] = update.ops() else { return None };
    let writer = process("writer", &[&path.to_string()]);
    Some(engine.begin(&writer).unwrap().settle(Returned::Value(value.clone()), Vec::new()))
}

fn writer() -> Process {
    Process::new("writer", contract(&[], &["data"]))
}

fn by_state_update(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    let returned = Returned::Update(StateUpdate { update: update.clone(), assert_version: None });
    Some(engine.begin(&writer()).unwrap().settle(returned, Vec::new()))
}

fn by_worker(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    let ops = update.ops().iter().map(|op| {
        let (kind, value) = match op.clone() {
            Op::Set { value, .. } => (0, value),
            Op::Merge { value, .. } => (1, Value::Map(value)),
            Op::Delete { .. } => (2, Value::Null),
            Op::Append { values, .. } => (3, Value::from(values)),
        };
        tuple([int(kind), Value::from(op.path().to_string()), value])
    });
    let mut task = task(engine, &writer());
    let _request = task.start(attempt(1));
    let sent = tuple([int(1), Value::Tuple(ops.collect())]);
    Some(match task.finish(attempt(1), completed(&sent)) {
        Next::Done(Ok(settled)) => Ok(settled.version),
        Next::Done(Err(TaskError::Refused(refusal))) => Err(refusal),
        Next::Done(Err(error)) => panic!("{error}"),
        Next::Retry(wait) => panic!("a retry after {wait:?}"),
    })
}

fn by_swap(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    Some(engine.compare_and_swap(engine.snapshot().version(), update.clone()))
}

fn by_transaction(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    Some(transact(engine, update, Authority::Process))
}

fn transact(engine: &Engine, update: &Update, authority: Authority) -> Result<u64, Refusal> {
    let options = TransactionOptions { authority, ..TransactionOptions::default() };
    let mut transaction = engine.transaction(options).unwrap();
    transaction.update(update.clone()).unwrap();
    transaction.commit()
}

fn by_admin(engine: &Engine, update: &Update) -> Option<Result<u64, Refusal>> {
    Some(transact(engine, update, Authority::Admin { reason: "repair".into() }))
}

/// The state's bytes and version.
fn state(engine: &Engine) -> (u64, Vec<u8>) {
    let snapshot = engine.snapshot();
    (snapshot.version(), encode(&Value::Map(snapshot.root().clone())))
}

fn letter(capability: Capabilities) -> char {
    match capability {
        Capabilities::APPEND => 'A',
        Capabilities::UPDATE => 'U',
        Capabilities::DELETE => 'D',
        other => panic!("{other}"),
    }
}

/// What the table says of an attempt to make a change; a refused one must leave no trace but its record.
fn outcome(engine: &Engine, update: &Update, route: Route) -> Option<char> {
    let before = state(engine);
    match route(engine, update)? {
        Ok(version) => {
            assert_eq!(outcomes(engine), ["committed"]);
            assert_eq!(version, 2);
            let after = update.apply(engine.snapshot().root()).unwrap();
            let appended = update.ops().iter().any(|op| matches!(op, Op::Append { .. }));
            assert!(appended || &after == engine.snapshot().root(), "the change is there");
            Some('.')
        }
        Err(refusal) => {
            assert_eq!(outcomes(engine), ["contract"], "{refusal}");
            assert_eq!(state(engine), before);
            assert_eq!(records(engine)[0].error, Some(refusal.to_string()));
            let Refusal::Violation(Violation::Physics { needed, path, .. }) = &refusal else {
                panic!("{refusal}")
            };
            assert!(refusal.to_string().contains(&format!("{needed} capability required for path '{path}'")));
            Some(letter(*needed))
        }
    }
}

#[test]
fn every_route_obeys_the_matrix_of_operation_and_zone() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    let mut check = |said: (&str, Zone, &str, &str), expected: char, found: char| {
        checked += 1;
        if expected != found {
            wrong.push(format!("{said:?}: the table says {expected}, found {found}"));
        }
    };
    for (operation, change, by_process, by_maintenance) in TABLE {
        for (column, (zone, places)) in PLACES.iter().enumerate() {
            let cell = |row: &str| row.chars().nth(2 * column).unwrap();
            for place in *places {
                let scene = Scene::new(place);
                let update = change(&scene);
                for (name, route) in ROUTES {
                    let Some(found) = outcome(&scene.engine(), &update, route) else { continue };
                    check((operation, *zone, place, name), cell(by_process), found);
                }
                let found = outcome(&scene.engine(), &update, by_admin).unwrap();
                check((operation, *zone, place, "admin"), cell(by_maintenance), found);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 2000, "{checked}");
}
