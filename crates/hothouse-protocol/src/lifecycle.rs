//! All of a plugin's lifecycle settings together.

use crate::declare::object;
use crate::degradation::GracefulDegradation;
use crate::health::PluginHealthCheck;
use crate::reload::HotReloadConfig;
use crate::resources::{Observability, ResourceLimits};
use crate::update::PluginUpdateStrategy;

object! {
    defaulted
    /// All of a plugin's lifecycle settings. Every part may be absent, and then stays absent.
    AdvancedPluginLifecycleConfig {
        /// How the plugin's health is watched.
        health as "health": Option<PluginHealthCheck>;
        /// How the plugin is replaced while it runs.
        hot_reload as "hotReload": Option<HotReloadConfig>;
        /// What the plugin still does without its dependencies.
        degradation as "degradation": Option<GracefulDegradation>;
        /// How the plugin gets to newer versions.
        updates as "updates": Option<PluginUpdateStrategy>;
        /// What the plugin may use at most.
        resources as "resources": Option<ResourceLimits>;
        /// What is recorded about the plugin.
        observability as "observability": Option<Observability>;
    }
}
