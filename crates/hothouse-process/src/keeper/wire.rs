//! What host, spawner and keepers say to one another.
//!
//! Each message is one packet of a socket that keeps packets apart. What is too long for one, a child's arguments and
//! environment if there are many, goes in a file without a name that is handed over with the packet. Nothing here does anything but read
//! and write messages; what cannot be read is `None`, never a panic.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// As many descriptors as one packet may carry: the launch itself, the control socket, and the child's own.
const MAX_FDS: usize = 32;
/// No packet is longer that is not a launch.
const MAX_PACKET: usize = 32;
/// A launch that is longer than this goes in a file: any system lets so much wait in a socket.
const MAX_INLINE: usize = 16 * 1024;
/// What stands before a launch that follows in the packet, and what stands for one in a file.
const INLINE: u8 = b'l';
const IN_A_FILE: u8 = b'L';

/// Everything that a keeper must know to make its child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Launch {
    /// The program's file.
    pub(crate) file: OsString,
    /// Its arguments, the first of them its own name.
    pub(crate) command: Vec<OsString>,
    /// Its environment, each entry `NAME=value`.
    pub(crate) environment: Vec<OsString>,
    /// Its working directory.
    pub(crate) cwd: OsString,
    /// The numbers that its descriptors get, in the order in which they are handed over.
    pub(crate) targets: Vec<RawFd>,
    /// Whose life it is, for the ledger.
    pub(crate) label: OsString,
    /// What becomes of it when the host is gone. `None`: it ends.
    pub(crate) keep: Option<Keep>,
}

/// A launch as it came. Its descriptors: the file that it is in, unless it is in the packet; the control socket, unless it
/// came by that; the child's own.
pub(crate) struct Packed {
    packet: Vec<u8>,
    fds: Vec<OwnedFd>,
}

/// How a child that outlives its host is found again. Two more descriptors are handed over with it, the reading ends
/// of its log, so that it can go on writing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Keep {
    /// Where its keeper waits for the next host: the path of a socket.
    pub(crate) path: OsString,
    /// What the child was made from, so that the next host knows whether it would make the same.
    pub(crate) fingerprint: u64,
    /// What asks it to end, should the next host not want it.
    pub(crate) stop_signal: i32,
}

/// How many descriptors a child's log has.
pub(crate) const LOGS: usize = 2;

/// What a keeper, or the spawner in its place, tells the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    /// The child runs. Its number, and when it began, as `/proc/PID/stat` has it.
    Spawned { pid: u32, began: u64 },
    /// There is no child, for this reason (`errno`).
    NotSpawned { errno: i32 },
    /// The child has ended with this wait status, and of everything that it started so many processes are left.
    Gone { status: i32, left: u32 },
    /// The keeper was killed. Everything that it kept has been ended but for so many processes.
    Lost { left: u32 },
    /// To the next host: the child lives. With it come the reading ends of its log and what it has written meanwhile.
    Kept { pid: u32, began: u64 },
}

/// What the host tells a keeper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Send the child's group this signal, and have it go on if it is stopped. It is to end, so it is not worth keeping
    /// any more.
    Signal(i32),
    /// End everything.
    Kill,
    /// The child is ready: from now on it is worth keeping.
    Ready,
    /// From the next host: the child is its own from now on. With it comes its ledger.
    Adopt,
}

/// A connected pair of packet sockets.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

