//! What a host is made of.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::health::Passive;
use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{
    Degradation, EdgeDecl, HealthSettings, Ladder, Need, PluginDecl, PluginSettings, Rung, Settings,
};
use hothouse_protocol::{FallbackMode, GracefulDegradation, PluginHealthCheck};
use hothouse_runtime::{Abilities, Json, Loader};
use semver::Version;

use crate::logs::LogSettings;
use crate::records::RecordSettings;

/// One plugin of a host.
#[derive(Clone)]
pub struct PluginSpec {
    /// Its name, unique within the host.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// What it needs.
    pub edges: Vec<EdgeDecl>,
    /// What makes instances of it.
    pub loader: Arc<dyn Loader>,
    /// What is handed to its `init`.
    pub config: Json,
    /// How long its start is expected to take; see [`PluginSettings::expected_start`].
    pub expected_start: Option<Duration>,
    /// The longest a health check may take (`health.timeout`).
    pub check_timeout: Duration,
    /// The exported method that is called to check its health (`health.checkMethod`, unless that is an endpoint, which
    /// is the loader's business). `None`: the plugin's own `health`, if it has one.
    pub check_method: Option<String>,
    /// How its health is watched (`lifecycle.health`); `None`: not at all, and it is not restarted by itself.
    pub health: Option<HealthSettings>,
    /// What it still does without its dependencies (`lifecycle.degradation`). Those that are named there are dependencies
    /// too: the critical ones like those of [`PluginSpec::needs`], the optional ones like those of [`PluginSpec::likes`].
    pub degradation: Option<Arc<Degradation>>,
    /// What holds for calls of it, and for those that it makes.
    pub calls: CallRules,
    /// What stands for everything that its instances are made of: the loader, `config` and `check_method`. When a
    /// configuration replaces another one, two plugins of one name with the same fingerprint are the same, and the
    /// instance runs on. Without one they are the same if the loader is the very same object and the others are equal.
    pub fingerprint: Option<Arc<str>>,
}

impl PluginSpec {
    /// A plugin of this name, made by this loader: version 0.0.0, no dependencies, no configuration.
    pub fn new(name: impl Into<String>, loader: impl Loader + 'static) -> PluginSpec {
        PluginSpec::with_loader(name, Arc::new(loader))
    }

    /// The same, for a loader that is shared already.
    pub fn with_loader(name: impl Into<String>, loader: Arc<dyn Loader>) -> PluginSpec {
        PluginSpec {
            name: name.into(),
            version: Version::new(0, 0, 0),
            edges: Vec::new(),
            loader,
            config: Json::null(),
            expected_start: None,
            check_timeout: Duration::from_millis(5000),
            check_method: None,
            health: None,
            degradation: None,
            calls: CallRules::default(),
            fingerprint: None,
        }
    }

    /// The same plugin, needing `name` as well.
    #[must_use]
    pub fn needs(mut self, name: impl Into<String>) -> PluginSpec {
        self.edges.push(EdgeDecl { to: name.into(), need: Need::Hard, range: None });
        self
    }

    /// The same plugin, starting after `name` where that is present.
    #[must_use]
    pub fn likes(mut self, name: impl Into<String>) -> PluginSpec {
        self.edges.push(EdgeDecl { to: name.into(), need: Need::Optional, range: None });
        self
    }

    /// The same plugin, watched and restarted like that. An endpoint as `checkMethod` is the loader's business; a method
    /// is called.
    #[must_use]
    pub fn health(mut self, check: &PluginHealthCheck) -> PluginSpec {
        let is_method = |text: &&String| !text.contains("://") && !text.starts_with("exec:");
        self.check_timeout = Duration::from_millis(check.timeout);
        self.check_method = check.check_method.as_ref().filter(is_method).cloned();
        self.health = Some(HealthSettings::from(check));
        self
    }

    /// The same plugin, which falls back like that when what it depends on is away. What is named there it depends on: it
    /// needs what is critical, and starts after what is optional, as with [`needs`](PluginSpec::needs) and
    /// [`likes`](PluginSpec::likes).
    #[must_use]
    pub fn degrades(mut self, degradation: &GracefulDegradation) -> PluginSpec {
        self.calls.records = degradation.enabled && degradation.fallback_mode == FallbackMode::Cached;
        let degradation = Arc::new(Degradation::from(degradation));
        for (names, need) in [(&degradation.critical, Need::Hard), (&degradation.optional, Need::Optional)] {
            self.edges.extend(names.iter().map(|name| EdgeDecl { to: (**name).into(), need, range: None }));
        }
        self.degradation = Some(degradation);
        self
    }

    /// The same plugin with this configuration.
    #[must_use]
    pub fn config(mut self, config: impl Into<Json>) -> PluginSpec {
        self.config = config.into();
        self
    }

    /// The same plugin with this fingerprint.
    #[must_use]
    pub fn fingerprint(mut self, fingerprint: impl Into<Arc<str>>) -> PluginSpec {
        self.fingerprint = Some(fingerprint.into());
        self
    }

    /// The same plugin, allowed to call `name` although it does not depend on it.
    #[must_use]
    pub fn may_call(mut self, name: impl Into<String>) -> PluginSpec {
        self.calls.may_call.push(name.into());
        self
    }

