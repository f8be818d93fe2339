//! Golden texts
