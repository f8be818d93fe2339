//! `why`: why a plugin is where it is, from the running host; without one from what it has written down.

use std::path::PathBuf;

use hothouse_api::{ClientError, Why};

use crate::cli::WhyArgs;
use crate::exit::Exit;
use crate::show::{self, Style};
use crate::{past, places, project};

pub(crate) async fn run(args: WhyArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let why = match client.why(&args.plugin).await {
        Ok(why) => why,
        Err(ClientError::NotRunning { .. }) => match of_the_past(&args) {
            Ok(why) => why,
            Err(exit) => return exit,
        },
        Err(error) => return super::told(&error, args.json),
    };
    print(&why, args.json);
    Exit::Ok
}

fn of_the_past(args: &WhyArgs) -> Result<Why, Exit> {
    let project = project::load(args.project.project.as_deref())?;
    if !project.plugins.iter().any(|plugin| plugin.name == args.plugin) {
        show::error(&format!(
            "{}\n  next: {} lists them",
            show::no_such_plugin(&args.plugin, &project),
            show::hothouse("plan")
        ));
        return Err(Exit::Refused);
    }
    let read = places::state_dir(&project).and_then(|folder| {
        past::events(&folder, 0).map_err(|error| format!("{}: {error}", folder.display()))
    });
    let events = read.map_err(|error| {
        show::error(&error);
        Exit::Internal
    })?;
    Ok(past::why(&args.plugin, &events, &project))
}

fn print(why: &Why, json: bool) {
    if !json {
        return super::println(&show::why(why, Style::stdout()));
    }
    match serde_json::to_value(why) {
        Ok(mut value) => {
            value["next"] = show::next(why).into();
            super::print_json(&value);
        }
        Err(error) => show::error(&error.to_string()),
    }
}