    pub(crate) fn decl(&self, abilities: &Abilities, settings: &HostSettings) -> PluginDecl {
        let mut edges = self.edges.clone();
        if let Some(degradation) = &self.degradation {
            let edge = |name: &Arc<str>, need| EdgeDecl { to: name.as_ref().into(), need, range: None };
            edges.extend(degradation.critical.iter().map(|name| edge(name, Need::Hard)));
            edges.extend(degradation.optional.iter().map(|name| edge(name, Need::Optional)));
        }
        PluginDecl {
            name: self.name.clone(),
            version: self.version.clone(),
            edges,
            settings: PluginSettings {
                ladder: settings.ladder(abilities),
                check_timeout: self.check_timeout,
                probe: abilities.probe,
                waits_for: abilities.waits_for.clone(),
                expected_start: self.expected_start,
                health: self.health,
                degradation: self.degradation.clone(),
            },
        }
    }
}

/// What holds for calls of one plugin, and for those that it makes. A change of it needs no restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRules {
    /// How many calls it is at at a time (`resources.maxConnections`); `None`: no limit.
    pub limit: Option<NonZeroU32>,
    /// The longest that any call of it may take, the wait included (`resources.timeout`); `None`: no limit.
    pub timeout: Option<Duration>,
    /// The plugins that it may call beside those that it depends on (`mayCall`). They may be missing.
    pub may_call: Vec<String>,
    /// Whether its last good results are kept, because it falls back on them (`fallbackMode: cached`).
    pub records: bool,
}

/// Settings of a host for all calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// How many calls may wait for one plugin (`host.calls.queue`).
    pub queue: usize,
    /// How many bytes of last good results are kept for all plugins together (`host.calls.cacheBytes`).
    pub cache_bytes: usize,
    /// Whether arguments and results are held against the schemas that plugins declare for them (`host.calls.validate`).
    pub validate: bool,
}

impl Default for CallSettings {
    fn default() -> CallSettings {
        CallSettings { queue: 1024, cache_bytes: 16 * 1024 * 1024, validate: false }
    }
}

/// Settings of a host.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// How many plugins may be starting at the same time (`host.maxConcurrentStarts`); `None`: no limit.
    pub max_concurrent_starts: Option<NonZeroU32>,
    /// How restarts that nobody asks for are paced (`host.restart`).
    pub restart: Pacing,
    /// When the calls that a plugin has answered speak against it (`host.passiveHealth`).
    pub passive: Passive,
    /// What jitter is rolled from; `None`: something that differs from host to host.
    pub seed: Option<u64>,
    /// How long a plugin's `destroy`, or a command's reaction to its stop signal, may take (`host.stopTimeout`).
    pub stop_timeout: Duration,
    /// How long a plugin may take to go away by itself after its channel is closed (`host.closeGrace`).
    pub close_grace: Duration,
    /// How long a plugin that has had its `destroy` may take to react to SIGTERM, and any plugin to SIGKILL, before
    /// the next step is taken or it is given up (`host.killTimeout`).
    pub kill_timeout: Duration,
    /// How what plugins log is kept. By default in memory only, and of each plugin only the last lines.
    pub logs: LogSettings,
    /// How many of the last events are kept in memory.
    pub remembered_events: usize,
    /// Where events and the journal of the kernel's inputs are written down; `None`: nowhere.
    pub records: Option<RecordSettings>,
    /// Settings for all calls.
    pub calls: CallSettings,
}

impl Default for HostSettings {
    fn default() -> HostSettings {
        HostSettings {
            max_concurrent_starts: None,
            restart: Pacing::default(),
            passive: Passive::default(),
            seed: None,
            stop_timeout: Duration::from_secs(10),
            close_grace: Duration::from_millis(200),
            kill_timeout: Duration::from_secs(2),
            logs: LogSettings::default(),
            remembered_events: 16_384,
            records: None,
            calls: CallSettings::default(),
        }
    }
}

impl HostSettings {
    /// The part of it by which the kernel decides.
    pub(crate) fn of_kernel(&self) -> Settings {
        // The standard library's hasher is seeded anew for every process.
        let seed = || RandomState::new().hash_one(());
        Settings {
            max_concurrent_starts: self.max_concurrent_starts,
            restart: self.restart,
            passive: self.passive,
            seed: self.seed.unwrap_or_else(seed),
        }
    }

    /// The ladder of a plugin whose runtime has these rungs. The first rung that it has is the one on which it may
    /// take its time.
    fn ladder(&self, abilities: &Abilities) -> Ladder {
        let mut ladder = Ladder::EMPTY;
        for rung in abilities.rungs {
            let limit = match rung {
                Rung::Destroy => self.stop_timeout,
                Rung::Close => self.close_grace,
                Rung::Terminate if abilities.rungs.contains(&Rung::Destroy) => self.kill_timeout,
                Rung::Terminate => self.stop_timeout,
                Rung::Kill => self.kill_timeout,
            };
            ladder = ladder.with(*rung, limit);
        }
        ladder
    }
}
