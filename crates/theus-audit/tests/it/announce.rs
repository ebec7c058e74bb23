//! Records as events of `tracing`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use theus_audit::{Entry, Outcome, TARGET, Trail};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<&'static str, String>;

/// A subscriber that keeps what it is told.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(Level, Fields)>>>);

struct Reader(Fields);

impl Visit for Reader {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut reader = Reader(Fields::new());
        event.record(&mut reader);
        self.0.lock().unwrap().push((*event.metadata().level(), reader.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn each_record_is_an_event_with_its_fields() {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let trail = Trail::default();
        trail.append(
            Entry::new("thumbnail", 7, Outcome::Crashed).attempt(2).signal(9).worker(4711).error("it died"),
        );
        trail.append(Entry::new("thumbnail", 7, Outcome::Conflict).attempt(3));
        let committed =
            trail.try_append(Entry::new("thumbnail", 7, Outcome::Committed).attempt(4).version(5)).unwrap();
        assert_eq!(
            kept.0.lock().unwrap().len(),
            2,
            "what is appended under the store's lock waits to be announced"
        );
        committed.announce();
        trail.append(Entry::new("audit.reset", 8, Outcome::Reset).reason("seen to"));
    });
    let events = kept.0.lock().unwrap();
    let levels: Vec<Level> = events.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::INFO, Level::INFO, Level::INFO]);
    let of = |index: usize, field: &str| events[index].1.get(field).map(String::as_str);
    for (field, value) in [
        ("number", "1"),
        ("process", "\"thumbnail\""),
        ("task", "7"),
        ("attempt", "2"),
        ("outcome", "\"crashed\""),
        ("signal", "9"),
        ("worker", "4711"),
        ("error", "\"it died\""),
    ] {
        assert_eq!(of(0, field), Some(value), "{field}");
    }
    assert_eq!((of(0, "version"), of(2, "version")), (None, Some("5")));
    assert_eq!((of(2, "number"), of(3, "reason")), (Some("3"), Some("\"seen to\"")));
}
