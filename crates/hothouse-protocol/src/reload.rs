//! How a plugin is replaced while it runs, and where its state is kept meanwhile.

use crate::declare::{choice, object};
use crate::json::Object;
use crate::secret::Secret;
use crate::wire::Minimum;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    defaulted
    /// How a plugin is replaced while it runs.
    HotReloadConfig {
        /// Whether a change of the plugin's files reloads it.
        enabled as "enabled": bool = false;
        /// Glob patterns of the files that are watched.
        watch_patterns as "watchPatterns": Option<Vec<String>>;
        /// How long it must be quiet after a change before the reload begins, in milliseconds.
        debounce_delay as "debounceDelay": u64 = 1000;
        /// Whether the new instance is given the state of the old one.
        preserve_state as "preserveState": bool = true;
        /// Where the state is kept between the two.
        state_strategy as "stateStrategy": StateStrategy = StateStrategy::Memory;
        /// The shared store, for the strategy "distributed".
        distributed_config as "distributedConfig": Option<DistributedStateConfig>;
        /// Longest time that the old instance may take to finish, in milliseconds.
        shutdown_timeout as "shutdownTimeout": u64 = 30_000;
        /// Names of the hooks that are called before a reload, in order.
        before_reload as "beforeReload": Option<Vec<String>>;
        /// Names of the hooks that are called after a reload, in order.
        after_reload as "afterReload": Option<Vec<String>>;
    }
}

choice! {
    /// Where a plugin's state is kept.
    StateStrategy {
        /// In the host's memory.
        Memory = "memory",
        /// In files of the host.
        Disk = "disk",
        /// In a store that several hosts share.
        Distributed = "distributed",
        /// Nowhere: every start is a fresh one.
        None = "none",
    }
}

object! {
    /// Where state is kept that several hosts share.
    DistributedStateConfig {
        /// The kind of store.
        provider as "provider": DistributedProvider;
        /// URLs of the store; several are members of one cluster.
        endpoints as "endpoints": Option<Vec<String>>;
        /// What every key in the store begins with.
        key_prefix as "keyPrefix": Option<String>;
        /// How long state is kept, in seconds.
        ttl as "ttl": Option<u64> [Minimum(0)];
        /// What the store is told about who is calling.
        auth as "auth": Option<DistributedAuth>;
        /// How many copies must exist before state counts as saved.
        replication as "replication": Option<DistributedReplication>;
        /// Settings that only the store itself understands.
        custom_config as "customConfig": Option<Object>;
    }
}

choice! {
    /// The kind of a shared store.
    DistributedProvider {
        /// Redis, or a store that speaks its protocol.
        Redis = "redis",
        /// etcd.
        Etcd = "etcd",
        /// A store that a plugin or a program provides.
        Custom = "custom",
    }
}

object! {
    defaulted
    /// What a shared store is told about who is calling. None of it is ever shown.
    DistributedAuth {
        /// The user.
        username as "username": Option<Secret>;
        /// The user's password.
        password as "password": Option<Secret>;
        /// A token instead of user and password.
        token as "token": Option<Secret>;
        /// A client certificate in PEM form, or the path of one.
        certificate as "certificate": Option<Secret>;
    }
}

object! {
    defaulted
    /// How many copies must exist before state counts as saved.
    DistributedReplication {
        /// Whether a save waits for copies at all.
        enabled as "enabled": bool = true;
        /// For how many copies a save waits.
        min_replicas as "minReplicas": u64 [Minimum(1)] = 1;
    }
}
