//! `check`: everything that is wrong with a project file.

use crate::cli::ProjectJson;
use crate::exit::Exit;
use crate::project;
use crate::show::{self, Style};

pub(crate) fn run(args: &ProjectJson) -> Exit {
    match project::read(args.place.project()) {
        Ok(loaded) => {
            let project = &loaded.project;
            if args.json {
                let warnings: Vec<_> =
                    loaded.warnings.iter().map(hothouse_config::Problem::to_json_value).collect();
                super::print_json(&serde_json::json!({
                    "ok": true, "project": project.name, "plugins": project.plugins.len(),
                    "errors": [], "warnings": warnings, "omitted": 0,
                }));
                return Exit::Ok;
            }
            for warning in &loaded.warnings {
                show::tell(&show::problem(warning, Style::stderr()));
            }
            let ok = Style::stdout().green("ok");
            let plugins = show::count(project.plugins.len(), "plugin");
            super::println(&format!("{}: {ok}, {plugins}", project.file.display()));
            Exit::Ok
        }
        Err(problems) => {
            if args.json {
                let value = problems.to_json_value();
                let mut value = serde_json::to_value(value).unwrap_or_default();
                value["ok"] = false.into();
                super::print_json(&value);
            } else {
                project::print(&problems);
            }
            Exit::Config
        }
    }
}
