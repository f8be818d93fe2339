//! From the tree to a project: which keys there are, of which type, within which bounds.
//!
//! A part that is wrong is reported and left out, and reading goes on. What the parts mean together is checked later, in
//! `check`.

mod dependencies;
mod field;
mod lifecycle;
mod plugin;
mod ready;
mod run;
mod top;
mod words;

pub(crate) use dependencies::Needed;
pub(crate) use field::Field;
use field::Fields;
pub(crate) use plugin::PluginDraft;
pub(crate) use ready::{address, split_url};
pub(crate) use run::ProgramUse;
pub(crate) use top::{ProjectDraft, project};

use std::path::Path as FilePath;

use crate::environment::Environment;

/// What the parts of a file are read against.
pub(crate) struct Setting<'a> {
    /// The project's folder, absolute.
    pub(crate) root: &'a FilePath,
    pub(crate) environment: &'a Environment,
}
