//! Parameters that no resource can fulfil together: all of them must hold, and an element has one code only.

use super::listed;
use crate::definitions::{Kind, ResourceType, Token};
use crate::mistake::Mistake;
use crate::search::{Parameter, Step};

/// `status=booked&status=arrived`, where a resource has one status.
pub(super) fn check(on: ResourceType, parameters: &[Parameter]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut asked: Vec<(&str, Vec<String>)> = Vec::new();
    for parameter in parameters {
        let Some((code, codes)) = codes(on, parameter) else { continue };
        match asked.iter_mut().find(|(other, _)| *other == code) {
            None => asked.push((code, codes)),
            Some((_, before)) => {
                let common: Vec<_> = before.iter().filter(|code| codes.contains(code)).cloned().collect();
                if common.is_empty() {
                    let message = format!(
                        "`{code}` of `{}` cannot be {} and also {}, so this finds nothing: write `{code}={},{}` for any \
                         of them",
                        on.name,
                        any_of(before),
                        any_of(&codes),
                        before.join(","),
                        codes.join(",")
                    );
                    let page = on.version.page("search.html#combining");
                    mistakes.push(Mistake::new(parameter.place.clone(), message, page));
                }
                *before = common;
            }
        }
    }
    mistakes
}

/// The codes that a parameter asks for, where a resource has one of them at most.
fn codes(on: ResourceType, parameter: &Parameter) -> Option<(&'static str, Vec<String>)> {
    let [Step::Code { code, qualifier: None }] = &parameter.name[..] else { return None };
    let found = on.parameter(&code.to_string())?;
    let Kind::Token(Token::Codes(codes)) = found.kind else { return None };
    let code_of = |value: &crate::search::Text| {
        let code = value.split('|').pop().filter(|code| !code.is_empty())?;
        Some(code.to_string())
    };
    let codes_asked = parameter.values.iter().map(code_of).collect::<Option<_>>()?;
    codes.is_single.then_some((found.code, codes_asked))
}

fn any_of(codes: &[String]) -> String {
    listed(codes.iter().map(String::as_str)).replace(" and ", " or ")
}
