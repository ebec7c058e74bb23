//! What the tests of sessions share: an owner with blocks on a shelf, and programs of their own that play a role.
//!
//! A role is this test binary, started anew; its standard input is its end of a socket pair, its role and what it needs
//! to know are in its environment.

use std::collections::BTreeMap;
use std::env;
use std::io::stdin;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use theus_shm::session::{Attached, Catalogue, Folder, Listener, Offer, SessionName};
use theus_shm::{Arena, ArenaOptions, Block, socket};

use super::raw;

/// Long enough for any machine; only a broken test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const ROLE: &str = "THEUS_SHM_SESSION_ROLE";

const ABOUT: &str = "THEUS_SHM_SESSION_ABOUT";

/// Blocks by name, as an owner has them.
pub(crate) struct Shelf {
    pub(crate) arena: Arc<Arena>,
    blocks: Mutex<BTreeMap<String, Arc<Block>>>,
}

impl Shelf {
    pub(crate) fn new() -> Arc<Self> {
        let arena = Arena::new(ArenaOptions { capacity: 64 << 20 });
        Arc::new(Self { arena, blocks: Mutex::default() })
    }

    /// Puts a block with these bytes on the shelf; its serial.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> u64 {
        let block = self.arena.alloc(bytes.len(), true).unwrap();
        block.write_at(0, bytes).unwrap();
        let serial = block.serial();
        self.blocks.lock().unwrap().insert(name.into(), Arc::new(block));
        serial
    }

    pub(crate) fn take(&self, name: &str) {
        self.blocks.lock().unwrap().remove(name);
    }

    pub(crate) fn blocks_in_use(&self) -> u64 {
        self.arena.stats().blocks
    }
}

impl Catalogue for Shelf {
    fn names(&self, after: &str, most: usize) -> Vec<String> {
        let blocks = self.blocks.lock().unwrap();
        blocks.keys().filter(|name| name.as_str() > after).take(most).cloned().collect()
    }

    fn by_name(&self, name: &str) -> Option<Offer> {
        assert_ne!(name, "panic", "as the test wants");
        let block = self.blocks.lock().unwrap().get(name).cloned()?;
        Some(Offer { block, metadata: format!("about {name}").into_bytes() })
    }

    fn by_serial(&self, serial: u64) -> Option<Offer> {
        let blocks = self.blocks.lock().unwrap();
        let block = blocks.values().find(|block| block.serial() == serial)?;
        Some(Offer { block: Arc::clone(block), metadata: Vec::new() })
    }
}

/// An owner that listens at an anonymous address, with the block `a` on its shelf.
pub(crate) fn owner() -> (Arc<Shelf>, Listener) {
    let shelf = Shelf::new();
    shelf.put("a", b"hello");
    let listener = Listener::anonymous(Arc::clone(&shelf) as Arc<dyn Catalogue>).unwrap();
    (shelf, listener)
}

/// What is read of a block by somebody who comes anew: whether the owner still serves others.
pub(crate) fn serves(listener: &Listener) -> bool {
    let mut bytes = [0; 5];
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    attached.open("a").unwrap().read_at(0, &mut bytes).unwrap();
    &bytes == b"hello"
}

/// A folder for one test, gone with this value.
pub(crate) struct Place {
    pub(crate) folder: Folder,
}

impl Place {
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("session-{}-{test}", std::process::id());
        Self { folder: Folder::at(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)) }
    }

    /// The names of all files in the folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.folder.path());
    }
}

pub(crate) fn name(text: &str) -> SessionName {
    SessionName::new(text).unwrap()
}

/// Waits for what must come true.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

/// A program that plays a role; killed with this value.
pub(crate) struct Actor {
    pub(crate) child: Child,
    pub(crate) socket: OwnedFd,
}

impl Actor {
    /// `about` is what the role needs to know: an address, or a folder.
    pub(crate) fn start(role: &str, about: &str, user: Option<u32>) -> Self {
        Self::start_in("session::stage::role", role, about, user)
    }

    /// As [`start`](Self::start), with a role of another test.
    pub(crate) fn start_in(test: &str, role: &str, about: &str, user: Option<u32>) -> Self {
        let (ours, theirs) = socket::pair().unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(ABOUT, about)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        Self { child: command.spawn().unwrap(), socket: ours }
    }

    /// The next thing that it says.
    pub(crate) fn hear(&self) -> String {
        let mut buffer = [0; 512];
        let (len, _) =
            socket::recv(&self.socket, &mut buffer, 0, true).unwrap().expect("the other side is there");
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    pub(crate) fn tell(&self, text: &str) {
        socket::send(&self.socket, text.as_bytes(), &[]).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The role that this process plays, what it needs to know, and its end of the socket.
pub(crate) fn cast() -> (String, String, OwnedFd) {
    let socket = stdin().as_fd().try_clone_to_owned().unwrap();
    (env::var(ROLE).unwrap(), env::var(ABOUT).unwrap(), socket)
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn role() {
    let (role, about, socket) = cast();
    let say = |text: &str| socket::send(&socket, text.as_bytes(), &[]).unwrap();
    let wait = || drop(socket::recv(&socket, &mut [0; 8], 0, true));
    let attach = || Attached::to_address(&theus_shm::session::Address::parse(&about).unwrap());
    match role.as_str() {
        "read" => {
            let opened = attach().unwrap().open("a").unwrap();
            let mut bytes = [0; 5];
            opened.read_at(0, &mut bytes).unwrap();
            say(&String::from_utf8_lossy(&bytes));
            wait();
        }
        "read by name" => {
            let attached = Attached::to_name(&Folder::at(about), &name("served")).unwrap();
            let opened = attached.open("a").unwrap();
            let mut bytes = [0; 5];
            opened.read_at(0, &mut bytes).unwrap();
            say(&format!("{} from {}", String::from_utf8_lossy(&bytes), attached.pid()));
        }
        "serve" => {
            let (shelf, anonymous) = owner();
            let named = Listener::named(&Folder::at(about), &name("served"), shelf).unwrap();
            say(anonymous.address().unwrap().as_str());
            wait();
            drop(named);
            say("done");
        }
        "serve with a child" => {
            let _named = Listener::named(&Folder::at(about), &name("served"), Shelf::new()).unwrap();
            // The child has the listening socket too, and outlives us.
            crate::raw::fork(wait).unwrap();
            say("ready");
            wait();
        }
        "serve an address with a child" => {
            let (_shelf, anonymous) = owner();
            say(anonymous.address().unwrap().as_str());
            wait();
            // The child has the sockets of all who are attached too, and outlives us.
            crate::raw::fork(wait).unwrap();
            say("forked");
            wait();
        }
        "attach in vain" => {
            say("attaching");
            say(&attach().unwrap_err().to_string());
        }
        "race" => {
            wait();
            match Listener::named(&Folder::at(about), &name("raced"), Shelf::new()) {
                Ok(_listener) => {
                    say("won");
                    wait();
                }
                Err(error) => say(&error.to_string()[..40]),
            }
        }
        // As another user.
        "attach as a stranger" => say(attach().unwrap_err().to_string().split(':').next().unwrap()),
        "ask as a stranger" => {
            let stranger = raw::connect(&about).unwrap();
            let answer = socket::recv(&stranger, &mut [0; 64], 1, true);
            say(if matches!(answer, Ok(None)) { "nothing came" } else { "answered" });
        }
        "listen as a stranger" => {
            let listening = raw::listen(&[b"\0", about.as_bytes()].concat()).unwrap();
            say("ready");
            let _accepted = raw::accept(&listening).unwrap();
            wait();
        }
        other => panic!("no such role: {other}"),
    }
}
