//! Proof that the kernel and the protocol do without the standard library.
//!
//! This library has its own panic handler and its own allocator. A program may have only one panic handler, and the
//! standard library brings one: so this builds only as long as nothing below it links that library in. It is compiled,
//! never run. `cargo xtask ci` also builds it with the feature `std-linked` and expects that to fail.
#![no_std]

extern crate alloc;
#[cfg(feature = "std-linked")]
extern crate std;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use hothouse_kernel::{Graph, Input, Instant, Kernel, Settings};
use hothouse_protocol::{SchemaName, json};

/// Touches both crates, so that neither is left out of the link.
#[unsafe(no_mangle)]
pub extern "C" fn hothouse_no_std_proof(nanos: u64) -> usize {
    let Ok(graph) = Graph::build(alloc::vec::Vec::new()) else { return 0 };
    let mut kernel = Kernel::new(graph, Settings::default());
    kernel.handle(Instant::from_nanos(nanos), Input::TimePassed);
    let verdict = SchemaName::StartupOptions.validate(&json::Value::Null);
    kernel.open_requests() + usize::from(verdict.is_ok())
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// There is never any memory: nothing of this is run.
struct NoMemory;

// SAFETY: null is the answer that says that there is no memory; nothing is handed out, so nothing comes back.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: NoMemory = NoMemory;
