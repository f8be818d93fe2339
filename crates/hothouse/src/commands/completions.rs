//! `completions`: a script that a shell completes this command with. What only a project knows, names of plugins and
//! methods, the scripts ask `hothouse __complete` for.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Exit;

pub(crate) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hothouse", &mut script);
    let script = String::from_utf8_lossy(&script);
    super::println(with_names(args.shell, &script).trim_end());
    Exit::Ok
}

/// In bash and zsh the function that completes asks for names first, and does what it always does if there are none.
fn with_names(shell: Shell, script: &str) -> String {
    let first = |names: &str| {
        let hooked =
            script.replacen("_hothouse() {\n", "_hothouse() {\n    _hothouse_names && return 0\n", 1);
        // The first line of a zsh script says which command it is for.
        match hooked.strip_prefix("#compdef hothouse\n") {
            Some(rest) => format!("#compdef hothouse\n{names}{rest}"),
            None => format!("{names}{hooked}"),
        }
    };
    match shell {
        Shell::Bash => first(BASH),
        Shell::Zsh => first(ZSH),
        Shell::Fish => format!("{script}{FISH}"),
        _ => script.to_owned(),
    }
}

const BASH: &str = r#"_hothouse_names() {
    local names
    names="$("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"
    [[ -n "${names}" ]] || return 1
    mapfile -t COMPREPLY <<< "${names}"
}

"#;

const ZSH: &str = r#"
_hothouse_names() {
    local -a names
    names=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n "${names[1]}" ]] || return 1
    compadd -a names
}
"#;

const FISH: &str = r#"
function __hothouse_names
    set -l words (commandline -opc)
    $words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c hothouse -n "count (__hothouse_names) >/dev/null" -f -a "(__hothouse_names)"
"#;
