//! What a plugin with a fallback serves, told once more and in another way: from the table in the protocol's semantics, over
//! plain values, with nothing of the kernel in it. The matrix tests of the kernel, of native plugins and of processes hold
//! what they see to it.

/// How many dependencies a dependent has; the first half is critical, the others are optional.
pub(crate) const DEPENDENCIES: u32 = 8;
pub(crate) const CRITICAL: u32 = 0b0000_1111;

/// The five fallbacks, by the protocol's words.
pub(crate) const MODES: [&str; 5] = ["minimal", "cached", "readonly", "offline", "disabled"];

/// The features that are declared for hard times, and whether they are on then.
pub(crate) const FEATURES: [(&str, bool); 2] = [("search", true), ("mail", false)];

/// What a method says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) readonly: bool,
    pub(crate) cacheable: bool,
    pub(crate) essential: bool,
    pub(crate) feature: Option<&'static str>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    FromCache,
    FeatureOff,
    Refused,
}

/// Every kind of method that there can be, with a name that says which it is.
pub(crate) fn methods() -> Vec<(String, Method)> {
    let mut methods = Vec::new();
    for (number, feature) in [None, Some("search"), Some("mail"), Some("undeclared")].into_iter().enumerate()
    {
        for bits in 0..8 {
            let [readonly, cacheable, essential] = [1, 2, 4].map(|bit| bits & bit != 0);
            let method = Method { readonly, cacheable, essential, feature };
            methods.push((format!("m{number}{bits}"), method));
        }
    }
    methods
}

/// What becomes of a call while those dependencies are away.
pub(crate) fn fate(mode: &str, away: u32, method: Method) -> Fate {
    if away == 0 {
        return Fate::Answered;
    }
    let switch = FEATURES.iter().find(|(name, _)| Some(*name) == method.feature).map(|(_, on)| *on);
    if switch == Some(false) && !method.essential {
        return Fate::FeatureOff;
    }
    let only_optional_are_away = away & CRITICAL == 0;
    let served = match mode {
        _ if only_optional_are_away => true,
        "minimal" => method.essential || switch == Some(true),
        "cached" => {
            return if method.cacheable { Fate::FromCache } else { Fate::Refused };
        }
        "readonly" => method.readonly,
        "offline" => true,
        "disabled" => false,
        other => panic!("there is no mode `{other}`"),
    };
    if served { Fate::Answered } else { Fate::Refused }
}

/// What a plugin is told that it serves.
pub(crate) fn told(mode: &'static str, away: u32) -> &'static str {
    match away {
        0 => "normal",
        away if away & CRITICAL == 0 => "degraded",
        _ => mode,
    }
}

/// Every subset of the dependencies once, each one dependency away from the one before: the first is none, and what follows
/// the last is the first again.
pub(crate) fn subsets() -> impl Iterator<Item = u32> {
    (0..1_u32 << DEPENDENCIES).map(|number| number ^ (number >> 1))
}
