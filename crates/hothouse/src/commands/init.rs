//! `init`: a small project that runs as it stands, with the comments that a beginner needs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::InitArgs;
use crate::exit::Exit;
use crate::show;

/// What is written: the name of each file, and its text.
const FILES: [(&str, &str); 2] =
    [("hothouse.yaml", include_str!("init/hothouse.yaml")), ("greeter.py", include_str!("init/greeter.py"))];

pub(crate) fn run(args: &InitArgs) -> Exit {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    if let Some(there) = in_the_way(&folder).filter(|_| !args.force) {
        show::error(&format!(
            "{} is there already, and nothing was written\n  next: name another folder, or write over it with --force",
            there.display()
        ));
        return Exit::Refused;
    }
    if let Err(error) = write(&folder) {
        show::error(&format!("{}: {error}", folder.display()));
        return Exit::Internal;
    }
    if args.json {
        let files: Vec<String> =
            FILES.iter().map(|(name, _)| folder.join(name).display().to_string()).collect();
        super::print_json(&json!({ "written": files }));
        return Exit::Ok;
    }
    for (name, _) in FILES {
        super::println(&format!("written: {}", folder.join(name).display()));
    }
    let up = if args.folder.is_some() {
        format!("hothouse up {}", folder.display())
    } else {
        "hothouse up".into()
    };
    super::println(&format!("next: `{up}` starts it; the file says what to try then"));
    Exit::Ok
}

/// A file that would be written over, or a project file of another form beside which a second one would be one too many.
fn in_the_way(folder: &Path) -> Option<PathBuf> {
    let names = FILES.iter().map(|(name, _)| *name).chain(["hothouse.yml", "hothouse.toml", "hothouse.json"]);
    names.map(|name| folder.join(name)).find(|path| fs::symlink_metadata(path).is_ok())
}

fn write(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    FILES.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
