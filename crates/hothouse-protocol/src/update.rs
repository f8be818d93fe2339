//! How a plugin gets to newer versions, and back.

use crate::declare::{choice, object};
use crate::wire::Minimum;
use alloc::string::String;

object! {
    defaulted
    /// How a plugin gets to newer versions.
    PluginUpdateStrategy {
        /// What sets an update off.
        mode as "mode": UpdateMode = UpdateMode::Manual;
        /// Which new versions may be taken without being asked for.
        auto_update_constraints as "autoUpdateConstraints": Option<AutoUpdateConstraints>;
        /// When updates may happen, for the mode "scheduled".
        schedule as "schedule": Option<UpdateSchedule>;
        /// How a bad update is taken back.
        rollback as "rollback": Option<UpdateRollback>;
        /// What a new version must pass before it is used.
        validation as "validation": Option<UpdateValidation>;
    }
}

choice! {
    /// What sets an update off.
    UpdateMode {
        /// Only an operator.
        Manual = "manual",
        /// A new version.
        Automatic = "automatic",
        /// A new version, once the time has come.
        Scheduled = "scheduled",
        /// A new version, one replica after the other.
        Rolling = "rolling",
    }
}

object! {
    defaulted
    /// Which steps of the version number an update may take without being asked for.
    AutoUpdateConstraints {
        /// Whether to a new major version.
        major as "major": bool = false;
        /// Whether to a new minor version.
        minor as "minor": bool = true;
        /// Whether to a new patch version.
        patch as "patch": bool = true;
    }
}

object! {
    defaulted
    /// When updates may happen.
    UpdateSchedule {
        /// When the window opens, as a cron expression.
        cron as "cron": Option<String>;
        /// The time zone of the cron expression, by its IANA name.
        timezone as "timezone": String = String::from("UTC");
        /// How long the window stays open, in minutes.
        maintenance_window as "maintenanceWindow": u64 [Minimum(1)] = 60;
    }
}

object! {
    defaulted
    /// How a bad update is taken back.
    UpdateRollback {
        /// Whether it can be taken back at all.
        enabled as "enabled": bool = true;
        /// Whether the host does so by itself.
        automatic as "automatic": bool = true;
        /// How many earlier versions are kept.
        keep_versions as "keepVersions": u64 [Minimum(1)] = 3;
        /// How long the new version has to become healthy, in milliseconds.
        timeout as "timeout": u64 [Minimum(1000)] = 30_000;
    }
}

object! {
    defaulted
    /// What a new version must pass before it is used.
    UpdateValidation {
        /// Whether it must fit the host and the plugins that depend on it.
        check_compatibility as "checkCompatibility": bool = true;
        /// Whether it must pass its tests.
        run_tests as "runTests": bool = false;
        /// Which tests.
        test_suite as "testSuite": Option<String>;
    }
}
