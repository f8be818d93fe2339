//! What a plugin serves at the moment, and which calls that lets through. Values and pure functions only: the router
//! asks for every call, so this takes nanoseconds and allocates nothing.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hothouse_protocol::FallbackMode;

use crate::graph::Need;

/// What a plugin serves: everything, or less because something that it depends on is away.
#[derive(Clone, PartialEq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Service {
    /// The fallback that calls go through (`fallbackMode`); `None`: they are served as ever.
    pub mode: Option<FallbackMode>,
    /// Whether an operator has set the mode, whatever is missing.
    pub forced: bool,
    /// Whether the features take the values that are declared for hard times (`degradedFeatures`).
    pub switched: bool,
    /// What is declared for hard times.
    pub features: Arc<[FeatureSwitch]>,
    /// What it depends on and is away, in the order of its declaration.
    pub missing: Vec<Missing>,
}

/// Whether one feature is on while something is away (`degradedFeatures`).
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FeatureSwitch {
    /// The feature's name.
    pub feature: Box<str>,
    /// Whether it is on.
    pub enabled: bool,
    /// Why, for whoever is refused.
    pub reason: Option<Box<str>>,
}

impl From<&hothouse_protocol::DegradedFeature> for FeatureSwitch {
    fn from(declared: &hothouse_protocol::DegradedFeature) -> FeatureSwitch {
        FeatureSwitch {
            feature: declared.feature.as_str().into(),
            enabled: declared.enabled,
            reason: declared.reason.as_deref().map(Into::into),
        }
    }
}

/// A dependency that is away.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Missing {
    /// Its name, whether a plugin of that name is declared or not.
    pub name: Arc<str>,
    /// Whether it is critical ([`Need::Hard`]) or optional.
    pub need: Need,
    /// Why it is away, as it would follow "which": `is unhealthy: no disk`, `is not declared`.
    pub why: Box<str>,
}

