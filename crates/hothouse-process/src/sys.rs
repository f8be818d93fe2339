//! What needs `unsafe`: `posix_spawn` and `fork`, signals, receiving a datagram together with who sent it, how a thread is
//! scheduled, and having tokio watch a descriptor.
//!
//! Nothing here decides anything. All other system calls go through rustix.
#![allow(unsafe_code, reason = "what is in this module has no safe wrapper")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use libc::{c_char, c_int, c_short};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::spawn::SpawnedChild;

/// What `posix_spawn` is told.
pub(crate) struct Plan<'a> {
    /// The program's file; a relative path starts at `cwd`.
    pub(crate) path: &'a CStr,
    /// Its arguments, the first of them its own name.
    pub(crate) arguments: &'a [CString],
    /// Its environment, each entry `NAME=value`.
    pub(crate) environment: &'a [CString],
    /// Its working directory.
    pub(crate) cwd: &'a CStr,
    /// What becomes which descriptor of the child. Every source is greater than every target, so that no copy can
    /// overwrite a source that is still needed, and each copy is a real one, without close-on-exec.
    pub(crate) fds: &'a [(BorrowedFd<'a>, RawFd)],
}

/// Spawns a child: in a process group of its own, with no signal blocked or ignored, and with no descriptors but
/// those of the plan.
pub(crate) fn spawn(plan: &Plan<'_>) -> io::Result<libc::pid_t> {
    let mut actions = FileActions::new()?;
    actions.change_dir(plan.cwd)?;
    let mut kept: Vec<RawFd> = plan.fds.iter().map(|(_, target)| *target).collect();
    kept.sort_unstable();
    for (source, target) in plan.fds {
        actions.copy(source.as_raw_fd(), *target)?;
    }
    let top = kept.last().map_or(0, |last| last + 1);
    for gap in (0..top).filter(|fd| kept.binary_search(fd).is_err()) {
        actions.close(gap)?;
    }
    actions.close_from(top)?;
    let attributes = Attributes::own_group_and_default_signals()?;
    let arguments = pointers(plan.arguments);
    let environment = pointers(plan.environment);
    let mut pid = 0;
    // SAFETY: all pointers are to initialised values that live until after the call; both lists end with a null
    // pointer, and their strings are only read.
    check(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            plan.path.as_ptr(),
            actions.0.as_ptr(),
            attributes.0.as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Ok(pid)
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// These functions return the error's number instead of setting `errno`.
fn check(errno: c_int) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// What the child does before it becomes the program. Boxed: the type is not known to be movable.
struct FileActions(Box<MaybeUninit<libc::posix_spawn_file_actions_t>>);

impl FileActions {
    fn new() -> io::Result<FileActions> {
        let mut actions = Box::new(MaybeUninit::uninit());
        // SAFETY: the pointer is to writable memory of the right type, which this call initialises.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        Ok(FileActions(actions))
    }

    fn change_dir(&mut self, folder: &CStr) -> io::Result<()> {
        // SAFETY: initialised by `new`; the string is copied by the call.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(self.0.as_mut_ptr(), folder.as_ptr()) })
    }

    fn copy(&mut self, source: RawFd, target: RawFd) -> io::Result<()> {
        // SAFETY: initialised by `new`; descriptors are plain numbers here, looked at in the child only.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(self.0.as_mut_ptr(), source, target) })
    }

    fn close(&mut self, fd: RawFd) -> io::Result<()> {
        // SAFETY: as for `copy`; closing happens in the child, and one that is not open is passed over.
        check(unsafe { libc::posix_spawn_file_actions_addclose(self.0.as_mut_ptr(), fd) })
    }

    fn close_from(&mut self, first: RawFd) -> io::Result<()> {
        // SAFETY: as for `close`.
        check(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(self.0.as_mut_ptr(), first) })
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and not used after this. It can only fail for a null pointer.
        unsafe { libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr()) };
    }
}

/// The child's process group and signals. Boxed for the same reason.
struct Attributes(Box<MaybeUninit<libc::posix_spawnattr_t>>);

impl Attributes {
    fn own_group_and_default_signals() -> io::Result<Attributes> {
        let mut attributes = Box::new(MaybeUninit::uninit());
        // SAFETY: the pointer is to writable memory of the right type, which this call initialises.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        let mut attributes = Attributes(attributes);
        let this = attributes.0.as_mut_ptr();
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both are writable memory for a signal set, which is bits and nothing else. All bits are set by hand:
        // `sigfillset` leaves out two signals of the C library, which `posix_spawn` would then have ignored.
        unsafe {
            libc::sigemptyset(none.as_mut_ptr());
            all.as_mut_ptr().write_bytes(0xff, 1);
        }
        let flags = libc::POSIX_SPAWN_SETPGROUP | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        // SAFETY: `this` was initialised above, and so were both signal sets.
        unsafe {
            check(libc::posix_spawnattr_setpgroup(this, 0))?;
            check(libc::posix_spawnattr_setsigmask(this, none.as_ptr()))?;
            check(libc::posix_spawnattr_setsigdefault(this, all.as_ptr()))?;
            check(libc::posix_spawnattr_setflags(this, flags as c_short))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised by the constructor, and not used after this.
        unsafe { libc::posix_spawnattr_destroy(self.0.as_mut_ptr()) };
    }
}

/// Which side of a fork this is.
pub(crate) enum Fork {
    /// The process that forked, with the number of the new one.
    Parent(libc::pid_t),
    /// The new process.
    Child,
}

/// Makes another process of this one. To be called by the spawner alone, which has one thread: in the copy of a process
/// with several, whatever another thread held at that moment is held for ever.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: the spawner has no other thread, so the copy is whole, and may do whatever a process may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends this process without anything that is done at the end of the one it is a copy of.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: it takes a number, and does not return.
    unsafe { libc::_exit(code) }
}

