//! [`Arguments`]: what the command line says.

use std::path::PathBuf;

use lexopt::prelude::*;

use super::dead_letters::{DeadLetters, Which};
use super::help;
#[cfg(feature = "registration")]
use crate::fhir::Instant;
#[cfg(feature = "registration")]
use crate::registration::Options;
#[cfg(feature = "registration")]
use crate::sweep::SweepOptions;

/// What the program is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) command: Command,
    /// Whether the command prints JSON, and no table.
    pub(super) json: bool,
    /// The file of `--known`.
    pub(super) known: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Print this text.
    Help(&'static str),
    Check,
    DeadLetters(DeadLetters),
    #[cfg(feature = "local")]
    Serve,
    #[cfg(feature = "registration")]
    Register(Options),
    #[cfg(feature = "registration")]
    Status,
    #[cfg(feature = "registration")]
    Sweep(SweepOptions),
}

impl Arguments {
    /// Reads the process's arguments.
    pub(super) fn parse() -> Result<Self, String> {
        Self::parse_from(lexopt::Parser::from_env()).map_err(|error| error.to_string())
    }

    fn parse_from(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let (mut command, mut named, mut json) = (None, None::<String>, false);
        #[cfg_attr(not(feature = "registration"), allow(unused_mut))]
        let mut known = None;
        let (mut words, mut is_all) = (Vec::new(), false);
        #[cfg(feature = "registration")]
        let (mut options, mut option) = (Options::default(), None);
        #[cfg(feature = "registration")]
        let mut swept = SweepOptions::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => {
                    let command = match named {
                        None => parser.next().ok().flatten().and_then(word),
                        named => named,
                    };
                    return Ok(Self::help(command.as_deref()));
                }
                Long("json") => json = true,
                #[cfg(feature = "registration")]
                Long("dry-run") => {
                    options.dry_run = true;
                    option = Some("--dry-run");
                }
                #[cfg(feature = "registration")]
                Long("prune") => {
                    options.prune = true;
                    option = Some("--prune");
                }
                #[cfg(feature = "registration")]
                Long("rewrite") => {
                    options.rewrite = true;
                    option = Some("--rewrite");
                }
                #[cfg(feature = "registration")]
                Long("since") => {
                    let since = Instant::parse(&parser.value()?.string()?);
                    swept.since = Some(since.ok_or("--since takes an instant, as 2026-01-31T12:00:00Z")?);
                }
                #[cfg(feature = "registration")]
                Long("endpoint") => swept.endpoint = Some(parser.value()?.string()?),
                #[cfg(feature = "registration")]
                Long("known") => known = Some(parser.value()?.into()),
                Long("all") => is_all = true,
                Value(value) if command == Some(Command::DeadLetters(DeadLetters::List)) => {
                    words.push(value.string()?);
                }
                Value(value) if command.is_none() => {
                    let name = named.insert(value.string()?).as_str();
                    command = Some(match name {
                        "check" => Command::Check,
                        "dead-letters" => Command::DeadLetters(DeadLetters::List),
                        "help" => {
                            let of = parser.next()?.and_then(word);
                            return Ok(Self::help(of.as_deref()));
                        }
                        #[cfg(feature = "local")]
                        "serve" => Command::Serve,
                        #[cfg(feature = "registration")]
                        "register" => Command::Register(Options::default()),
                        #[cfg(feature = "registration")]
                        "status" => Command::Status,
                        #[cfg(feature = "registration")]
                        "sweep" => Command::Sweep(SweepOptions::default()),
                        other => return Err(format!("there is no command {other:?}").into()),
                    });
                }
                other => return Err(other.unexpected()),
            }
        }
        #[cfg(feature = "local")]
        let command = command.unwrap_or(Command::Serve);
        #[cfg(not(feature = "local"))]
        let command = command.unwrap_or(Command::Help(help::PROGRAM));

        let command = match command {
            Command::DeadLetters(_) => Command::DeadLetters(dead_letters(&words, is_all)?),
            _ if is_all => return Err("--all belongs to `dead-letters`".into()),
            command => command,
        };

        #[cfg(feature = "registration")]
        let command = match (command, option) {
            (Command::Register(_), _) => Command::Register(options),
            (_, Some(option)) => return Err(format!("{option} belongs to `register`").into()),
            (Command::Sweep(_), None) => Command::Sweep(swept),
            _ if swept != SweepOptions::default() => {
                return Err("--since and --endpoint belong to `sweep`".into());
            }
            (command, None) => command,
        };
        #[cfg(feature = "registration")]
        if known.is_some() && !matches!(command, Command::Register(_) | Command::Status | Command::Sweep(_)) {
            return Err("--known belongs to `register`, `status` and `sweep`".into());
        }
        #[cfg(feature = "local")]
        if json && command == Command::Serve {
            return Err("--json belongs to every command except `serve`".into());
        }
        Ok(Self { command, json, known })
    }

    fn help(command: Option<&str>) -> Self {
        Self { command: Command::Help(help::of(command)), json: false, known: None }
    }
}

fn word(argument: lexopt::Arg<'_>) -> Option<String> {
    match argument {
        Value(value) => value.into_string().ok(),
        _ => None,
    }
}

/// What stands after `dead-letters`.
fn dead_letters(words: &[String], is_all: bool) -> Result<DeadLetters, String> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let which = |verb: &str, key: Option<&str>| match (key, is_all) {
        (None, true) => Ok(Which::All),
        (Some(key), false) => Ok(Which::One(key.to_owned())),
        (None, false) => Err(format!("`dead-letters {verb}` takes the key of one, or --all")),
        (Some(_), true) => Err(format!("`dead-letters {verb}` takes the key of one or --all, and not both")),
    };
    match words[..] {
        [] | ["list"] if !is_all => Ok(DeadLetters::List),
        ["retry"] => Ok(DeadLetters::Retry(which("retry", None)?)),
        ["retry", key] => Ok(DeadLetters::Retry(which("retry", Some(key))?)),
        ["drop"] => Ok(DeadLetters::Drop(which("drop", None)?)),
        ["drop", key] => Ok(DeadLetters::Drop(which("drop", Some(key))?)),
        _ => {
            Err("`dead-letters` takes `list`, `retry KEY`, `retry --all`, `drop KEY` or `drop --all`".into())
        }
    }
}

#[cfg(test)]
mod tests;
