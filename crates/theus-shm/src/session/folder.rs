//! The runtime folder: where the socket files of named sessions are, and who may touch them.
//!
//! Not here: serving (`listener`), attaching (`attached`).
//!
//! Invariants
//! - The folder is this user's, has mode 0700 and is no link; it is held by a descriptor, so nobody can put another
//!   one in its place between a check and a use.
//! - Only the holder of the folder's lock (`flock` on the folder itself, so there is no lock file, and the kernel gives
//!   it back when the holder dies) makes and removes socket files; so of two starters of one name one gets it, and a
//!   socket that is about to be listened to is not taken for a dead one.
//! - What is removed is a socket that nobody listens to, or the listener's own.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::address::SessionName;
use super::error::SessionError;
use crate::linux::{listen, pidfd, socket};

/// How long the folder's lock is waited for; it is held for a few system calls only.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of a listener waits for it: what it leaves behind is removed by the next who looks.
const END_PATIENCE: Duration = Duration::from_millis(10);

/// Between two looks at a lock that somebody else holds.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A live named session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub name: SessionName,
    /// Its process; 0 when the kernel does not tell (another container's).
    pub pid: u32,
}

/// The folder in which the sessions of a user are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// What is at a session's name.
enum Found {
    Nothing,
    Stale,
    Live { pid: u32 },
    NoSocket,
}

impl Folder {
    /// The folder of this user: `theus` in `$XDG_RUNTIME_DIR`, or else `/tmp/theus-<user number>`.
    ///
    /// Programs whose environments differ in that variable do not see each other's sessions.
    #[must_use]
    pub fn of_user() -> Self {
        Self {
            path: user_folder(env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), listen::effective_user()),
        }
    }

    /// Another folder. It is made when it is needed and not there; the folder above it must be there.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The live sessions, by name. Sockets that dead ones left behind are removed.
    ///
    /// # Errors
    /// [`SessionError::Folder`] when the folder cannot be trusted. A folder that is not there has no sessions.
    pub fn sessions(&self) -> Result<Vec<Session>, SessionError> {
        let Some(open) = OpenFolder::existing(self)? else { return Ok(Vec::new()) };
        let mut sessions = Vec::new();
        for name in open.names()? {
            match open.look(&name)? {
                Found::Live { pid } => sessions.push(Session { name, pid }),
                // Whoever holds the lock is about to change something here; then the next look will do.
                Found::Stale => open.try_locked(|| open.remove_stale(&name)).transpose().map(drop)?,
                Found::Nothing | Found::NoSocket => {}
            }
        }
        sessions.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(sessions)
    }

    /// Checks that only this user can use the folder; false when it is not there yet.
    ///
    /// # Errors
    /// [`SessionError::Folder`].
    pub fn check(&self) -> Result<bool, SessionError> {
        OpenFolder::existing(self).map(|folder| folder.is_some())
    }

    /// A listening socket of this name, and its file.
    pub(crate) fn bind(&self, name: &SessionName) -> Result<(OwnedFd, SocketFile), SessionError> {
        let folder = OpenFolder::made(self)?;
        let bound = folder.locked(LOCK_PATIENCE, || {
            match folder.look(name)? {
                Found::Live { pid } => return Err(SessionError::InUse { name: name.to_string(), pid }),
                Found::NoSocket => {
                    return Err(SessionError::Occupied { path: self.path.join(name.as_str()) });
                }
                Found::Stale => folder.remove(name)?,
                Found::Nothing => {}
            }
            let path = folder.entry(name);
            let bound = listen::listen(path.as_os_str().as_encoded_bytes());
            let socket = bound.map_err(SessionError::system("listening at the session's socket"))?;
            // A narrow umask has taken away what the owner needs.
            let only_owner = Permissions::from_mode(listen::OWNER_ONLY);
            fs::set_permissions(&path, only_owner).map_err(SessionError::system("protecting the socket"))?;
            let meta = fs::symlink_metadata(&path).map_err(SessionError::system("looking at the socket"))?;
            Ok((socket, meta.ino()))
        });
        let (socket, inode) = bound?;
        Ok((socket, SocketFile { folder, name: name.clone(), inode }))
    }

    /// A connection to the session of this name.
    pub(crate) fn connect(&self, name: &SessionName, patience: Duration) -> Result<OwnedFd, ConnectError> {
        let Some(folder) = OpenFolder::existing(self)? else { return Err(ConnectError::Gone) };
        let path = folder.entry(name);
        match listen::connect(path.as_os_str().as_encoded_bytes(), patience) {
            Ok(socket) if listener_of(&socket).is_some() => Ok(socket),
            // A child of a dead listener keeps its socket open.
            Ok(_) => {
                folder.try_locked(|| folder.remove_stale(name)).transpose()?;
                Err(ConnectError::Gone)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(ConnectError::Gone),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                folder.try_locked(|| folder.remove_stale(name)).transpose()?;
                Err(ConnectError::Gone)
            }
            Err(error) => Err(ConnectError::System(error)),
        }
    }
}

