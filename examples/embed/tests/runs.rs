//! The example runs and says what its documentation promises.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::process::Command;

#[test]
fn the_example_greets_and_ends() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("greeter says \"Bonjour, Ada!\", and is healthy: true"), "{text}");
}
