//! The last good results of cacheable methods, for plugins that fall back on them (`fallbackMode: cached`).
//!
//! One memory for the whole host, bounded in bytes; what was not asked for longest goes first. It keeps results while
//! plugins serve as ever, and gives them out only when a plugin's mode says so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hothouse_kernel::PluginId;
use hothouse_runtime::{CallAnswer, Json};

use super::canonical::canonical;

/// What an entry costs beside its texts, about.
const OVERHEAD: usize = 256;

#[derive(Default)]
pub(super) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Arc<Key>, Entry>,
    /// The entries by when they were last used, the one to go first.
    by_use: BTreeMap<u64, Arc<Key>>,
    uses: u64,
    bytes: usize,
    limit: usize,
}

/// Whose answer to what.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    plugin: PluginId,
    method: Box<str>,
    arguments: Box<str>,
}

struct Entry {
    result: Json,
    at: Instant,
    used: u64,
}

impl Cache {
    /// Sets how many bytes may be kept (`host.calls.cacheBytes`).
    pub(super) fn set_limit(&self, limit: usize) {
        let mut kept = self.lock();
        kept.limit = limit;
        kept.shrink();
    }

    /// Keeps a good result.
    pub(super) fn keep(&self, plugin: PluginId, method: &str, arguments: &Json, result: &Json, at: Instant) {
        let key = Arc::new(Key { plugin, method: method.into(), arguments: canonical(arguments) });
        let mut kept = self.lock();
        kept.remove(&key);
        if key.cost(result) > kept.limit {
            return;
        }
        kept.bytes += key.cost(result);
        let used = kept.use_now(&key);
        kept.entries.insert(key, Entry { result: result.clone(), at, used });
        kept.shrink();
    }

    /// The last good result for these arguments, with its age.
    pub(super) fn answer(
        &self,
        plugin: PluginId,
        method: &str,
        arguments: &Json,
        now: Instant,
    ) -> Option<CallAnswer> {
        let key = Key { plugin, method: method.into(), arguments: canonical(arguments) };
        let mut kept = self.lock();
        let (key, entry) = kept.entries.get_key_value(&key)?;
        let stale = Some(now.saturating_duration_since(entry.at));
        let answer = CallAnswer { result: entry.result.clone(), stale };
        let (key, before) = (Arc::clone(key), entry.used);
        kept.by_use.remove(&before);
        let used = kept.use_now(&key);
        if let Some(entry) = kept.entries.get_mut(&key) {
            entry.used = used;
        }
        Some(answer)
    }

    /// Forgets what a plugin has answered: it is another one now, or none.
    pub(super) fn forget(&self, plugin: PluginId) {
        let mut kept = self.lock();
        let gone: Vec<_> = kept.entries.keys().filter(|key| key.plugin == plugin).cloned().collect();
        gone.iter().for_each(|key| kept.remove(key));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn cost(&self, result: &Json) -> usize {
        OVERHEAD + self.method.len() + self.arguments.len() + result.as_str().len()
    }
}

impl Kept {
    fn use_now(&mut self, key: &Arc<Key>) -> u64 {
        self.uses += 1;
        self.by_use.insert(self.uses, Arc::clone(key));
        self.uses
    }

    fn remove(&mut self, key: &Key) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            self.by_use.remove(&entry.used);
            self.bytes -= key.cost(&entry.result);
        }
    }

    fn shrink(&mut self) {
        while self.bytes > self.limit
            && let Some((_, key)) = self.by_use.pop_first()
        {
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A: PluginId = PluginId(1);

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn the_last_good_result_is_given_with_its_age() {
        let cache = Cache::default();
        cache.set_limit(10_000);
        let now = Instant::now();
        cache.keep(A, "get", &json(r#"{"a":1,"b":2}"#), &json("1"), now);
        cache.keep(A, "get", &json(r#"{"a":1,"b":2}"#), &json("2"), now + Duration::from_secs(1));
        let later = now + Duration::from_secs(5);
        let answer = cache.answer(A, "get", &json(r#"{ "b":2, "a":1 }"#), later).unwrap();
        assert_eq!((answer.result.as_str(), answer.stale), ("2", Some(Duration::from_secs(4))));
        assert!(cache.answer(A, "get", &json("{}"), later).is_none());
        assert!(cache.answer(A, "got", &json(r#"{"a":1,"b":2}"#), later).is_none());
        assert!(cache.answer(PluginId(2), "get", &json(r#"{"a":1,"b":2}"#), later).is_none());
        cache.forget(A);
        let kept = cache.lock();
        assert!(kept.entries.is_empty() && kept.by_use.is_empty() && kept.bytes == 0);
    }

    #[test]
    fn it_never_holds_more_than_it_may_and_drops_what_is_used_least() {
        let cache = Cache::default();
        cache.set_limit(4 * (OVERHEAD + 100));
        let now = Instant::now();
        let long = json(&format!("\"{}\"", "x".repeat(60)));
        for number in 0..1000 {
            cache.keep(A, "get", &json(&number.to_string()), &long, now);
            assert!(cache.answer(A, "get", &json("0"), now).is_some(), "it is used all the time");
            let kept = cache.lock();
            assert!(kept.bytes <= kept.limit && kept.entries.len() == kept.by_use.len());
            let bytes: usize = kept.entries.iter().map(|(key, entry)| key.cost(&entry.result)).sum();
            assert_eq!(bytes, kept.bytes);
        }
        assert!(cache.answer(A, "get", &json("998"), now).is_some());
        assert!(cache.answer(A, "get", &json("1"), now).is_none());
        let huge = json(&format!("\"{}\"", "x".repeat(10_000)));
        cache.keep(A, "get", &json("0"), &huge, now);
        assert!(
            cache.answer(A, "get", &json("0"), now).is_none(),
            "an older result is not given for a newer one"
        );
        assert!(cache.answer(A, "get", &json("999"), now).is_some());
        cache.set_limit(0);
        assert!(cache.lock().entries.is_empty());
    }
}
