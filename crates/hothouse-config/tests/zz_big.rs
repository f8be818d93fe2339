use hothouse_config::*;
use std::time::Instant;
#[test]
fn big() {
    let env = Environment::empty();
    let n = 4_000_000;
    let mut cases: Vec<(&str, &str, String)> = vec![];
    cases.push((
        "x.json",
        "one line list",
        format!("{{\"version\":1,\"plugins\":[{}1]}}", "1,".repeat(n / 2 - 20)),
    ));
    cases.push((
        "x.json",
        "one line unknown",
        format!(
            "{{\"version\":1,{}\"plugins\":[]}}",
            (0..n / 14).map(|i| format!("\"k{i}\":1,")).collect::<String>()
        ),
    ));
    cases.push(("x.yaml", "list", format!("version: 1\nplugins:\n{}", "- 1\n".repeat(n / 4 - 10))));
    cases.push(("x.yaml", "flow list", format!("version: 1\nplugins: [{}1]\n", "1,".repeat(n / 2 - 20))));
    cases.push(("x.yaml", "long plain", format!("version: 1\nname: {}\n", "x ".repeat(n / 2 - 20))));
    cases.push(("x.yaml", "multi plain", format!("version: 1\nname: a\n{}", "  x\n".repeat(n / 4 - 20))));
    cases.push(("x.yaml", "comments", "#\n".repeat(n / 2 - 20)));
    cases.push(("x.yaml", "block scalar", format!("version: 1\nname: |\n{}", "  x\n".repeat(n / 4 - 20))));
    cases.push(("x.yaml", "questions", "? ".repeat(n / 2)));
    cases.push(("x.yaml", "dashes", "- ".repeat(n / 2)));
    cases.push(("x.yaml", "colons", ": ".repeat(n / 2)));
    cases.push(("x.yaml", "quotes", format!("\"{}", "\n ".repeat(n / 2 - 10))));
    cases.push(("x.yaml", "anchors", (0..n / 14).map(|i| format!("k{i}: &a{i} 1\n")).collect::<String>()));
    cases.push(("x.yaml", "nested braces", "{a: ".repeat(n / 4)));
    cases.push(("x.toml", "array", format!("version = 1\nplugins = [{}1]", "1,".repeat(n / 2 - 20))));
    cases.push(("x.toml", "keys", (0..n / 14).map(|i| format!("k{i} = 1\n")).collect::<String>()));
    cases.push(("x.toml", "tables", "[[plugins]]\n".repeat(n / 12)));
    cases.push(("x.toml", "dotted", format!("{}x = 1", "a.".repeat(n / 2 - 20))));
    cases.push((
        "x.yaml",
        "plugins",
        format!(
            "version: 1\nplugins:\n{}",
            (0..n / 80)
                .map(|i| format!("- {{name: p{i}, run: {{shell: x}}, dependencies: [p{}]}}\n", i + 1))
                .collect::<String>()
        ),
    ));
    cases.push(("x.yaml", "env", format!("version: 1\nname: \"{}\"\n", "${env:A}".repeat(n / 8 - 10))));
    cases.push(("x.yaml", "opens", format!("version: 1\nname: \"{}\"\n", "${".repeat(n / 2 - 20))));
    cases.push((
        "x.json",
        "secrets",
        format!(
            "{{\"version\":1,\"password\":[{}1]}}",
            (0..n / 14).map(|i| format!("\"sec{i}\",")).collect::<String>()
        ),
    ));
    for (file, what, text) in cases {
        let start = Instant::now();
        let result = std::panic::catch_unwind(|| match Project::from_bytes(file, text.clone(), &env) {
            Ok(l) => format!("ok {}", l.project.plugins.len()),
            Err(p) => {
                let s = p.to_string();
                format!(
                    "{} {}",
                    p.errors.len(),
                    s.lines().next().unwrap().chars().take(90).collect::<String>()
                )
            }
        });
        println!("{file} {what} {} bytes: {:?} {:?}", text.len(), start.elapsed(), result);
    }
}
