//! The project file: YAML, TOML or JSON, read with positions, every problem at once.
//!
//! [`Project::load`] turns a file into a checked [`Project`], or into all [`Problems`] there are. Four passes, each
//! going on after a mistake: a reader per format makes one positioned tree of the text; `${env:…}` and `${file:…}` are
//! put in; the tree is shaped into settings; the settings are checked for sense, by themselves and against this
//! machine.
//!
//! ```
//! use hothouse_config::{Environment, Project};
//!
//! let text = "version: 1\nplugins:\n  - name: db\n    run: {shell: 'sleep 9', redy: 1}\n";
//! let problems = Project::from_bytes("hothouse.yaml", text, &Environment::empty()).unwrap_err();
//! assert_eq!(problems.errors[0].message, "unknown setting `redy`");
//! assert_eq!(problems.errors[0].hint.as_deref(), Some("did you mean `ready`?"));
//! ```
//!
//! `FORMAT.md` in this crate's folder is the reference of the file for those who write one.
//!
//! What it does not do: start anything, watch the file, or decide what a graph of plugins means (the kernel does).
//! Nothing it prints ever holds an interpolated value.

mod change;
mod check;
mod environment;
mod interpolate;
mod load;
mod near;
mod path;
mod places;
mod problem;
mod project;
mod read;
mod secrets;
mod shape;
mod source;
mod text;
mod tree;

pub use change::{Effect, KeyChange, ProjectChanges};
pub use check::{NotRunnable, resolve_program};
pub use environment::Environment;
pub use interpolate::MAX_INSERTED_BYTES;
pub use load::{FILE_NAMES, find};
pub use places::Places;
pub use problem::{Excerpt, Problem, Problems, Related, Severity};
pub use project::{
    CLEAN_ENV, CallSettings, CommandRun, Dependency, HostSettings, HttpTarget, Loaded, LogSettings,
    OnHostDeath, PluginConfig, ProcessRun, Program, Project, Ready, Run, Signal, TcpAddress, Transport,
};
pub use secrets::{MIN_SECRET_BYTES, REDACTED, Secrets};
pub use source::{MAX_FILE_BYTES, Position, Span};
pub use text::Text;
