//! The arguments of the commands of the desk.

use lexopt::prelude::*;

use super::super::arguments::{self, Arguments};
use super::Command;
use super::record::RecordOptions;
use super::sandbox_alone::SandboxOptions;
use super::trigger::TriggerOptions;
use crate::interaction::Interaction;

/// Reads what stands after the name of a command.
pub(in super::super) fn parse(
    name: &str,
    mut parser: lexopt::Parser,
    mut json: bool,
) -> Result<Arguments, lexopt::Error> {
    let (mut words, mut triggered, mut recorded) =
        (Vec::new(), TriggerOptions::default(), RecordOptions::default());
    let (mut alone, mut tenant) = (SandboxOptions::default(), None);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Arguments::help(Some(name))?),
            Long("json") if !matches!(name, "record" | "sandbox") => json = true,
            Long("redact") if name == "record" => recorded.redact = true,
            Long("tenant") if name == "pull" => tenant = Some(parser.value()?.string()?),
            Long("data") if name == "sandbox" => alone.data = Some(parser.value()?.into()),
            Long("port") if name == "sandbox" => {
                let port = parser.value()?.string()?.parse();
                alone.port = port.map_err(|_| "--port takes a number from 0 to 65535")?;
            }
            Long("inspector") if name == "record" => recorded.is_shown = true,
            Long("file") if name == "trigger" => triggered.file = Some(parser.value()?.into()),
            Long("interaction") if name == "trigger" => {
                let written = parser.value()?.string()?;
                let interaction = match Interaction::from_name(&written) {
                    Interaction::Unknown => {
                        return Err("--interaction takes `create`, `update` or `delete`".into());
                    }
                    interaction => interaction,
                };
                triggered.interaction = Some(interaction);
            }
            Long("set") if name == "trigger" => {
                let written = parser.value()?.string()?;
                let (path, value) = written.split_once('=').filter(|(path, _)| !path.is_empty()).ok_or(
                    "--set takes the path of an element and its value, as in `--set status=arrived`",
                )?;
                triggered.set.push((path.to_owned(), value.to_owned()));
            }
            Value(word) => words.push(word),
            other => return Err(other.unexpected()),
        }
    }
    let one = |what: &str| match <[_; 1]>::try_from(words.clone()) {
        Ok([word]) => Ok(word),
        Err(_) => Err(format!("`{name}` takes {what}")),
    };
    let command = match name {
        "record" => Command::Record(RecordOptions { directory: one("one directory")?.into(), ..recorded }),
        "trigger" => {
            let endpoint = one("one endpoint: `check` lists them")?.string()?;
            Command::Trigger(TriggerOptions { endpoint, ..triggered })
        }
        "sandbox" if words.is_empty() => Command::Sandbox(alone),
        "sandbox" => return Err("`sandbox` takes --data DIR and --port N, and nothing else".into()),
        "pull" => Command::Pull(one("the key of one dead letter")?.string()?),
        _ if words.is_empty() => return Err("`replay` takes the files that `record` has written".into()),
        _ => Command::Replay(words.into_iter().map(Into::into).collect()),
    };
    Ok(Arguments { command: arguments::Command::Desk(command), json, known: None, tenant })
}
