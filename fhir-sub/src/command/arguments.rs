//! [`Arguments`]: the parsed command line.

use std::path::PathBuf;

use lexopt::prelude::*;

use super::dead_letters::{DeadLetters, Which};
use super::desk;
use super::help;
use super::policy::Place;
#[cfg(feature = "registration")]
use crate::fhir::Instant;
#[cfg(feature = "registration")]
use crate::registration::Options;
#[cfg(feature = "registration")]
use crate::sweep::SweepOptions;

/// The commands of the desk.
const OF_DESK: [&str; 5] = ["pull", "record", "replay", "sandbox", "trigger"];

/// The command to run, and its options.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) command: Command,
    /// Whether the command prints JSON instead of a table.
    pub(super) json: bool,
    /// The tenant that the command is for; without it, all tenants.
    pub(super) tenant: Option<String>,
    /// The file of `--known`.
    pub(super) known: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Print this text.
    Help(&'static str),
    Check,
    /// Print the permissions of AWS that the program needs there.
    Policy(Place),
    /// Print what a month costs, for these numbers.
    Cost(Vec<String>),
    DeadLetters(DeadLetters),
    /// Handle notifications; `is_shown` on a page too, whatever FHIR server there is.
    #[cfg(feature = "local")]
    Serve {
        is_shown: bool,
    },
    /// One of the desk.
    Desk(desk::Command),
    #[cfg(feature = "registration")]
    Register(Options),
    #[cfg(feature = "registration")]
    Status,
    #[cfg(feature = "registration")]
    Sweep(SweepOptions),
}

impl Command {
    /// The command with this name, without options.
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "check" => Self::Check,
            "dead-letters" => Self::DeadLetters(DeadLetters::List),
            #[cfg(feature = "local")]
            "serve" => Self::Serve { is_shown: false },
            #[cfg(feature = "registration")]
            "register" => Self::Register(Options::default()),
            #[cfg(feature = "registration")]
            "status" => Self::Status,
            #[cfg(feature = "registration")]
            "sweep" => Self::Sweep(SweepOptions::default()),
            other => return Err(format!("there is no command {other:?}")),
        })
    }

    /// Whether it runs until it is told to stop, and writes its log where others print their result.
    pub(super) fn is_server(&self) -> bool {
        match self {
            #[cfg(feature = "local")]
            Self::Serve { .. } => true,
            Self::Desk(command) => command.is_server(),
            _ => false,
        }
    }
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
        let mut tenant = None;
        let (mut words, mut is_all) = (Vec::new(), false);
        #[cfg(feature = "local")]
        let mut is_shown = false;
        let (mut is_policy, mut place, mut is_cost) = (false, Place::default(), false);
        #[cfg(feature = "registration")]
        let (mut options, mut option) = (Options::default(), None);
        #[cfg(feature = "registration")]
        let mut swept = SweepOptions::default();
        let mut given = Vec::new();
        while let Some(argument) = parser.next()? {
            if let Long(option) = &argument {
                given.push((*option).to_owned());
            }
            match argument {
                Short('h') | Long("help") => {
                    let command = match named {
                        None => parser.next().ok().flatten().and_then(word),
                        named => named,
                    };
                    return Ok(Self::help(command.as_deref())?);
                }
                Long("json") => json = true,
                #[cfg(feature = "local")]
                Long("inspector") if desk::IS_THERE => is_shown = true,
                Long("iam") => is_policy = true,
                Long("cost") => is_cost = true,
                Long("account") => place.account = Some(account(&parser.value()?.string()?)?),
                Long("key") => place.key = Some(parser.value()?.string()?),
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
                Long("tenant") => tenant = Some(parser.value()?.string()?),
                Long("all") => is_all = true,
                Value(value) if command == Some(Command::DeadLetters(DeadLetters::List)) => {
                    words.push(value.string()?);
                }
                Value(value) if command == Some(Command::Check) && is_cost => words.push(value.string()?),
                Value(value) if command.is_none() => {
                    let name = named.insert(value.string()?).as_str();
                    if name == "help" {
                        let of = parser.next()?.and_then(word);
                        return Ok(Self::help(of.as_deref())?);
                    }
                    if OF_DESK.contains(&name) {
                        let name = name.to_owned();
                        let takes_json = !matches!(&*name, "record" | "sandbox");
                        if let Some(option) = given.iter().find(|option| *option != "json" || !takes_json) {
                            return Err(
                                format!("write --{option} after `{name}`, if `{name}` takes it").into()
                            );
                        }
                        return desk::parse(&name, parser, json);
                    }
                    command = Some(Command::named(name)?);
                }
                other => return Err(other.unexpected()),
            }
        }
        #[cfg(feature = "local")]
        let command = command.unwrap_or(Command::Serve { is_shown: false });
        #[cfg(feature = "local")]
        let command = match command {
            Command::Serve { .. } => Command::Serve { is_shown },
            _ if is_shown => return Err("--inspector belongs to `serve` and `record`".into()),
            command => command,
        };
        #[cfg(not(feature = "local"))]
        let command = command.unwrap_or(Command::Help(help::PROGRAM));

        let is_check = command == Command::Check;
        if is_policy && is_cost {
            return Err("`check` takes --iam or --cost, and not both".into());
        }
        if is_policy && !is_check {
            return Err("--iam belongs to `check`".into());
        }
        if is_cost && !is_check {
            return Err("--cost belongs to `check`".into());
        }
        if place != Place::default() && !is_policy {
            return Err("--account and --key belong to `check --iam`".into());
        }
        if tenant.is_some() && (is_policy || is_cost) {
            return Err("--iam and --cost are of all tenants together: leave --tenant out".into());
        }
        let command = match command {
            Command::DeadLetters(_) => Command::DeadLetters(dead_letters(&words, is_all)?),
            _ if is_all => return Err("--all belongs to `dead-letters`".into()),
            Command::Check if is_policy => Command::Policy(place),
            Command::Check if is_cost => Command::Cost(words),
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
        if json && matches!(command, Command::Serve { .. }) {
            return Err("--json belongs to every command except `serve`".into());
        }
        #[cfg(feature = "local")]
        if tenant.is_some() && matches!(command, Command::Serve { .. }) {
            return Err("--tenant belongs to every command except `serve`, which serves all".into());
        }
        Ok(Self { command, json, tenant, known })
    }

    pub(super) fn help(command: Option<&str>) -> Result<Self, String> {
        let text = help::of(command)
            .ok_or_else(|| format!("there is no command {:?}", command.unwrap_or_default()))?;
        Ok(Self { command: Command::Help(text), json: false, tenant: None, known: None })
    }
}

fn word(argument: lexopt::Arg<'_>) -> Option<String> {
    match argument {
        Value(value) => value.into_string().ok(),
        _ => None,
    }
}

/// The number of an account of AWS.
fn account(number: &str) -> Result<String, String> {
    let is_account = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_account
        .then(|| number.to_owned())
        .ok_or_else(|| "--account takes the twelve digits of an account".into())
}

/// The words after `dead-letters`.
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
