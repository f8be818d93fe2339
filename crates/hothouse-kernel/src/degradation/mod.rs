//! What a plugin still does while something that it depends on is away (the protocol's `GracefulDegradation`).

mod service;

pub use service::{Admission, FeatureSwitch, MethodTraits, Missing, Service};
