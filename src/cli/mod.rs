//! The command line: parses, dispatches, prints, and turns outcomes into exit codes.

mod args;
mod explore;
mod get;
mod list;
mod live;
mod print;
mod record;
mod resolve;
mod rule_graph;
mod rule_try;
mod rules;
mod search;
mod start;
mod when;
mod wire;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use color_eyre::eyre::{self, Report};
use thiserror::Error;

use args::{Cli, Command, ConfigCommand, RulesCommand};

/// How a command ends when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Found,
    /// Not an error in itself, but `rules check` found faults.
    Faulty,
    /// A source failed, timed out or was given up.
    Partial,
    Nothing,
    Interrupted,
}

impl Outcome {
    fn code(self) -> u8 {
        match self {
            Self::Found => 0,
            Self::Faulty => 1,
            Self::Partial => 3,
            Self::Nothing => 4,
            Self::Interrupted => 130,
        }
    }
}

/// A command line that cannot be understood: exit code 2.
#[derive(Debug, Error)]
#[error("{0}")]
struct Usage(String);

fn usage(message: impl Into<String>) -> Report {
    Report::new(Usage(message.into()))
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    if let Err(fault) = color_eyre::install() {
        complain(&fault);
    }
    let cli = Cli::parse();
    let outcome = wire::runtime().and_then(|runtime| {
        let outcome = runtime.block_on(dispatch(cli));
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(fault) if is_closed_pipe(&fault) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&fault);
            ExitCode::from(if fault.downcast_ref::<Usage>().is_some() { 2 } else { 1 })
        }
    }
}

fn is_closed_pipe(fault: &Report) -> bool {
    let broken = |fault: &io::Error| fault.kind() == io::ErrorKind::BrokenPipe;
    fault.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

/// Says what went wrong on standard error, which may be closed.
fn complain(fault: &Report) {
    let causes: Vec<String> = fault.chain().map(ToString::to_string).collect();
    note(&format!("error: {}", causes.join(": ")));
}

/// Says something on standard error, without anything that could control the terminal.
fn note(message: &str) {
    let lines: Vec<String> = message.lines().map(crate::model::clean).collect();
    writeln!(io::stderr(), "korrel8: {}", lines.join("\n")).ok();
}

/// Writes data to standard output.
fn emit(text: &str) -> eyre::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

async fn dispatch(cli: Cli) -> eyre::Result<Outcome> {
    let global = cli.global;
    let Some(command) = cli.command else {
        return explore::run(&global, cli.start).await;
    };
    if !cli.start.is_empty() {
        let words = cli.start.join(" ");
        return Err(usage(format!("{words:?} stands before a command; START comes after it")));
    }
    match command {
        Command::Goals { start, goals, shape } => {
            search::goals(&global, &start, &goals, shape).await
        }
        Command::Neighbors { start, depth, shape } => {
            search::neighbors(&global, &start, depth, shape).await
        }
        Command::Get { query } => get::run(&global, &query).await,
        Command::List { domain } => list::list(&global, domain.as_deref()).await,
        Command::Describe { domain } => list::describe(&global, domain.as_deref()).await,
        Command::Rules { goal, graph, command } => match command {
            None => rules::list(&global, goal.as_deref(), graph),
            Some(RulesCommand::Check { files }) => rules::check(&global, &files),
            Some(RulesCommand::Try { class, rule, file }) => {
                rule_try::run(&global, class.as_deref(), rule.as_deref(), &file)
            }
        },
        Command::Sources => list::sources(&global).await,
        Command::Record { start, depth } => record::run(&global, &start, depth).await,
        Command::Completions { shell } => completions(shell),
        Command::Man => manual(),
        Command::Config { command: ConfigCommand::Path } => list::config_path(&global),
        Command::Config { command: ConfigCommand::Show } => list::config_show(&global),
    }
}

fn completions(shell: clap_complete::Shell) -> eyre::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "korrel8", &mut text);
    emit(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Found)
}

fn manual() -> eyre::Result<Outcome> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    emit(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn starts_and_commands_are_told_apart() {
        let read = |line: &str| Cli::try_parse_from(line.split(' ')).map_err(|fault| fault.kind());
        assert_eq!(read("korrel8 --demo pod/db-0").expect("parses").start, ["pod/db-0"]);
        assert_eq!(read("korrel8 alert Down -n shop").expect("parses").start, ["alert", "Down"]);
        let goals = read("korrel8 --demo goals alert/Down log -o json").expect("parses");
        assert!(matches!(goals.command, Some(Command::Goals { .. })) && goals.global.demo);
        assert!(read("korrel8 goals alert/Down").is_err(), "a goal is missing");
    }
}
