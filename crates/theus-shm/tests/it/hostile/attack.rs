//! The attacker: a process that was given a descriptor, and tries every way to write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;

use theus_shm::{Expect, Mapping, SealedBuffer, Seals, socket};

use super::raw;
use crate::child::receive;
use crate::raw::{add_seals, fork, wait};

/// One try and the number that the kernel refused it with, 0 when it did not.
type Outcome = (&'static str, i32);

/// Tries everything with the descriptor that comes, as itself and as a forked child, and reports each try.
pub(super) fn play(socket: &OwnedFd) {
    let (message, mut fds) = receive(socket, 1);
    let len = u64::from_ne_bytes(message.try_into().unwrap());
    let fd = fds.remove(0);
    // Without the seals that keep writers out, too: a test shows that then the attempts succeed.
    let mapping = Mapping::open(fd.try_clone().unwrap(), Expect { len, seals: Seals::SHRINK }).unwrap();
    everything("", &fd, &mapping, socket);
    let child = fork(|| everything("child: ", &fd, &mapping, socket)).unwrap();
    assert_eq!(wait(child).unwrap(), 0);
    socket::send(socket, b"done", &[]).unwrap();
}

fn everything(who: &str, fd: &OwnedFd, mapping: &Arc<Mapping>, socket: &OwnedFd) {
    let report = |how: &str, (attempt, errno): Outcome| {
        socket::send(socket, format!("{who}{how}{attempt}={errno}").as_bytes(), &[]).unwrap();
    };
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    through_descriptor(fd.as_fd()).into_iter().for_each(|outcome| report("", outcome));
    let again = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    through_descriptor(again.as_fd()).into_iter().for_each(|outcome| report("again: ", outcome));
    let read_only = File::open(&path).unwrap();
    through_descriptor(read_only.as_fd()).into_iter().for_each(|outcome| report("read-only: ", outcome));
    through_mapping(mapping.as_ptr()).into_iter().for_each(|outcome| report("", outcome));
    let emptied = OpenOptions::new().write(true).truncate(true).open(&path);
    let appended = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"x"));
    let direct = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(&path);
    let direct = direct.and_then(|file| file.write_at(&[1; 4096], 0).map(drop));
    for (attempt, result) in [
        ("open and empty", emptied.map(drop)),
        ("open and append", appended),
        ("open and write past the cache", direct),
    ] {
        report("", (attempt, errno(result.map(|()| 0))));
    }
}

fn errno(result: io::Result<i64>) -> i32 {
    result.map_or_else(|error| error.raw_os_error().unwrap_or(-1), |_| 0)
}

fn through_descriptor(fd: BorrowedFd<'_>) -> Vec<Outcome> {
    const WRITABLE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    let junk = SealedBuffer::from_bytes(&[0xEE; 64]).unwrap();
    let (pipe, mut writer) = io::pipe().unwrap();
    writer.write_all(&[0xEE; 64]).unwrap();
    let punch = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    vec![
        ("map", errno(raw::map(fd, WRITABLE, libc::MAP_SHARED))),
        ("map validated", errno(raw::map(fd, WRITABLE, libc::MAP_SHARED_VALIDATE))),
        ("map write-only", errno(raw::map(fd, libc::PROT_WRITE, libc::MAP_SHARED))),
        ("map a private copy", errno(raw::write_private(fd))),
        ("write", errno(raw::write(fd))),
        ("pwrite", errno(raw::pwrite(fd))),
        ("sendfile", errno(raw::sendfile(fd, &junk))),
        ("copy_file_range", errno(raw::copy_file_range(fd, &junk))),
        ("splice", errno(raw::splice(fd, &pipe))),
        ("cut to nothing", errno(raw::truncate(fd, 0))),
        ("cut by a byte", errno(raw::truncate(fd, 4095))),
        ("grow", errno(raw::truncate(fd, 1 << 30))),
        ("allocate within", errno(raw::fallocate(fd, 0, 0, 4096))),
        ("allocate beyond", errno(raw::fallocate(fd, 0, 1 << 30, 4096))),
        ("punch a hole", errno(raw::fallocate(fd, punch, 0, 4096))),
        ("zero a range", errno(raw::fallocate(fd, libc::FALLOC_FL_ZERO_RANGE, 0, 4096))),
        ("collapse a range", errno(raw::fallocate(fd, libc::FALLOC_FL_COLLAPSE_RANGE, 0, 4096))),
        ("insert a range", errno(raw::fallocate(fd, libc::FALLOC_FL_INSERT_RANGE, 0, 4096))),
        // It would freeze the owner.
        ("seal against writing", errno(add_seals(fd, libc::F_SEAL_WRITE).map(|()| 0))),
        ("seal again", errno(add_seals(fd, libc::F_SEAL_SHRINK).map(|()| 0))),
    ]
}

fn through_mapping(address: *const u8) -> Vec<Outcome> {
    const WRITABLE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    let own_memory = OpenOptions::new().write(true).open("/proc/self/mem").unwrap();
    let past_the_protection = own_memory.write_at(&[0xEE; 8], address.addr() as u64);
    vec![
        ("protect", errno(raw::protect(address, WRITABLE))),
        ("protect for running", errno(raw::protect(address, WRITABLE | libc::PROT_EXEC))),
        ("advise remove", errno(raw::advise(address, libc::MADV_REMOVE))),
        ("advise populate", errno(raw::advise(address, libc::MADV_POPULATE_WRITE))),
        ("advise free", errno(raw::advise(address, libc::MADV_FREE))),
        ("advise unneeded", errno(raw::advise(address, libc::MADV_DONTNEED))),
        ("advise page out", errno(raw::advise(address, libc::MADV_PAGEOUT))),
        ("remap pages", errno(raw::remap_file_pages(address))),
        ("remap and protect", errno(raw::remap_and_protect(address))),
        ("take its faults", errno(raw::userfault(address))),
        ("write to own memory file", errno(past_the_protection.map(|_| 0))),
        (
            "write to own process",
            errno(raw::write_to_process(std::process::id(), address.addr() as u64, 0xEE)),
        ),
    ]
}

/// Writes to the memory of another process: by the system call, and by its file. The numbers of the refusals.
pub(super) fn reach(pid: u32, address: u64) -> [i32; 2] {
    let call = raw::write_to_process(pid, address, 0xEE);
    let file = OpenOptions::new().write(true).open(format!("/proc/{pid}/mem"));
    let file = file.and_then(|file| file.write_at(&[0xDD], address + 1));
    [errno(call), errno(file.map(|_| 0))]
}
