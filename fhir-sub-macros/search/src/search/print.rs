//! Prints a [`Search`]. The parser reads the same search from the printed text.

use std::fmt;

use super::{Parameter, Search, Step, Subject, Text};

impl fmt::Display for Search {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.subject)?;
        for (index, parameter) in self.parameters.iter().enumerate() {
            write!(formatter, "{}{parameter}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(name) => write!(formatter, "{}", Name(name)),
            Self::Any => formatter.write_str("[*]"),
            Self::Types(names) => {
                let names: Vec<_> = names.iter().map(|name| Name(name).to_string()).collect();
                write!(formatter, "[{}]", names.join(","))
            }
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.name.iter().enumerate() {
            match step {
                Step::Has { resource, reference } => {
                    write!(formatter, "_has:{}:{}:", Name(resource), Name(reference))?;
                }
                Step::Code { code, qualifier } => {
                    write!(formatter, "{}", Name(code))?;
                    if let Some(qualifier) = qualifier {
                        write!(formatter, ":{}", Name(qualifier))?;
                    }
                    if index + 1 < self.name.len() {
                        formatter.write_str(".")?;
                    }
                }
            }
        }
        for (index, value) in self.values.iter().enumerate() {
            write!(formatter, "{}{}", if index == 0 { '=' } else { ',' }, Value(value))?;
        }
        Ok(())
    }
}

/// The name of a type or a parameter. Characters with another meaning are encoded.
struct Name<'a>(&'a Text);

impl fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.characters().try_for_each(|(character, _)| encoded(character, "-_", formatter))
    }
}

/// A value, with its escapes.
struct Value<'a>(&'a Text);

impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.characters().try_for_each(|(character, is_escaped)| {
            formatter.write_str(if is_escaped { "\\" } else { "" })?;
            encoded(character, "-_.~:/|$,\\", formatter)
        })
    }
}

fn encoded(character: char, plain: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    if character.is_alphanumeric() || plain.contains(character) {
        return write!(formatter, "{character}");
    }
    character.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(formatter, "%{byte:02X}"))
}
