//! The programs that the tests run besides cargo and the compiler.
//!
//! Only Debian is known here: elsewhere the message says what is missing.

use std::process::{Command, Stdio};

/// A program that tests run.
struct Tool {
    /// How it is found and asked whether it works.
    probe: [&'static str; 2],
    /// The Debian package that it comes with.
    package: &'static str,
    why: &'static str,
}

const TOOLS: [Tool; 2] = [
    // By its path: a version switcher in front of it would be measured and signalled instead of the plugin.
    Tool { probe: ["/usr/bin/python3", "--version"], package: "python3", why: "plugins written in Python" },
    Tool { probe: ["node", "--version"], package: "nodejs", why: "plugins written for Node" },
];

/// Sees to it that every tool is there.
///
/// # Errors
/// What is missing, and how to get it.
pub(crate) fn check() -> Result<(), String> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !works(tool)).collect();
    if missing.is_empty() {
        println!("{} tools are there", TOOLS.len());
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    println!("missing: {}", packages.join(", "));
    if is_root() {
        install(&packages);
    }
    match missing.into_iter().find(|tool| !works(tool)) {
        None => Ok(()),
        Some(tool) => Err(format!(
            "`{}` cannot be run, and the tests need it for {}; as root: apt-get install {}",
            tool.probe[0],
            tool.why,
            packages.join(" ")
        )),
    }
}

fn works(tool: &Tool) -> bool {
    let [program, argument] = tool.probe;
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether it worked is seen by looking for the tools again.
fn install(packages: &[&str]) {
    let apt = |args: &[&str]| {
        let status = Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive").status();
        if let Err(error) = status {
            println!("apt-get could not be run: {error}");
        }
    };
    apt(&["update", "--quiet"]);
    apt(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat());
}
