//! The system calls of a tracer, and the instruction that marks a place in a program. x86-64 only.
#![expect(unsafe_code, reason = "stops another process between two of its instructions")]

use std::arch::asm;
use std::ffi::{c_int, c_long, c_void};
use std::io;
use std::mem::offset_of;
use std::ptr;

/// How a stopped process goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// At full speed, to its next mark or to the address that [`stop_at`] has set.
    Free,
    /// For one instruction.
    Step,
    /// At full speed, to the next beginning or end of a system call.
    ToSystemCall,
}

/// What a traced process did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// It has met a mark, or done its one instruction.
    Trap,
    /// It is at the beginning or the end of a system call.
    SystemCall,
    /// It got another signal, and has not seen it yet.
    Signal(c_int),
    Exited(c_int),
    Killed(c_int),
}

/// The bit that a system call's stop has in its signal number.
const SYSTEM_CALL: c_int = libc::SIGTRAP | 0x80;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Runs `work` in a forked child that this thread traces; the child's number. The child exits with 0 when `work`
/// returns, and dies with this process.
pub(super) fn fork_traced(work: impl FnOnce()) -> io::Result<libc::pid_t> {
    // SAFETY: the child has only this thread; it makes what it uses anew and ends with `_exit`. Memory can be
    // allocated, since the C library makes its allocator usable after a fork.
    match check(unsafe { libc::fork() })? {
        0 => {
            // SAFETY: takes no memory of ours.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, ptr::null::<c_void>(), ptr::null::<c_void>()) };
            work();
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(0) };
        }
        child => Ok(child),
    }
}

/// Tells the kernel to mark stops at system calls, and to kill the process with its tracer. It must be stopped.
pub(super) fn set_options(pid: libc::pid_t) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    // SAFETY: takes integers only; the address is not used.
    let result =
        unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, ptr::null::<c_void>(), c_long::from(options)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets a stopped process go on, with no signal.
pub(super) fn resume(pid: libc::pid_t, how: Resume) -> io::Result<()> {
    let request = match how {
        Resume::Free => libc::PTRACE_CONT,
        Resume::Step => libc::PTRACE_SINGLESTEP,
        Resume::ToSystemCall => libc::PTRACE_SYSCALL,
    };
    // SAFETY: takes integers only; the address is not used and signal 0 is none.
    let result = unsafe { libc::ptrace(request, pid, ptr::null::<c_void>(), 0 as c_long) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits for what the process does next.
pub(super) fn wait(pid: libc::pid_t) -> io::Result<Event> {
    let mut status = 0;
    // SAFETY: `status` is ours and the kernel fills it.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    Ok(match status {
        _ if libc::WIFEXITED(status) => Event::Exited(libc::WEXITSTATUS(status)),
        _ if libc::WIFSIGNALED(status) => Event::Killed(libc::WTERMSIG(status)),
        _ => match libc::WSTOPSIG(status) {
            libc::SIGTRAP => Event::Trap,
            SYSTEM_CALL => Event::SystemCall,
            signal => Event::Signal(signal),
        },
    })
}

/// Kills a process of ours.
pub(super) fn kill(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: takes integers only.
    check(unsafe { libc::kill(pid, libc::SIGKILL) }).map(drop)
}

/// The address of the next instruction of a stopped process.
pub(super) fn next_instruction(pid: libc::pid_t) -> u64 {
    let place = libc::RIP as usize * size_of::<u64>();
    // SAFETY: reads a register that the kernel has saved; the offset is the one of `rip` in its table.
    let value = unsafe { libc::ptrace(libc::PTRACE_PEEKUSER, pid, place, ptr::null::<c_void>()) };
    value.cast_unsigned()
}

/// Eight bytes of a stopped process, the first one lowest.
pub(super) fn peek(pid: libc::pid_t, address: u64) -> u64 {
    // SAFETY: reads the other process's memory, and nothing of ours.
    let value = unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, pid, address, ptr::null::<c_void>()) };
    value.cast_unsigned()
}

/// Has the processor stop a stopped process each time before it executes the instruction at this address; `None`
/// ends that. An error where the processor's own breakpoints are not to be had.
pub(super) fn stop_at(pid: libc::pid_t, address: Option<u64>) -> io::Result<()> {
    let registers = offset_of!(libc::user, u_debugreg);
    let control = registers + 7 * size_of::<u64>();
    let values = [(registers, address.unwrap_or(0)), (control, u64::from(address.is_some()))];
    for (place, value) in values {
        // SAFETY: writes a debug register of the other process; the kernel checks the value and nothing of ours is read.
        let result = unsafe { libc::ptrace(libc::PTRACE_POKEUSER, pid, place, value) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Stops here, if somebody traces this process. One instruction.
pub(super) fn mark() {
    // SAFETY: a breakpoint: it changes no register, no flag and no memory.
    unsafe { asm!("int3", options(nomem, preserves_flags, nostack)) }
}

/// Keeps this process, and what it starts from now on, on one processor: a step is then a switch between two processes
/// and not a call to another processor, which takes several times as long. Each lane has another one, if there are.
pub(super) fn stay_in(lane: usize) {
    // SAFETY: a set of bits, of which none is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the length and the pointer describe `set`, which the kernel fills.
    unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    // SAFETY: the numbers asked for are within the set.
    let is_ours = |number: &usize| unsafe { libc::CPU_ISSET(*number, &set) };
    let ours: Vec<usize> = (0..8 * size_of_val(&set)).filter(is_ours).collect();
    let Some(own) = ours.get(lane % ours.len().max(1)) else { return };
    // SAFETY: as above.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number came out of such a set.
    unsafe { libc::CPU_SET(*own, &mut set) };
    // SAFETY: the length and the pointer describe `set`, which is only read. Refused, everything is merely slower.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}
