//! What a plugin still does while something that it depends on is away (the protocol's `GracefulDegradation`).

mod fall_back;
mod hold;
mod service;
mod settings;

pub(crate) use fall_back::HardTimes;
pub use service::{Admission, FeatureSwitch, MethodTraits, Missing, Service};
pub use settings::{Degradation, Recovery};
