//! `schema`: the protocol's types as JSON Schema.

use hothouse_protocol::{SchemaName, Side};

use crate::cli::{SchemaArgs, SideArg};
use crate::exit::Exit;
use crate::show;

pub(crate) fn run(args: &SchemaArgs) -> Exit {
    let Some(name) = &args.schema else {
        let names: Vec<&str> = SchemaName::ALL.iter().map(|schema| schema.as_str()).collect();
        if args.json {
            super::print_json(&names)
        } else {
            super::println(&names.join("\n"))
        }
        return Exit::Ok;
    };
    let schema: SchemaName = match name.parse() {
        Ok(schema) => schema,
        Err(error) => {
            show::error(&format!("{error}\n  next: `hothouse schema` lists them"));
            return Exit::Usage;
        }
    };
    let side = match args.side {
        SideArg::Input => Side::Input,
        SideArg::Output => Side::Output,
    };
    match serde_json::to_string_pretty(&schema.json_schema(side)) {
        Ok(text) => super::println(&text),
        Err(error) => {
            show::error(&error.to_string());
            return Exit::Internal;
        }
    }
    Exit::Ok
}
