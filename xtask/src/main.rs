//! `cargo xtask VERB`: what keeps the house in order. One verb, one file.

mod bench;
mod command;
mod generate;
mod guard;
mod prove;
mod say;
mod servers;
mod steps;
mod test;
mod tidy;
mod tools;
mod tree;

use std::process::ExitCode;

/// What a verb ends with; the text says what was asked and what holds.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
cargo xtask VERB

  tidy                                  rules about the tree that no compiler knows
  gen [--check]                         writes what is generated, or compares it
  servers start postgres [VERSION]      a private server until Ctrl-C or the end of stdin
  servers start pgbouncer               the same behind a pooler
  servers list | stop [PORT]            those that run now; stops one, or all
  test [--quick]                        everything that must hold; --quick needs no server
  prove [--orders N] [--seeds N]        the long proofs: live runs of 10,000 orders, 20,000 simulated histories
  bench [--check] [--seconds N] [--repetitions N] [--only postgres|sqlite|big] [--orders N] [--binary PATH]
                                        floor and product in turn, held against bench/budget.toml;
                                        big: with 5 million orders (or N), about 30 GB and half an hour";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = tree::enter_root().and_then(|()| match arguments.split_first() {
        Some((&"tidy", [])) => tidy::run(),
        Some((&"gen", rest)) => generate::run(rest),
        Some((&"servers", rest)) => servers::run(rest),
        Some((&"test", rest)) => test::run(rest),
        Some((&"prove", rest)) => prove::run(rest),
        Some((&"bench", rest)) => bench::run(rest),
        Some((&("help" | "--help" | "-h"), _)) => {
            say::line(USAGE);
            Ok(())
        }
        _ => Err(format!("no such verb or argument\n\n{USAGE}").into()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
