//! The search for mistakes in the kernel, as far as it fits into every run of the tests. `cargo xtask sim` goes
//! further: larger graphs, more seeds, for as long as one likes.

use hothouse_sim::away;
use hothouse_sim::exhaustive::{self, Share};
use hothouse_sim::random::{Stats, run_seed};

#[test]
fn every_graph_of_up_to_four_plugins_comes_to_what_the_oracle_says() {
    match exhaustive::run(4, Share::WHOLE) {
        Ok(size) => println!("{} graphs, {} starts", size.graphs, size.cases),
        Err(difference) => panic!("found by: the oracle ({})\n{difference}", difference.what()),
    }
}

#[test]
fn every_graph_of_up_to_three_plugins_and_some_of_four_do_without_one_as_declared() {
    for (nodes, share) in [(3, Share::WHOLE), (4, Share { number: 0, of: 20 })] {
        match away::run(nodes, share) {
            Ok(size) => println!("{} graphs, {} victims", size.graphs, size.cases),
            Err(difference) => panic!("found by: the declarations\n{difference}"),
        }
    }
}

#[test]
fn no_promise_is_broken_in_three_thousand_stories() {
    let mut total = Stats::default();
    for seed in 0..3000 {
        match run_seed(seed) {
            Ok(stats) => total.add(&stats),
            Err(broken) => panic!("found by: {}\n{broken}", broken.breach.promise),
        }
    }
    println!("{} inputs, {:.0} plugin-hours", total.steps, total.plugin_hours());
}