impl Told {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut packet = Vec::with_capacity(MAX_PACKET);
        match self {
            Told::Spawned { pid, began } => {
                packet.push(b'S');
                packet.extend_from_slice(&pid.to_ne_bytes());
                packet.extend_from_slice(&began.to_ne_bytes());
            }
            Told::NotSpawned { errno } => {
                packet.push(b'F');
                packet.extend_from_slice(&errno.to_ne_bytes());
            }
            Told::Gone { status, left } => {
                packet.push(b'G');
                packet.extend_from_slice(&status.to_ne_bytes());
                packet.extend_from_slice(&left.to_ne_bytes());
            }
            Told::Lost { left } => {
                packet.push(b'L');
                packet.extend_from_slice(&left.to_ne_bytes());
            }
            Told::Kept { pid, began } => {
                packet.push(b'K');
                packet.extend_from_slice(&pid.to_ne_bytes());
                packet.extend_from_slice(&began.to_ne_bytes());
            }
        }
        packet
    }

    pub(crate) fn decode(packet: &[u8]) -> Option<Told> {
        let mut reader = Reader(packet);
        let told = match reader.bytes::<1>()? {
            [b'S'] => Told::Spawned { pid: reader.u32()?, began: u64::from_ne_bytes(reader.bytes()?) },
            [b'F'] => Told::NotSpawned { errno: reader.i32()? },
            [b'G'] => Told::Gone { status: reader.i32()?, left: reader.u32()? },
            [b'L'] => Told::Lost { left: reader.u32()? },
            [b'K'] => Told::Kept { pid: reader.u32()?, began: u64::from_ne_bytes(reader.bytes()?) },
            _ => return None,
        };
        reader.0.is_empty().then_some(told)
    }

    /// Tells the host. That it is gone is seen by its end of the socket.
    pub(crate) fn send(self, control: impl AsFd) {
        let _ = rustix::net::send(control, &self.encode(), SendFlags::NOSIGNAL);
    }

    /// What has been told, without waiting for it.
    ///
    /// # Errors
    /// `WouldBlock` if nothing has; `UnexpectedEof` if nobody is left to tell anything.
    pub(crate) fn receive(control: impl AsFd) -> io::Result<Told> {
        let mut packet = [0; MAX_PACKET];
        match retry(|| rustix::net::recv(&control, &mut packet[..], RecvFlags::DONTWAIT)) {
            Ok((0, _)) | Err(Errno::CONNRESET) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((length, _)) => {
                Told::decode(&packet[..length]).ok_or_else(|| io::ErrorKind::InvalidData.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Order {
    pub(crate) fn encode(self) -> [u8; 5] {
        let (tag, number) = match self {
            Order::Signal(number) => (b's', number),
            Order::Kill => (b'k', 0),
            Order::Ready => (b'r', 0),
            Order::Adopt => (b'a', 0),
        };
        let [a, b, c, d] = number.to_ne_bytes();
        [tag, a, b, c, d]
    }

    pub(crate) fn decode(packet: &[u8]) -> Option<Order> {
        let mut reader = Reader(packet);
        match reader.bytes::<1>()? {
            [b's'] => Some(Order::Signal(reader.i32()?)),
            [b'k'] => Some(Order::Kill),
            [b'r'] => Some(Order::Ready),
            [b'a'] => Some(Order::Adopt),
            _ => None,
        }
    }

    /// Gives the order. A keeper that is gone has nothing left to do it to.
    pub(crate) fn send(self, control: impl AsFd) {
        let _ = rustix::net::send(control, &self.encode(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    /// The next order; `None` if the host is gone.
    ///
    /// # Errors
    /// `WouldBlock` if there is none.
    pub(crate) fn receive(control: impl AsFd) -> io::Result<Option<Order>> {
        let mut packet = [0; MAX_PACKET];
        loop {
            return match retry(|| rustix::net::recv(&control, &mut packet[..], RecvFlags::DONTWAIT)) {
                Ok((0, _)) | Err(Errno::CONNRESET) => Ok(None),
                Ok((length, _)) => match Order::decode(&packet[..length]) {
                    Some(order) => Ok(Some(order)),
                    None => continue,
                },
                Err(error) => Err(error.into()),
            };
        }
    }
}

impl Launch {
    /// Hands this to the spawner, with the keeper's end of the control socket and the child's descriptors.
    ///
    /// # Errors
    /// Those of the system; `BrokenPipe` if there is no spawner.
    pub(crate) fn send(
        &self,
        spawner: impl AsFd,
        control: BorrowedFd<'_>,
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let fds = [&[control], fds].concat();
        self.send_along(spawner, &fds, SendFlags::empty())
    }

    /// Hands this to a keeper that is without a child, by its control socket, without ever waiting.
    ///
    /// # Errors
    /// Those of the system; `BrokenPipe` if there is no keeper.
    pub(crate) fn give(&self, control: impl AsFd, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.send_along(control, fds, SendFlags::DONTWAIT)
    }

    fn send_along(&self, to: impl AsFd, fds: &[BorrowedFd<'_>], flags: SendFlags) -> io::Result<()> {
        let mut packet = vec![INLINE];
        self.encode(&mut packet);
        if packet.len() <= MAX_INLINE {
            return send_packet(to, &packet, fds, flags);
        }
        let mut file = File::from(memfd_create("launch", MemfdFlags::CLOEXEC)?);
        file.write_all(&packet[1..])?;
        send_packet(to, &[IN_A_FILE], &[&[file.as_fd()], fds].concat(), flags)
    }

    /// How many descriptors are handed over with it.
    fn descriptors(&self) -> usize {
        self.targets.len() + if self.keep.is_some() { LOGS } else { 0 }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.reserve(4096);
        put(bytes, self.file.as_bytes());
        put_all(bytes, &self.command);
        put_all(bytes, &self.environment);
        put(bytes, self.cwd.as_bytes());
        put_length(bytes, self.targets.len());
        self.targets.iter().for_each(|target| bytes.extend_from_slice(&target.to_ne_bytes()));
        put(bytes, self.label.as_bytes());
        if let Some(Keep { path, fingerprint, stop_signal }) = &self.keep {
            put(bytes, path.as_bytes());
            bytes.extend_from_slice(&fingerprint.to_ne_bytes());
            bytes.extend_from_slice(&stop_signal.to_ne_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Launch> {
        let mut reader = Reader(bytes);
        let mut launch = Launch {
            file: reader.text()?,
            command: reader.texts()?,
            environment: reader.texts()?,
            cwd: reader.text()?,
            targets: (0..reader.u32()?).map(|_| reader.i32()).collect::<Option<_>>()?,
            label: reader.text()?,
            keep: None,
        };
        if !reader.0.is_empty() {
            let (path, fingerprint) = (reader.text()?, u64::from_ne_bytes(reader.bytes()?));
            launch.keep = Some(Keep { path, fingerprint, stop_signal: reader.i32()? });
        }
        reader.0.is_empty().then_some(launch)
    }

    fn read(mut file: File) -> Option<Launch> {
        let mut bytes = Vec::new();
        file.rewind().ok()?;
        file.read_to_end(&mut bytes).ok()?;
        Launch::decode(&bytes)
    }
}

impl Packed {
    /// The next launch, waited for, as it came. What is none is passed over: an order to end a child that had ended by
    /// itself, say. `None` if nobody is at the other end.
    pub(crate) fn receive(from: impl AsFd) -> Option<Packed> {
        let mut room = [0; MAX_INLINE];
        loop {
            let (length, fds) = receive_into(&from, &mut room).ok()?;
            match room.get(..length)?.first() {
                None => return None,
                Some(&INLINE | &IN_A_FILE) => return Some(Packed { packet: room[..length].to_vec(), fds }),
                Some(_) => {}
            }
        }
    }

    /// The launch, the control socket and the child's descriptors, as the spawner gets them. `None` if that is nothing, of
    /// which the host has been told, if there is a way.
    pub(crate) fn unpack(self) -> Option<(Launch, OwnedFd, Vec<OwnedFd>)> {
        let (launch, mut fds) = self.open();
        let control = fds.next()?;
        Some((launch.checked(&control, fds.len())?, control, fds.collect()))
    }

    /// The launch and the child's descriptors, as a keeper gets them by its control socket. `None` if that is nothing, of
    /// which the host has been told.
    pub(crate) fn unpack_from(self, control: &OwnedFd) -> Option<(Launch, Vec<OwnedFd>)> {
        let (launch, fds) = self.open();
        Some((launch.checked(control, fds.len())?, fds.collect()))
    }

    fn open(self) -> (Opened, std::vec::IntoIter<OwnedFd>) {
        let mut fds = self.fds.into_iter();
        let launch = match self.packet.split_first() {
            Some((&IN_A_FILE, _)) => fds.next().and_then(|file| Launch::read(File::from(file))),
            Some((_, launch)) => Launch::decode(launch),
            None => None,
        };
        (Opened(launch), fds)
    }
}

/// What a launch was found to be when it was read.
struct Opened(Option<Launch>);

impl Opened {
    /// The launch, if as many descriptors came with it as belong to it; if not, the host is told.
    fn checked(self, control: &OwnedFd, descriptors: usize) -> Option<Launch> {
        let launch = self.0.filter(|launch| launch.descriptors() == descriptors);
        if launch.is_none() {
            Told::NotSpawned { errno: libc::EPROTO }.send(control);
        }
        launch
    }
}

/// Sends a packet with descriptors.
///
/// # Errors
/// Those of the system.
pub(crate) fn send_with(socket: impl AsFd, packet: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_packet(socket, packet, fds, SendFlags::empty())
}

fn send_packet(socket: impl AsFd, packet: &[u8], fds: &[BorrowedFd<'_>], flags: SendFlags) -> io::Result<()> {
    if fds.len() > MAX_FDS {
        return Err(Errno::TOOMANYREFS.into());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(fds));
    let packet = [io::IoSlice::new(packet)];
    retry(|| sendmsg(&socket, &packet, &mut ancillary, flags | SendFlags::NOSIGNAL))?;
    Ok(())
}

/// The next packet, waited for, and the descriptors that came with it. An empty one: nobody is at the other end.
///
/// # Errors
/// Those of the system.
pub(crate) fn receive_with(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut packet = [0; MAX_PACKET];
    let (length, fds) = receive_into(socket, &mut packet)?;
    Ok((packet[..length].to_vec(), fds))
}

/// The same, into this room.
fn receive_into(socket: impl AsFd, packet: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [io::IoSliceMut::new(packet)];
    let length = retry(|| recvmsg(&socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC))?.bytes;
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    Ok((length, fds))
}

fn put(bytes: &mut Vec<u8>, text: &[u8]) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn put_all(bytes: &mut Vec<u8>, texts: &[OsString]) {
    put_length(bytes, texts.len());
    texts.iter().for_each(|text| put(bytes, text.as_bytes()));
}

/// What is longer than this cannot be spawned anyway, and is refused by whoever reads it.
fn put_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_ne_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.bytes().map(i32::from_ne_bytes)
    }

    fn text(&mut self) -> Option<OsString> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(OsString::from_vec(head.to_owned()))
    }

    fn texts(&mut self) -> Option<Vec<OsString>> {
        (0..self.u32()?).map(|_| self.text()).collect()
    }
}

/// Does it again when a signal came between.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Text as the system takes it.
///
/// # Errors
/// If there is a NUL in it, which ends a text there.
pub(crate) fn terminated(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch() -> Launch {
        Launch {
            file: "/bin/sh".into(),
            command: vec!["sh".into(), "-c".into(), OsString::from_vec(vec![0xff, 0xfe])],
            environment: vec!["A=1".into(), "B=".into()],
            cwd: "/".into(),
            targets: vec![0, 1, 2],
            label: "api/7".into(),
            keep: None,
        }
    }

    #[test]
    fn what_is_told_and_ordered_is_understood() {
        for told in [
            Told::Spawned { pid: 77, began: u64::MAX },
            Told::NotSpawned { errno: 2 },
            Told::Gone { status: -1, left: 3 },
            Told::Lost { left: 0 },
            Told::Kept { pid: 8, began: 9 },
        ] {
            let packet = told.encode();
            assert_eq!(Told::decode(&packet), Some(told));
            assert!(packet.len() <= MAX_PACKET && Told::decode(&packet[1..]).is_none());
        }
        for order in [Order::Signal(15), Order::Kill, Order::Ready, Order::Adopt] {
            assert_eq!(Order::decode(&order.encode()), Some(order));
        }
        assert_eq!((Told::decode(b""), Order::decode(b"x")), (None, None));
    }

    #[test]
    fn a_launch_that_is_cut_short_is_no_launch() {
        let encoded = |launch: &Launch| {
            let mut bytes = Vec::new();
            launch.encode(&mut bytes);
            bytes
        };
        let bytes = encoded(&launch());
        assert_eq!(Launch::decode(&bytes), Some(launch()));
        for length in 0..bytes.len() {
            assert_eq!(Launch::decode(&bytes[..length]), None, "{length} bytes");
        }
        let keep = Keep { path: "/run/kept".into(), fingerprint: u64::MAX, stop_signal: 15 };
        let kept = Launch { keep: Some(keep), ..launch() };
        assert_eq!(Launch::decode(&encoded(&kept)), Some(kept.clone()));
        assert_eq!(Launch::decode(&encoded(&kept)[..bytes.len() + 5]), None);
    }

    #[test]
    fn descriptors_arrive_in_their_order_however_long_the_launch_is() {
        let long = OsString::from_vec(vec![b'x'; 3 * MAX_INLINE]);
        for launch in [launch(), Launch { environment: vec![long], ..launch() }] {
            let ends: Vec<_> = (0..3).map(|_| rustix::pipe::pipe().unwrap()).collect();
            let fds: Vec<BorrowedFd<'_>> = ends.iter().map(|(_, write)| write.as_fd()).collect();
            let arrived_in_order = |received: Vec<OwnedFd>| {
                for (number, ((read, _), fd)) in ends.iter().zip(received).enumerate() {
                    rustix::io::write(&fd, &[number as u8]).unwrap();
                    let mut byte = [0];
                    rustix::io::read(read, &mut byte).unwrap();
                    assert_eq!(usize::from(byte[0]), number);
                }
            };
            // To the spawner.
            let ((host, spawner), (control, its)) = (pair().unwrap(), pair().unwrap());
            launch.send(&host, its.as_fd(), &fds).unwrap();
            let (received, its, received_fds) = Packed::receive(&spawner).unwrap().unpack().unwrap();
            assert_eq!(received, launch);
            Told::Lost { left: 9 }.send(&its);
            assert_eq!(Told::receive(&control).unwrap(), Told::Lost { left: 9 });
            arrived_in_order(received_fds);
            // To a keeper, which had not heard the last that was asked of it.
            Order::Kill.send(&control);
            launch.give(&control, &fds).unwrap();
            let (received, received_fds) = Packed::receive(&its).unwrap().unpack_from(&its).unwrap();
            assert_eq!(received, launch);
            arrived_in_order(received_fds);
            drop((host, control));
            assert!(Packed::receive(&spawner).is_none() && Packed::receive(&its).is_none());
        }
    }

    #[test]
    fn what_is_no_launch_is_told_the_host() {
        let (host, spawner) = pair().unwrap();
        let (control, its) = pair().unwrap();
        for packet in [&b"l"[..], b"lnonsense"] {
            send_with(&host, packet, &[its.as_fd()]).unwrap();
            assert!(Packed::receive(&spawner).unwrap().unpack().is_none());
            assert_eq!(Told::receive(&control).unwrap(), Told::NotSpawned { errno: libc::EPROTO });
            send_with(&control, packet, &[]).unwrap();
            assert!(Packed::receive(&its).unwrap().unpack_from(&its).is_none());
            assert_eq!(Told::receive(&control).unwrap(), Told::NotSpawned { errno: libc::EPROTO });
        }
        // Without a control socket there is nobody to be told, and what is nothing at all is passed over.
        for packet in [&b"l"[..], b"L", b"x"] {
            send_with(&host, packet, &[]).unwrap();
        }
        for _ in 0..2 {
            assert!(Packed::receive(&spawner).unwrap().unpack().is_none());
        }
        drop(host);
        assert!(Packed::receive(&spawner).is_none());
    }

    #[test]
    fn those_who_are_gone_are_noticed() {
        let (host, keeper) = pair().unwrap();
        assert_eq!(Told::receive(&host).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Order::Kill.send(&host);
        drop(host);
        assert_eq!(Order::receive(&keeper).unwrap(), Some(Order::Kill));
        assert_eq!(Order::receive(&keeper).unwrap(), None);
    }
}
