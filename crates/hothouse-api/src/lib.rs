//! Types of the control API and its client.
