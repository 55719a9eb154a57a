//! An attribute that only registers a handler: it parses no Rust, and checks nothing.
//!
//! The additional time of `fhir_sub`'s attribute is the cost of its parsing and checking.

use proc_macro::{Delimiter, TokenStream, TokenTree};

#[proc_macro_attribute]
pub fn fhir_subscription(entries: TokenStream, item: TokenStream) -> TokenStream {
    let entries: Vec<_> = entries.into_iter().collect();
    let entry = |key| position(&entries, key).map(|at| entries[at + 2].to_string()).expect("it is given");
    let function: Vec<_> = item.clone().into_iter().collect();
    let name = &function[position(&function, "fn").expect("it is a function") + 1];
    let (arguments, list) = group(&function, Delimiter::Parenthesis);
    let (body, _) = group(&function, Delimiter::Brace);
    let types = types(list);
    // After the arrow, which is two tokens.
    let output: TokenStream = function[arguments + 3..body].iter().cloned().collect();
    let require = |each| format!("__fhir_sub::require::<{each}>(requirements);");
    let require: String = types.iter().map(require).collect();
    let uses: String = types.iter().map(|each| format!(".and(__fhir_sub::Argument::<{each}>::USES)")).collect();
    let declaration = format!(
        "const _: () = {{
            use ::fhir_sub::__private as __fhir_sub;
            #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
            #[linkme(crate = __fhir_sub::linkme)]
            static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {{
                handler: \"{name}\",
                source: __fhir_sub::source!(),
                trigger: __fhir_sub::Trigger::Criteria({criteria}),
                has_placeholders: false,
                endpoint: {endpoint},
                reason: {criteria},
                interactions: __fhir_sub::Interactions::DEFAULT,
                content: __fhir_sub::Content::FullResource,
                trust: __fhir_sub::Trust::Notification,
                order: __fhir_sub::Order::Any,
                end: __fhir_sub::None,
                versions: __fhir_sub::FhirVersions::WITH_CRITERIA,
                parameter_types: &[__fhir_sub::ParameterType::Token],
                allowed: __fhir_sub::None,
                registration: __fhir_sub::None,
                uses: __fhir_sub::Uses::NOTHING {uses},
                require: |requirements| {{ {require} }},
                run: |notification| __fhir_sub::run_{count}::<{types}, {output}, _, _>(notification, {name}),
            }};
        }};",
        criteria = entry("criteria"),
        endpoint = entry("endpoint"),
        count = types.len(),
        types = types.join(","),
    );
    let mut expanded = item;
    expanded.extend(declaration.parse::<TokenStream>().expect("these are tokens"));
    expanded
}

fn position(tokens: &[TokenTree], word: &str) -> Option<usize> {
    tokens.iter().position(|token| matches!(token, TokenTree::Ident(ident) if ident.to_string() == word))
}

/// The first group of its kind: its place, and its content.
fn group(tokens: &[TokenTree], delimiter: Delimiter) -> (usize, TokenStream) {
    let stream = |token: &TokenTree| match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    };
    tokens.iter().map(stream).enumerate().find_map(|(at, found)| Some((at, found?))).expect("it has one")
}

/// The types in `name: Type, name: Type<Of>`.
fn types(arguments: TokenStream) -> Vec<String> {
    let mut types = Vec::new();
    let mut current = Vec::new();
    let mut depth = 0;
    let comma = ",".parse::<TokenStream>().expect("these are tokens");
    for token in arguments.into_iter().chain(comma) {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && depth == 0 => {
                // After the name and the colon.
                let argument: TokenStream = current.drain(..).skip(2).collect();
                types.push(argument.to_string());
                continue;
            }
            _ => {}
        }
        current.push(token);
    }
    types
}