/// What a plugin declares of one of its methods, as far as it decides whether a call is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MethodTraits<'a> {
    /// It changes nothing.
    pub readonly: bool,
    /// Its last good answer may be given again.
    pub cacheable: bool,
    /// It works whatever is missing.
    pub essential: bool,
    /// The feature that it belongs to.
    pub feature: Option<&'a str>,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission<'a> {
    /// It is passed on to the plugin.
    Pass,
    /// It is answered with the last good result for the same arguments, if there is one.
    FromCache,
    /// It is refused: the plugin's mode does not serve it.
    ModeRefuses(FallbackMode),
    /// It is refused: the feature is switched off while something is away.
    FeatureOff(&'a FeatureSwitch),
}

impl Service {
    /// Whether everything is served as ever.
    pub fn is_normal(&self) -> bool {
        self.mode.is_none() && !self.switched
    }

    /// The word for it in tables and in JSON: the mode, `degraded` where only features are switched, or `normal`.
    pub fn as_str(&self) -> &'static str {
        match self.mode {
            Some(mode) => mode.as_str(),
            None if self.switched => "degraded",
            None => "normal",
        }
    }

    /// The declaration about a feature, if it is in force.
    pub fn switch(&self, feature: &str) -> Option<&FeatureSwitch> {
        self.features.iter().filter(|_| self.switched).find(|declared| &*declared.feature == feature)
    }

    /// What becomes of a call of such a method.
    ///
    /// A feature that is switched off takes its methods with it, in every mode; an essential method works whatever is
    /// switched off. Then the mode decides.
    pub fn admit(&self, method: MethodTraits<'_>) -> Admission<'_> {
        if self.is_normal() {
            return Admission::Pass;
        }
        let switch = method.feature.and_then(|feature| self.switch(feature));
        if let Some(off) = switch.filter(|switch| !switch.enabled && !method.essential) {
            return Admission::FeatureOff(off);
        }
        let Some(mode) = self.mode else { return Admission::Pass };
        let served = match mode {
            FallbackMode::Minimal => method.essential || switch.is_some_and(|switch| switch.enabled),
            FallbackMode::Cached if method.cacheable => return Admission::FromCache,
            FallbackMode::Cached => false,
            FallbackMode::Readonly => method.readonly,
            FallbackMode::Offline => true,
            FallbackMode::Disabled => false,
        };
        if served { Admission::Pass } else { Admission::ModeRefuses(mode) }
    }

    /// Whether calls of this plugin to that dependency fail at once, because it knows that it is away.
    pub fn cuts_off(&self, dependency: &str) -> bool {
        self.mode == Some(FallbackMode::Offline) && self.missing(dependency).is_some()
    }

    /// The dependency of that name, if it is away.
    pub fn missing(&self, dependency: &str) -> Option<&Missing> {
        self.missing.iter().find(|missing| &*missing.name == dependency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(mode: Option<FallbackMode>) -> Service {
        let feature = |name: &str, enabled| FeatureSwitch { feature: name.into(), enabled, reason: None };
        Service {
            mode,
            switched: true,
            features: [feature("search", true), feature("mail", false)].into(),
            ..Service::default()
        }
    }

    /// Of each kind of method, by its name.
    fn method(kind: &str) -> MethodTraits<'_> {
        let plain = MethodTraits::default();
        match kind {
            "readonly" => MethodTraits { readonly: true, ..plain },
            "cacheable" => MethodTraits { cacheable: true, ..plain },
            "essential" => MethodTraits { essential: true, ..plain },
            "plain" => plain,
            feature => MethodTraits { feature: Some(feature), ..plain },
        }
    }

    fn served(mode: Option<FallbackMode>) -> Vec<&'static str> {
        let kinds = ["plain", "readonly", "cacheable", "essential", "search", "mail", "other"];
        let service = service(mode);
        let served =
            |kind: &&str| matches!(service.admit(method(kind)), Admission::Pass | Admission::FromCache);
        kinds.into_iter().filter(served).collect()
    }

    #[test]
    fn what_each_mode_serves() {
        use FallbackMode as M;
        let all_but_mail = ["plain", "readonly", "cacheable", "essential", "search", "other"];
        assert_eq!(served(None), all_but_mail);
        assert_eq!(served(Some(M::Minimal)), ["essential", "search"]);
        assert_eq!(served(Some(M::Cached)), ["cacheable"]);
        assert_eq!(served(Some(M::Readonly)), ["readonly"]);
        assert_eq!(served(Some(M::Offline)), all_but_mail);
        assert_eq!(served(Some(M::Disabled)), [""; 0]);
    }

    #[test]
    fn a_switched_off_feature_takes_all_but_the_essential_with_it() {
        let mail = MethodTraits { readonly: true, feature: Some("mail"), ..MethodTraits::default() };
        let off = service(Some(FallbackMode::Readonly));
        assert!(matches!(off.admit(mail), Admission::FeatureOff(feature) if &*feature.feature == "mail"));
        let essential = MethodTraits { essential: true, ..mail };
        assert_eq!(off.admit(essential), Admission::Pass);
    }

    #[test]
    fn what_is_declared_for_hard_times_does_not_hold_in_good_ones() {
        let normal = Service { switched: false, ..service(None) };
        assert!(normal.is_normal() && normal.as_str() == "normal");
        assert_eq!(normal.admit(method("mail")), Admission::Pass);
        let degraded = service(None);
        assert_eq!((degraded.as_str(), degraded.admit(method("plain"))), ("degraded", Admission::Pass));
    }

    #[test]
    fn only_offline_cuts_off_and_only_from_what_is_away() {
        let missing = Missing { name: "db".into(), need: Need::Hard, why: "is failed".into() };
        let mut service = service(Some(FallbackMode::Offline));
        service.missing.push(missing);
        assert!(service.cuts_off("db") && !service.cuts_off("cache"));
        service.mode = Some(FallbackMode::Minimal);
        assert!(!service.cuts_off("db"));
    }
}
