//! A spawner and nothing else, for programs that cannot be run as one themselves.

fn main() {
    hothouse_process::keeper::run()
}
