//! `Debug` of a project: everything but what its values hold.

use std::fmt;

use super::{PluginConfig, Project};

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("file", &self.file)
            .field("name", &self.name)
            .field("context", &self.context)
            .field("host", &self.host)
            .field("plugins", &self.plugins)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Leaves out `lifecycle` and `cwd`: their types do not know which of their texts were interpolated.
impl fmt::Debug for PluginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginConfig")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("run", &self.run)
            .field("env", &self.env)
            .field("clean_env", &self.clean_env)
            .field("dependencies", &self.dependencies)
            .field("optional_dependencies", &self.optional_dependencies)
            .field("may_call", &self.may_call)
            .field("config", &self.config)
            .field("expected_start", &self.expected_start)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
