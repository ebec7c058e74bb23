//! An engine whose trail is on a disk that may be full, fail, or hold what another engine left.

use crate::stage::{int, map, outcomes, path};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use theus::{
    AuditFault, Closed, Durability, Engine, OnFull, Refusal, Trail, TrailOptions, TransactionOptions, Update,
};
use theus_audit::{Disk, DiskFile, RealDisk, VerifyOptions, verify_files};
use theus_testkit::crash::Folders;

/// The real disk, which can be told to refuse.
#[derive(Clone, Debug, Default)]
struct Switched {
    full: Arc<AtomicBool>,
    failing: Arc<AtomicBool>,
}

#[derive(Debug)]
struct File(Arc<dyn DiskFile>, Switched);

impl Disk for Switched {
    fn open(&self, path: &Path, new: bool) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File(RealDisk.open(path, new)?, self.clone())))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<OsString>> {
        RealDisk.names(path)
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_name(path)
    }
}

impl DiskFile for File {
    fn lock(&self) -> io::Result<bool> {
        self.0.lock()
    }

    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.1.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(bytes, offset)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        if self.1.failing.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.0.sync()
    }
}

fn engine(disk: &Switched, at: &Path, options: impl FnOnce(&mut TrailOptions)) -> Engine {
    let mut wanted = TrailOptions::new([7; 16], std::process::id());
    options(&mut wanted);
    let trail = Trail::open_on(Arc::new(disk.clone()), at, wanted).unwrap();
    Engine::builder().initial(map([("n", int(0))])).trail(trail).build()
}

fn set(n: i64) -> Update {
    let mut update = Update::new();
    update.set(path("n"), int(n));
    update
}

#[test]
fn a_full_disk_refuses_the_commit_itself_and_loses_no_record() {
    let folder = Folders::new("trail-full");
    let (disk, at) = (Switched::default(), folder.temporary().join("trail.theus"));
    let engine = engine(&disk, &at, |_| {});
    engine.compare_and_swap(1, set(1)).unwrap();
    let mut transaction = engine.transaction(TransactionOptions::default()).unwrap();
    transaction.update(set(2)).unwrap();
    disk.full.store(true, Ordering::Relaxed);
    let refused = engine.compare_and_swap(2, set(2)).unwrap_err();
    assert!(matches!(refused, Refusal::Audit { error: AuditFault::Unwritten(_), .. }), "{refused:?}");
    assert!(refused.to_string().contains("trail.theus"), "{refused}");
    assert!(transaction.commit().is_err());
    assert_eq!((engine.snapshot().version(), engine.snapshot().get(&path("n"))), (2, Some(&int(1))));
    // What has not begun does not begin.
    assert!(matches!(
        engine.transaction(TransactionOptions::default()),
        Err(Closed::Audit(AuditFault::Unwritten(_)))
    ));
    disk.full.store(false, Ordering::Relaxed);
    engine.compare_and_swap(2, set(3)).unwrap();
    assert_eq!(outcomes(&engine), ["committed", "audit", "audit", "committed"]);
    engine.trail().sync().unwrap();
    drop(engine);
    // The refused attempts' own records have waited in memory, and are there.
    let found: Vec<_> =
        theus_audit::records_of(&at).unwrap().map(|record| record.unwrap().outcome.as_str()).collect();
    assert_eq!(found, ["committed", "audit", "audit", "committed"]);
    assert!(verify_files(&at, &VerifyOptions::default()).unwrap().ok());
}