/// What this process is called by those who list processes.
pub(crate) fn rename(name: &CStr) -> io::Result<()> {
    Ok(rustix::thread::set_name(name)?)
}

/// From now on, what a terminal or an operator sends to the host and all that belongs to it does nothing to this
/// process: it ends when the host does.
pub(crate) fn ignore_what_is_meant_for_the_host() {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
        libc::SIGUSR1,
        libc::SIGUSR2,
    ] {
        // SAFETY: no code is run by a signal that is ignored.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// A descriptor that is readable when a child has ended. Children start with no signal blocked, so nothing of this is
/// theirs.
pub(crate) fn signals_of_children() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written to by the first call, and read by the others; a null pointer asks for no old mask. The
    // descriptor is new and nobody else's.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        check(libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut()))?;
        match libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Empties it, so that it is not readable until another child ends.
pub(crate) fn forget_signals(children: &OwnedFd) {
    let mut signals = [0; 8 * size_of::<libc::signalfd_siginfo>()];
    while rustix::io::read(children, &mut signals).is_ok_and(|read| read == signals.len()) {}
}

/// A descriptor that this process was started with, if it was. To be asked for once, before anything is opened.
pub(crate) fn inherited(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: it looks at a number, and fails if nothing is open there.
    let is_open = unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == 0;
    // SAFETY: it is open, and as nothing has been opened by this process yet, it belongs to nobody.
    is_open.then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Who sent a datagram. The number of the process is 0 if it lives outside this pid namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) pid: libc::pid_t,
    pub(crate) uid: libc::uid_t,
}

/// Receives one datagram without waiting. Who sent it is known if the socket has `SO_PASSCRED`; descriptors that are
/// sent along are closed by the kernel, for there is no room for them.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<Sender>)> {
    /// Room for one set of credentials, aligned as a control message must be.
    #[repr(C, align(8))]
    struct Control([u8; 32]);
    let mut control = Control([0; 32]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a message header of zeros is valid: it names no address, no buffers and no control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    // SAFETY: the header points to writable buffers of the lengths that it gives; all of them outlive the call.
    let length = unsafe {
        libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC)
    };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    Ok((length.min(buffer.len()), sender(&message)))
}

fn sender(message: &libc::msghdr) -> Option<Sender> {
    // SAFETY: the header comes from a successful `recvmsg`, which has set the length of the control data; the macro
    // gives null or a complete, aligned control message header inside of it.
    let first = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }?;
    // SAFETY: computes a length, touches no memory.
    let whole = unsafe { libc::CMSG_LEN(size_of::<libc::ucred>() as u32) } as usize;
    if (first.cmsg_level, first.cmsg_type) != (libc::SOL_SOCKET, libc::SCM_CREDENTIALS)
        || first.cmsg_len != whole
    {
        return None;
    }
    // SAFETY: level, type and length say that a `ucred` follows; it may not be aligned, hence the unaligned read.
    let credentials: libc::ucred = unsafe { libc::CMSG_DATA(first).cast::<libc::ucred>().read_unaligned() };
    Some(Sender { pid: credentials.pid, uid: credentials.uid })
}

/// A value that owns one descriptor.
///
/// # Safety
/// The descriptor is open, and the same, from when the value is made until it is dropped.
pub(crate) unsafe trait OwnsFd: AsRawFd {}

// SAFETY: that is what an `OwnedFd` is.
unsafe impl OwnsFd for OwnedFd {}

// SAFETY: that is one `OwnedFd`, which is there as long as any of its owners, and cannot be replaced by them.
unsafe impl OwnsFd for Arc<OwnedFd> {}

// SAFETY: it is one of the owners of its `OwnedFd`, which it does not replace.
unsafe impl OwnsFd for SpawnedChild {}

/// Has the tokio runtime that this is called in watch a descriptor.
pub(crate) fn watch<T: OwnsFd>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: `OwnsFd` promises what is required of the descriptor, and the `AsyncFd` owns its owner.
    Ok(unsafe { AsyncFd::register_with_interest(owner, interest) }?)
}

/// Has the calling thread stand back behind others. `nice`: as `setpriority` counts it. `slice`: how long it asks to go on
/// once it has a processor; kernels since 6.12 let those go first that are woken and ask for less, older ones ignore it.
pub(crate) fn stand_back(nice: i32, slice: Duration) -> io::Result<()> {
    let wanted = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX),
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the structure is complete and of the size that it says, and the kernel only reads it; 0 is this thread, and
    // there are no flags.
    let outcome = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
