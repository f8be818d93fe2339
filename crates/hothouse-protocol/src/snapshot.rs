//! A plugin's state at one moment.

use crate::date_time::DateTime;
use crate::declare::object;
use crate::json::Object;
use alloc::string::String;

object! {
    /// A plugin's state at one moment.
    PluginStateSnapshot {
        /// The plugin's name.
        plugin_id as "pluginId": String;
        /// The version of the plugin that wrote the state.
        version as "version": String;
        /// When it was taken, in UTC.
        timestamp as "timestamp": DateTime;
        /// The state itself, in the plugin's own form.
        state as "state": Object;
        /// How the state is kept.
        metadata as "metadata": Option<SnapshotMetadata>;
    }
}

object! {
    defaulted
    /// How a plugin's state is kept.
    SnapshotMetadata {
        /// Checksum of the state, compared when it is restored.
        checksum as "checksum": Option<String>;
        /// Whether the state is compressed where it is stored.
        compressed as "compressed": bool = false;
        /// The algorithm that the state is encrypted with where it is stored; absent if it is not.
        encryption as "encryption": Option<String>;
    }
}