#[test]
fn a_full_disk_lets_commits_pass_where_that_is_asked_for_and_leaves_no_gap() {
    let folder = Folders::new("trail-pass");
    let (disk, at) = (Switched::default(), folder.temporary().join("trail.theus"));
    let engine = engine(&disk, &at, |options| options.on_full = OnFull::Pass);
    disk.full.store(true, Ordering::Relaxed);
    for version in 1..=50 {
        engine.compare_and_swap(version, set(version as i64)).unwrap();
    }
    disk.full.store(false, Ordering::Relaxed);
    engine.compare_and_swap(51, set(0)).unwrap();
    drop(engine);
    let versions: Vec<_> =
        theus_audit::records_of(&at).unwrap().map(|record| record.unwrap().version).collect();
    assert!(versions.into_iter().eq((2..=52).map(Some)));
    assert!(verify_files(&at, &VerifyOptions::default()).unwrap().ok());
}

#[test]
fn a_failed_sync_is_told_to_whose_commit_stands_and_ends_all_others() {
    let folder = Folders::new("trail-sync");
    let (disk, at) = (Switched::default(), folder.temporary().join("trail.theus"));
    let engine = engine(&disk, &at, |options| options.durability = Durability::Each);
    engine.compare_and_swap(1, set(1)).unwrap();
    disk.failing.store(true, Ordering::Relaxed);
    let told = engine.compare_and_swap(2, set(2)).unwrap_err();
    match &told {
        Refusal::Audit { error: AuditFault::NotDurable { version: 3, .. }, .. } => {}
        other => panic!("{other:?}"),
    }
    assert!(told.to_string().contains("version 3 was committed"), "{told}");
    assert_eq!(engine.snapshot().version(), 3);
    // It is recorded once, as what it is.
    assert_eq!(outcomes(&engine), ["committed", "committed"]);
    // A disk that failed is not trusted again, whatever it says now.
    disk.failing.store(false, Ordering::Relaxed);
    let refused = engine.compare_and_swap(3, set(3)).unwrap_err();
    assert!(matches!(refused, Refusal::Audit { error: AuditFault::Unwritten(_), .. }), "{refused:?}");
    assert_eq!(engine.snapshot().version(), 3);
}

#[test]
fn a_shut_down_engine_lets_go_of_its_trail() {
    let folder = Folders::new("trail-shutdown");
    let at = folder.temporary().join("trail.theus");
    let first = engine(&Switched::default(), &at, |_| {});
    first.compare_and_swap(1, set(1)).unwrap();
    let begun = first.begin(&crate::stage::process("p", &["n"])).unwrap();
    let transaction = first.transaction(TransactionOptions::default()).unwrap();
    first.shutdown(std::time::Duration::ZERO);
    let next = engine(&Switched::default(), &at, |_| {});
    next.compare_and_swap(1, set(2)).unwrap();
    // What was open in the first one cannot commit any more, since nobody would know of it.
    let refused = transaction.commit().unwrap_err();
    assert!(refused.to_string().contains("it was closed"), "{refused}");
    drop((begun, first, next));
    let found: Vec<_> = theus_audit::records_of(&at).unwrap().map(|record| record.unwrap().version).collect();
    assert_eq!(found, [Some(2), Some(2)]);
    assert!(verify_files(&at, &VerifyOptions::default()).unwrap().ok());
}

#[test]
fn the_file_holds_the_commits_of_many_threads_in_the_order_of_versions() {
    let folder = Folders::new("trail-threads");
    let at = folder.temporary().join("trail.theus");
    let engine = engine(&Switched::default(), &at, |options| options.max_file = 64 << 10);
    thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..100 {
                    let mut update = Update::new();
                    update.set(path(&format!("of{thread}")), int(n));
                    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
                }
            });
        }
    });
    let kept: Vec<_> = crate::stage::records(&engine);
    drop(engine);
    let found: Vec<_> = theus_audit::records_of(&at).unwrap().map(|record| record.unwrap()).collect();
    assert!(found.iter().map(|record| record.version).eq((2..=801).map(Some)));
    assert!(found.iter().eq(kept.iter().map(|record| &**record)), "memory and disk hold the same records");
    let report = verify_files(&at, &VerifyOptions::default()).unwrap();
    assert!(report.ok() && report.files > 1, "{report:?}");
}
