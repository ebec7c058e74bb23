//! Messages arrive whole or not at all, and no descriptor is ever left over.

use std::io::{ErrorKind, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};

use theus_shm::{pidfd, socket};
use theus_testkit::crash::PATIENCE;

use crate::child;

/// A pipe that ends when the last copy of the descriptor is closed.
fn tell_tale() -> (PipeReader, OwnedFd) {
    let (reader, writer) = pipe().unwrap();
    (reader, writer.into())
}

/// Fails (instead of waiting for ever) when a copy of the writing end stays open. A child that another test is
/// starting right now has copies of everything until it executes its program, hence the patience.
fn assert_closed(mut reader: PipeReader) {
    let ended = pidfd::poll(&[reader.as_fd()], Some(PATIENCE)).unwrap();
    assert_eq!(ended, [true], "a copy of the descriptor is still open");
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

#[test]
fn messages_keep_their_borders_and_order() {
    let (left, right) = socket::pair().unwrap();
    for message in [b"one".as_slice(), b"two", b"and three"] {
        socket::send(&left, message, &[]).unwrap();
    }
    for message in [b"one".as_slice(), b"two", b"and three"] {
        assert_eq!(child::receive(&right, 0).0, message);
    }
}

#[test]
fn descriptors_arrive_close_on_exec_and_in_order() {
    let (left, right) = socket::pair().unwrap();
    let pipes: Vec<_> = (0..socket::MAX_FDS).map(|_| pipe().unwrap()).collect();
    let fds: Vec<_> = pipes.iter().map(|(_, writer)| writer.as_fd()).collect();
    socket::send(&left, b"all", &fds).unwrap();
    let (_, received) = child::receive(&right, socket::MAX_FDS);
    assert_eq!(received.len(), socket::MAX_FDS);
    for (i, fd) in received.into_iter().enumerate() {
        let flags =
            std::fs::read_to_string(format!("/proc/self/fdinfo/{}", std::os::fd::AsRawFd::as_raw_fd(&fd)));
        let flags = flags
            .unwrap()
            .lines()
            .find_map(|l| l.strip_prefix("flags:").map(|f| f.trim().to_owned()))
            .unwrap();
        assert_ne!(u32::from_str_radix(&flags, 8).unwrap() & libc::O_CLOEXEC as u32, 0);
        std::fs::File::from(fd).write_all(&[i as u8]).unwrap();
    }
    for (i, (mut reader, _)) in pipes.into_iter().enumerate() {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [i as u8]);
    }
}

#[test]
fn surplus_descriptors_are_refused_and_closed() {
    let (left, right) = socket::pair().unwrap();
    for asked in 0..3 {
        let (reader, writer) = tell_tale();
        let fds = vec![writer.as_fd(); 3];
        socket::send(&left, b"three", &fds).unwrap();
        drop(fds);
        drop(writer);
        let error = socket::recv(&right, &mut [0; 8], asked, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("3 descriptors"), "{error}");
        assert_closed(reader);
    }
}

#[test]
fn a_message_longer_than_the_buffer_is_refused_and_its_descriptors_closed() {
    let (left, right) = socket::pair().unwrap();
    let (reader, writer) = tell_tale();
    socket::send(&left, b"too long", &[writer.as_fd()]).unwrap();
    socket::send(&left, b"next", &[]).unwrap();
    drop(writer);
    let error = socket::recv(&right, &mut [0; 7], 1, true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_closed(reader);
    assert_eq!(child::receive(&right, 0).0, b"next", "the connection still works");
}

#[test]
fn descriptors_that_do_not_fit_into_the_process_are_an_error() {
    let mut full = child::start("no files left");
    assert_eq!(full.receive(0).0, b"ready");
    let (_reader, writer) = tell_tale();
    socket::send(full.socket(), b"two", &[writer.as_fd(), writer.as_fd()]).unwrap();
    let mut text = [0; 256];
    let (len, _) = socket::recv(full.socket(), &mut text, 0, true).unwrap().unwrap();
    let text = String::from_utf8_lossy(&text[..len]);
    assert!(text.contains("limit of open files"), "{text}");
    assert_eq!(full.join(), None);
}

#[test]
fn a_closed_peer_is_an_end_and_not_a_signal() {
    let (left, right) = socket::pair().unwrap();
    drop(left);
    assert!(socket::recv(&right, &mut [0; 8], 0, true).unwrap().is_none());
    assert_eq!(socket::send(&right, b"hello?", &[]).unwrap_err().kind(), ErrorKind::BrokenPipe);

    let (left, right) = socket::pair().unwrap();
    socket::send(&right, b"never read", &[]).unwrap();
    drop(left);
    assert!(socket::recv(&right, &mut [0; 8], 0, true).unwrap().is_none());
}

#[test]
fn nothing_to_read_and_no_room_to_write_are_told_apart() {
    let (left, right) = socket::pair().unwrap();
    assert_eq!(socket::recv(&right, &mut [0; 8], 0, false).unwrap_err().kind(), ErrorKind::WouldBlock);
    let full = std::iter::repeat_with(|| socket::try_send(&left, &[1; 1024], &[])).find_map(Result::err);
    assert_eq!(full.unwrap().kind(), ErrorKind::WouldBlock);
    assert!(socket::recv(&right, &mut [0; 1024], 0, false).unwrap().is_some());
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is() {
    let (left, right) = socket::pair().unwrap();
    assert_eq!(socket::send(&left, b"", &[]).unwrap_err().kind(), ErrorKind::InvalidInput);
    let fds = vec![left.as_fd(); socket::MAX_FDS + 1];
    assert_eq!(socket::send(&left, b"x", &fds).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(socket::recv(&right, &mut [0; 8], 0, false).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn the_peer_of_a_pair_is_this_process() {
    let (left, _right) = socket::pair().unwrap();
    let (pid, uid, gid) = socket::peer_credentials(&left).unwrap();
    assert_eq!(pid, std::process::id());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = |name: &str| -> u32 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!((uid, gid), (effective("Uid:"), effective("Gid:")));
}
