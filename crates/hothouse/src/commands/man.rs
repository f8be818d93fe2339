//! `man`: a manual page, made from what can be typed.

use clap::CommandFactory;

use crate::cli::{Cli, ManArgs};
use crate::exit::Exit;
use crate::show;

pub(crate) fn run(args: &ManArgs) -> Exit {
    let mut command = Cli::command();
    // Names such as `hothouse-startup-blame` are given to the commands only now.
    command.build();
    let mut page = &command;
    for word in &args.command {
        let found = page.get_subcommands().find(|sub| sub.get_name() == word && !sub.is_hide_set());
        let Some(found) = found else {
            let known = page.get_subcommands().filter(|sub| !sub.is_hide_set()).map(clap::Command::get_name);
            let near = hothouse_protocol::near_miss(word, known);
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            show::error(&format!("there is no command `{word}`{near}\n  next: `hothouse help` lists them"));
            return Exit::Usage;
        };
        page = found;
    }
    let mut roff = Vec::new();
    if let Err(error) = clap_mangen::Man::new(page.clone()).render(&mut roff) {
        show::error(&error.to_string());
        return Exit::Internal;
    }
    super::println(String::from_utf8_lossy(&roff).trim_end());
    Exit::Ok
}
