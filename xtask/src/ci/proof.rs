//! The proof that kernel and protocol do without the standard library, and the proof that it proves something.
//!
//! `#![no_std]` alone proves little: a dependency may bring the library back. So both crates are linked into a library
//! with a panic handler of its own, which the compiler refuses as soon as the standard library is there as well. No
//! other target is needed for that.

use std::process::Command;

use crate::repository;

/// Builds the proof, then sees that it fails with the standard library linked in.
///
/// # Errors
/// Which of the two did not come out as it must.
pub(crate) fn check() -> Result<(), String> {
    let proof = build(&[])?;
    if !proof.success {
        return Err(format!("something below the kernel links the standard library:\n{}", proof.said));
    }
    println!("kernel and protocol link without the standard library");
    let counter_proof = build(&["--features", "std-linked"])?;
    if counter_proof.success || !counter_proof.said.contains("panic_impl") {
        return Err(format!(
            "the counter-proof must fail because of a second panic handler, so the proof proves nothing:\n{}",
            counter_proof.said
        ));
    }
    println!("with the standard library linked in the same build is refused");
    Ok(())
}

struct Built {
    success: bool,
    said: String,
}

fn build(args: &[&str]) -> Result<Built, String> {
    let root = repository::root();
    // Beside the workspace's own artifacts: it differs from them in its profile, and shares nothing.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let mut cargo = Command::new(repository::cargo());
    cargo.current_dir(root).args(["build", "--locked", "--manifest-path", "xtask/no-std-proof/Cargo.toml"]);
    cargo.arg("--target-dir").arg(target.join("no-std-proof")).args(args);
    let output = cargo.output().map_err(|error| format!("cargo could not be run: {error}"))?;
    Ok(Built { success: output.status.success(), said: String::from_utf8_lossy(&output.stderr).into_owned() })
}
