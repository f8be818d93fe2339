//! The native runtime: plugins that are Rust in the host's own process.
//!
//! A plugin implements [`Plugin`]; [`NativeLoader`] makes instances of it. Verbs run on a [`Pool`] of threads that
//! belongs to nobody else, so that a plugin that blocks holds up neither the host nor another plugin. A panic is
//! contained and counts as a crash.
//!
//! What it cannot do: end code that never yields. A verb that blocks for ever keeps its thread; the plugin is then
//! abandoned, which is shown as such, and never started again. It also limits nothing: native code has the host's
//! memory, files and network.

mod instance;
mod panics;
mod plugin;
mod pool;
mod task;

pub use instance::NativeLoader;
pub use plugin::{HostHandle, Incoming, Init, Plugin};
pub use pool::Pool;
