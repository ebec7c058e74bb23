//! Memory, address space or descriptors run out: `alloc` says so, and the arena goes on.
//!
//! Each scene plays in a process of its own, this test binary started anew below a limit: by the shell's `ulimit`, or
//! in a memory group of the kernel. A process that the kernel ends (SIGBUS, SIGKILL) fails the test.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use theus_shm::{AllocError, Arena, ArenaOptions, Block, ShmError};

const SCENE: &str = "THEUS_SHM_TEST_SCENE";
const MIB: usize = 1 << 20;
/// Far more than any limit here.
const CAPACITY: u64 = 1 << 40;
/// What the memory group may use.
const GROUP_LIMIT: usize = 96 * MIB;

/// Plays a scene behind a line of shell that sets the limit; what went wrong, if anything.
fn play(scene: &str, limit: &str) -> Result<(), String> {
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "pressure::scene", "--ignored", "--nocapture", "--test-threads=1"])
        .env(SCENE, scene)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let played = output.status.success() && said.contains("1 passed");
    if played { Ok(()) } else { Err(format!("{}: {said}", output.status)) }
}

#[test]
#[ignore = "a scene that other tests play in a process of its own"]
fn scene() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    match scene.as_str() {
        "address space" => fill_and_go_on(8 * MIB, |error| matches!(error, ShmError::Memory { .. })),
        "descriptors" => descriptors_run_out(),
        "memory group" => fill_and_go_on(8 * MIB, |error| {
            matches!(error, ShmError::Shortage { .. } | ShmError::Memory { .. })
        }),
        "careless" => drop(vec![1u8; 2 * GROUP_LIMIT]),
        other => panic!("no such scene: {other}"),
    }
}

/// Blocks of `len` bytes until there are no more; all are filled, and the refusal takes nothing.
fn fill(arena: &Arena, len: usize, expected: impl Fn(&ShmError) -> bool) -> Vec<Block> {
    let mut blocks = Vec::new();
    loop {
        let before = arena.stats();
        match arena.alloc(len, true) {
            Ok(mut block) => {
                block.bytes_mut().fill(blocks.len() as u8 + 1);
                blocks.push(block);
            }
            Err(AllocError::Memory { asked, source }) => {
                assert!(expected(&source), "{source}");
                assert_eq!(asked, len as u64);
                let after = arena.stats();
                assert_eq!((after.used, after.blocks), (before.used, before.blocks));
                return blocks;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// Looks at one page in sixteen: there is no memory for a copy of a whole block.
fn is_intact(blocks: &[Block]) -> bool {
    let mut piece = [0; 4096];
    blocks.iter().enumerate().all(|(i, block)| {
        (0..block.len()).step_by(16 * piece.len()).all(|offset| {
            block.read_at(offset, &mut piece).unwrap();
            piece.iter().all(|byte| *byte == i as u8 + 1)
        })
    })
}

fn arena() -> Arc<Arena> {
    Arena::new(ArenaOptions { capacity: CAPACITY })
}

fn fill_and_go_on(len: usize, expected: impl Fn(&ShmError) -> bool) {
    let arena = arena();
    let small = arena.alloc(100, true).unwrap();
    let mut blocks = fill(&arena, len, &expected);
    assert!(!blocks.is_empty());

    // What needs no new segment is still to be had.
    let more = arena.alloc(5000, true).unwrap();
    assert!(more.to_vec().iter().all(|byte| *byte == 0));
    for _ in 0..3 {
        // A kept segment of another length gives way.
        drop(blocks.pop());
        let other = arena.alloc(len / 2, true).unwrap();
        assert!(matches!(arena.alloc(4 * len, true), Err(AllocError::Memory { .. })));
        drop(other);
        let mut again = arena.alloc(len, true).unwrap();
        again.bytes_mut().fill(blocks.len() as u8 + 1);
        blocks.push(again);
    }
    assert!(is_intact(&blocks));
    drop((small, more, blocks));
    arena.trim();
    assert_eq!((arena.stats().used, arena.stats().reserved), (0, 0));
    assert!(arena.alloc(len, true).is_ok());
}

fn descriptors_run_out() {
    let arena = arena();
    let small = arena.alloc(100, true).unwrap();
    let mut blocks = fill(&arena, MIB, |error| matches!(error, ShmError::Descriptors { .. }));
    assert!(blocks.len() > 4, "{} blocks", blocks.len());
    let more = arena.alloc(5000, true).unwrap();
    // The kept segment of a freed block goes out again as it is, or gives its descriptor up for another length.
    drop(blocks.pop());
    drop(arena.alloc(MIB, true).unwrap());
    let longer = arena.alloc(3 * MIB, true).unwrap();
    assert!(matches!(
        arena.alloc(MIB, true),
        Err(AllocError::Memory { source: ShmError::Descriptors { .. }, .. })
    ));
    assert!(is_intact(&blocks));
    drop((small, more, longer, blocks));
    arena.trim();
    assert_eq!((arena.stats().used, arena.stats().reserved), (0, 0));
    assert!(arena.alloc(3 * MIB, true).is_ok());
}

#[test]
fn without_address_space_alloc_is_refused_and_the_arena_goes_on() {
    play("address space", "ulimit -v 524288").unwrap();
}

#[test]
fn without_descriptors_alloc_is_refused_and_the_arena_goes_on() {
    play("descriptors", "ulimit -n 48").unwrap();
}

/// A memory group below the one of this process; taken away when dropped.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// Both layouts of the kernel; `Err` says why this machine has none for us.
    fn new(name: &str) -> Result<Self, String> {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let places = groups.lines().filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let (mount, limit) = match controllers {
                "" => ("/sys/fs/cgroup", "memory.max"),
                "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                _ => return None,
            };
            Some((Path::new(mount).join(path.trim_start_matches('/')), limit))
        });
        let mut why = "no memory controller".to_owned();
        for (parent, limit) in places {
            let folder = parent.join(format!("theus-{name}-{}", std::process::id()));
            if let Err(error) = fs::create_dir(&folder) {
                why = format!("{}: {error}", folder.display());
                continue;
            }
            let group = Self { folder };
            match fs::write(group.folder.join(limit), GROUP_LIMIT.to_string()) {
                Ok(()) => return Ok(group),
                Err(error) => why = format!("{}: {error}", group.folder.join(limit).display()),
            }
        }
        Err(why)
    }

    fn play(&self, scene: &str) -> Result<(), String> {
        play(scene, &format!("echo $$ > '{}'", self.folder.join("cgroup.procs").display()))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group that cannot go now costs nothing; the next start of the machine takes it.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Says aloud that a scene was not played: past the test runner, which swallows what passing tests print.
fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED(memory group): {why}");
}

#[test]
fn in_a_full_memory_group_alloc_is_refused_and_the_arena_goes_on() {
    match Group::new("full") {
        Ok(group) => group.play("memory group").unwrap(),
        Err(why) => skip(&why),
    }
}

#[test]
fn the_memory_group_ends_a_process_that_does_not_ask() {
    match Group::new("careless") {
        Ok(group) => {
            let ended = group.play("careless").unwrap_err();
            assert!(ended.contains("signal: 9"), "{ended}");
        }
        Err(why) => skip(&why),
    }
}