/// Why [`Folder::connect`] did not.
pub(crate) enum ConnectError {
    Gone,
    Folder(SessionError),
    System(io::Error),
}

impl From<SessionError> for ConnectError {
    fn from(error: SessionError) -> Self {
        Self::Folder(error)
    }
}

fn user_folder(runtime: Option<PathBuf>, user: u32) -> PathBuf {
    match runtime.filter(|path| path.is_absolute()) {
        Some(runtime) => runtime.join("theus"),
        None => Path::new("/tmp").join(format!("theus-{user}")),
    }
}

/// The folder, checked and held.
#[derive(Debug)]
struct OpenFolder {
    file: File,
    path: PathBuf,
}

impl OpenFolder {
    /// The folder, made if need be.
    fn made(folder: &Folder) -> Result<Self, SessionError> {
        match DirBuilder::new().mode(0o700).create(&folder.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                let reason = format!("it cannot be made ({error}): set XDG_RUNTIME_DIR to a folder of yours");
                Err(SessionError::Folder { path: folder.path.clone(), reason })
            }
            _ => Self::open(folder),
        }
    }

    /// The folder, if it is there.
    fn existing(folder: &Folder) -> Result<Option<Self>, SessionError> {
        match fs::symlink_metadata(&folder.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => Self::open(folder).map(Some),
        }
    }

    fn open(folder: &Folder) -> Result<Self, SessionError> {
        let refused = |reason: String| SessionError::Folder { path: folder.path.clone(), reason };
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&folder.path);
        let file = file.map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP | libc::ENOTDIR) => refused(
                "it is no folder, or a link: remove it, or set XDG_RUNTIME_DIR to a folder of yours".into(),
            ),
            _ => refused(format!("it cannot be opened ({error}): set XDG_RUNTIME_DIR to a folder of yours")),
        })?;
        let meta = file.metadata().map_err(SessionError::system("looking at the runtime folder"))?;
        let own = listen::effective_user();
        if meta.uid() != own {
            // Nobody but that user can remove it from a folder like /tmp.
            let other = meta.uid();
            return Err(refused(format!(
                "it belongs to user {other}, not to user {own}: set XDG_RUNTIME_DIR to a folder of yours"
            )));
        }
        if meta.mode() & 0o077 != 0 {
            let mode = meta.mode() & 0o777;
            return Err(refused(format!("others may use it (its mode is {mode:o}): chmod 700 it")));
        }
        Ok(Self { file, path: folder.path.clone() })
    }

    /// The path of a file in the very folder that is held, short enough for any socket.
    fn entry(&self, name: &SessionName) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.file.as_raw_fd()))
    }

    /// The names of all sockets in it.
    fn names(&self) -> Result<Vec<SessionName>, SessionError> {
        let listing = SessionError::system("listing the runtime folder");
        let entries = match fs::read_dir(format!("/proc/self/fd/{}", self.file.as_raw_fd())) {
            Ok(entries) => entries,
            Err(error) => return Err(listing(error)),
        };
        let sockets = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
        Ok(sockets.filter_map(|entry| SessionName::new(entry.file_name().to_str()?).ok()).collect())
    }

    /// What is at this name now.
    fn look(&self, name: &SessionName) -> Result<Found, SessionError> {
        let path = self.entry(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(source) => {
                return Err(SessionError::System { what: "looking at a session's socket", source });
            }
            Ok(meta) if !meta.file_type().is_socket() => return Ok(Found::NoSocket),
            Ok(_) => {}
        }
        match listen::connect_at_once(path.as_os_str().as_encoded_bytes()) {
            Ok(socket) => Ok(match listener_of(&socket) {
                Some(pid) => Found::Live { pid },
                None => Found::Stale,
            }),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(Found::Nothing),
                ErrorKind::ConnectionRefused => Ok(Found::Stale),
                // Too many wait to be accepted: then somebody listens.
                ErrorKind::WouldBlock => Ok(Found::Live { pid: 0 }),
                _ => Err(SessionError::System { what: "looking at a session's socket", source: error }),
            },
        }
    }

    fn remove(&self, name: &SessionName) -> Result<(), SessionError> {
        match fs::remove_file(self.entry(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SessionError::System { what: "removing the socket of a dead session", source: error })
            }
            _ => Ok(()),
        }
    }

    /// Removes a socket that nobody listens to. Only with the lock.
    fn remove_stale(&self, name: &SessionName) -> Result<(), SessionError> {
        match self.look(name)? {
            Found::Stale => self.remove(name),
            _ => Ok(()),
        }
    }

    /// Does something while nobody else makes or removes sockets here.
    fn locked<T>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> Result<T, SessionError>,
    ) -> Result<T, SessionError> {
        let start = Instant::now();
        let mut work = Some(work);
        loop {
            if let Some(done) = self.try_locked(|| work.take().map(|work| work())).flatten() {
                return done;
            }
            if start.elapsed() > patience {
                return Err(SessionError::Locked { path: self.path.clone() });
            }
            // A wait for nothing but the time; a signal that cuts it short does no harm.
            let _ = pidfd::poll(&[], Some(LOCK_PAUSE));
        }
    }

    /// Does something with the lock, if nobody has it now.
    fn try_locked<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        // A description of its own: a lock taken twice through one would not exclude this process's other threads.
        let own = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY)
            .open(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        let lock = own.ok()?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
        }
        let done = work();
        // Not only by closing: a child forked meanwhile has the descriptor too, and with it the lock.
        let _ = lock.unlock();
        Some(done)
    }
}

/// The process that listens at the other end; `None` when it is dead and only a child of it kept the descriptor.
fn listener_of(socket: &OwnedFd) -> Option<u32> {
    let Ok((pid, _, _)) = socket::peer_credentials(socket.as_fd()) else { return Some(0) };
    match pidfd::open(pid) {
        Err(error) if pid != 0 && error.raw_os_error() == Some(libc::ESRCH) => None,
        _ => Some(pid),
    }
}

/// The file of a listener's socket.
#[derive(Debug)]
pub(crate) struct SocketFile {
    folder: OpenFolder,
    name: SessionName,
    inode: u64,
}

impl SocketFile {
    /// Removes it, unless somebody has put another one in its place, or holds the folder's lock: then it stays, and the
    /// next who looks removes it.
    pub(crate) fn remove(&self) {
        let _ =
            self.folder.locked(END_PATIENCE, || match fs::symlink_metadata(self.folder.entry(&self.name)) {
                Ok(meta) if meta.ino() == self.inode => self.folder.remove(&self.name),
                _ => Ok(()),
            });
    }
}
