//! Turns a checked [`Subscription`] into the code that is added to the function. This cannot fail.
//!
//! The code is one constant without a name, so the user's code cannot name anything in it, and no name
//! conflicts with the user's names. Within it, one import has the full path of `fhir_sub::__private`, and
//! everything else uses that import: a wrong path is reported once.
//!
//! It is short, because with hundreds of handlers every token matters: the macro is built without
//! optimizations.
//!
//! The tokens come from the macro (`mixed_site`), so that the lints of the user's crate ignore them. But they
//! have the place of a possible mistake: the type that is no argument, the path that is no function, or the
//! name of the function if its future is not `Send`.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{LitStr, Path, Type};

use crate::subscription::{
    AllowedOf, Content, Handler, Interactions, Order, Output, Subscription, Topic, Trigger, Trust, Watched,
};
use fhir_sub_search::criteria::Allowed;
use fhir_sub_search::definitions::{FhirVersion, WITH_CRITERIA};
use fhir_sub_search::search::{ParameterType, placeholders};

/// The declaration of `subscription` in the slice of all declarations.
pub(crate) fn expand(subscription: &Subscription) -> TokenStream {
    let site = Span::mixed_site();
    let Handler { name, conditions, is_deprecated, .. } = &subscription.handler;
    // The call below is not a use that the author could change.
    let lint = is_deprecated.then(|| quote_spanned!(site=> #[allow(deprecated)]));
    let fhir_sub = &subscription.fhir_sub;
    let unique_endpoint = unique_endpoint(subscription);
    let silent = silent(&subscription.handler);
    let checks = checks(subscription);

    let handler = name.unraw().to_string();
    let source = source(name);
    let has_placeholders = has_placeholders(&subscription.trigger);
    let trigger = trigger(&subscription.trigger);
    let endpoint = subscription.endpoint.literal();
    let reason = &subscription.reason;
    let interactions = interactions(&subscription.interactions);
    let content = content(subscription.content);
    let trust = trust(subscription.trust);
    let order = order(subscription.order);
    let end = option(subscription.end.as_ref());
    let versions = versions(&subscription.versions);
    let parameter_types = parameter_types(&subscription.parameter_types);
    let allowed = allowed(&subscription.allowed);
    let registration = option(subscription.registration.as_ref().map(registration));
    let uses = uses(&subscription.handler);
    let require = require(subscription);
    let run = run(&subscription.handler);

    quote_spanned! {site=>
        #(#conditions)*
        #lint
        const _: () = {
            use #fhir_sub::__private as __fhir_sub;

            #silent

            #unique_endpoint
            #checks

            #[__fhir_sub::linkme::distributed_slice(__fhir_sub::FHIR_SUB_DECLARATIONS)]
            #[linkme(crate = __fhir_sub::linkme)]
            static __FHIR_SUB_DECLARATION: __fhir_sub::Declaration = __fhir_sub::Declaration {
                handler: #handler,
                source: #source,
                trigger: #trigger,
                has_placeholders: #has_placeholders,
                endpoint: #endpoint,
                reason: #reason,
                interactions: #interactions,
                content: #content,
                trust: #trust,
                order: #order,
                end: #end,
                versions: #versions,
                parameter_types: #parameter_types,
                allowed: #allowed,
                registration: #registration,
                uses: #uses,
                require: #require,
                run: #run,
            };
        };
    }
}

/// Two handlers with one endpoint give one name to two macros at the root of the crate, wherever the handlers
/// are. So `cargo check` reports an error. Nothing else in a constant is visible outside of it.
///
/// If the handler stands within a function, a lint warns of exactly that.
fn unique_endpoint(subscription: &Subscription) -> TokenStream {
    let name = subscription.endpoint.unique_name();
    quote_spanned! {name.span()=>
        #[doc(hidden)]
        #[macro_export]
        #[allow(non_local_definitions)]
        macro_rules! #name { () => {}; }
    }
}

/// The default of arguments.
fn silent(handler: &Handler) -> Option<TokenStream> {
    let any = !handler.arguments.is_empty();
    any.then(|| quote_spanned!(Span::mixed_site()=> use __fhir_sub::Silent as _;))
}

/// Compares each argument with the attribute.
///
/// Each check has its own constant, so that no check hides another one. Exception: arguments with the names
/// of `fhir_sub`'s own types that need no resource share one constant. There, only an odd alias can be a
/// mistake; most handlers have such arguments, and each constant costs time in a large crate.
fn checks(subscription: &Subscription) -> TokenStream {
    let site = Span::mixed_site();
    let arguments = &subscription.handler.arguments;
    let (silent, others): (Vec<&Type>, Vec<&Type>) =
        arguments.iter().partition(|argument| is_silent_by_name(argument));
    let silent: Vec<_> = silent.into_iter().flat_map(|argument| checks_of(subscription, argument)).collect();
    let others: Vec<_> = others.into_iter().flat_map(|argument| checks_of(subscription, argument)).collect();
    let silent = (!silent.is_empty()).then(|| quote_spanned!(site=> const _: () = { #(#silent;)* };));
    quote_spanned! {site=>
        #silent
        #(const _: () = #others;)*
    }
}

fn checks_of(subscription: &Subscription, argument: &Type) -> impl Iterator<Item = TokenStream> {
    let read_from = match (&subscription.trigger, &subscription.watched) {
        (Trigger::Criteria(_), Watched::One(watched)) => {
            Some(check(argument, "must_be_read_from", "TYPE", Some(watched)))
        }
        (Trigger::Topic(_), Watched::One(filtered)) => {
            Some(check(argument, "must_be_read_from_filtered", "TYPE", Some(filtered)))
        }
        (_, Watched::Several) => Some(check(argument, "must_be_read_from_any", "TYPE", None)),
        (_, Watched::Unknown) => None,
    };
    let made_from = if subscription.content == Content::Empty
        && matches!((&subscription.trigger, &subscription.watched), (Trigger::Criteria(_), Watched::Several))
    {
        // If there is never a resource, a deletion has none either.
        Some(check(argument, "must_be_made_without_a_search", "RESOURCE", None))
    } else {
        let deletion = || check(argument, "must_be_made_from_a_deletion", "RESOURCE", None);
        subscription.interactions.delete.then(deletion)
    };
    read_from.into_iter().chain(made_from)
}

fn is_silent_by_name(argument: &Type) -> bool {
    let Type::Path(path) = argument else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| {
        ["Event", "FhirClient", "State", "Deadline"].iter().any(|name| last.ident == name)
    })
}

/// One check of one argument. The first and last tokens of the call have the places of the type's own tokens,
/// so the compiler points at the whole type, and at nothing of the expansion.
fn check(argument: &Type, function: &str, constant: &str, expected: Option<&String>) -> TokenStream {
    let site = Span::mixed_site();
    let mut tokens = argument.to_token_stream().into_iter();
    let start = tokens.next().map_or(site, |token| token.span());
    let end = tokens.last().map_or(start, |token| token.span());
    let (function, constant) = (Ident::new(function, start), Ident::new(constant, site));
    let expected = expected.map(|expected| quote_spanned!(site=> , #expected));
    let said = quote_spanned!(site=> __fhir_sub::Argument::<#argument>::#constant #expected);
    let mut said = Group::new(Delimiter::Parenthesis, said);
    said.set_span(end);
    let call = quote_spanned!(start=> __fhir_sub::#function);
    quote_spanned!(site=> #call #said)
}

/// The place of the function: this expands to `line!()`, which is the line of these tokens. They have the
/// place of the function's name.
fn source(name: &Ident) -> TokenStream {
    quote_spanned!(name.span()=> __fhir_sub::source!())
}

/// Whether a value must be filled into the topic or one of the searches when the program starts.
fn has_placeholders(trigger: &Trigger) -> bool {
    let has = |text: &LitStr| placeholders(&text.value()).next().is_some();
    match trigger {
        Trigger::Criteria(criteria) => has(criteria),
        Trigger::Topic(topic) => has(&topic.url) || topic.filters.iter().any(has),
    }
}

fn trigger(trigger: &Trigger) -> TokenStream {
    let site = Span::mixed_site();
    match trigger {
        Trigger::Criteria(criteria) => quote_spanned!(site=> __fhir_sub::Trigger::Criteria(#criteria)),
        Trigger::Topic(Topic { url, filters, heartbeat, timeout, max_count }) => {
            let (heartbeat, timeout) = (option(heartbeat.as_ref()), option(timeout.as_ref()));
            let max_count = option(max_count.as_ref());
            quote_spanned! {site=>
                __fhir_sub::Trigger::Topic(__fhir_sub::Topic {
                    url: #url,
                    filters: &[#(#filters),*],
                    heartbeat: #heartbeat,
                    timeout: #timeout,
                    max_count: #max_count,
                })
            }
        }
    }
}

fn interactions(interactions: &Interactions) -> TokenStream {
    let site = Span::mixed_site();
    match interactions {
        Interactions { create: true, update: true, delete: false } => {
            quote_spanned!(site=> __fhir_sub::Interactions::DEFAULT)
        }
        Interactions { create, update, delete } => quote_spanned! {site=>
            __fhir_sub::Interactions { create: #create, update: #update, delete: #delete }
        },
    }
}

fn content(content: Content) -> TokenStream {
    let site = Span::mixed_site();
    match content {
        Content::Empty => quote_spanned!(site=> __fhir_sub::Content::Empty),
        Content::IdOnly => quote_spanned!(site=> __fhir_sub::Content::IdOnly),
        Content::FullResource => quote_spanned!(site=> __fhir_sub::Content::FullResource),
    }
}

fn trust(trust: Trust) -> TokenStream {
    let site = Span::mixed_site();
    match trust {
        Trust::Notification => quote_spanned!(site=> __fhir_sub::Trust::Notification),
        Trust::Reference => quote_spanned!(site=> __fhir_sub::Trust::Reference),
    }
}

fn order(order: Order) -> TokenStream {
    let site = Span::mixed_site();
    match order {
        Order::Any => quote_spanned!(site=> __fhir_sub::Order::Any),
        Order::Latest => quote_spanned!(site=> __fhir_sub::Order::Latest),
    }
}

fn versions(versions: &[FhirVersion]) -> TokenStream {
    let site = Span::mixed_site();
    if versions == WITH_CRITERIA {
        return quote_spanned!(site=> __fhir_sub::FhirVersions::WITH_CRITERIA);
    }
    let versions = versions.iter().map(|version| Ident::new(&version.to_string(), site));
    quote_spanned!(site=> __fhir_sub::FhirVersions::of(&[#(__fhir_sub::FhirVersion::#versions),*]))
}

fn parameter_types(types: &[ParameterType]) -> TokenStream {
    let site = Span::mixed_site();
    let types = types.iter().map(|of| Ident::new(&format!("{of:?}"), site));
    quote_spanned!(site=> &[#(__fhir_sub::ParameterType::#types),*])
}

/// Only the allowed values of placeholders: the program contains nothing else of the definitions.
fn allowed(allowed: &[AllowedOf]) -> TokenStream {
    let site = Span::mixed_site();
    if allowed.is_empty() {
        return quote_spanned!(site=> __fhir_sub::None);
    }
    let each = allowed.iter().map(|AllowedOf { parameter, versions: of, values }| {
        let versions = versions(of);
        let values = match values {
            Allowed::Boolean => quote_spanned!(site=> Boolean),
            Allowed::Codes { systems, is_single } => {
                let systems =
                    systems.iter().map(|(system, codes)| quote_spanned!(site=> (#system, &[#(#codes),*])));
                quote_spanned!(site=> Codes { systems: &[#(#systems),*], is_single: #is_single })
            }
            Allowed::Targets(types) => quote_spanned!(site=> Targets(&[#(#types),*])),
            Allowed::Components(types) => {
                let types = parameter_types(types);
                quote_spanned!(site=> Components(#types))
            }
        };
        quote_spanned! {site=>
            __fhir_sub::Allowed {
                parameter: #parameter,
                versions: #versions,
                values: __fhir_sub::AllowedValues::#values,
            }
        }
    });
    quote_spanned!(site=> __fhir_sub::Some(&[#(#each),*]))
}

/// States the type that the path must have, so that the compiler points at a wrong path.
fn registration(path: &Path) -> TokenStream {
    let local = local("registration");
    quote_spanned! {Span::mixed_site().located_at(path.span())=>
        { let #local: fn(&mut __fhir_sub::Subscription) = #path; #local }
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    let site = Span::mixed_site();
    if let Some(value) = value {
        quote_spanned!(site=> __fhir_sub::Some(#value))
    } else {
        quote_spanned!(site=> __fhir_sub::None)
    }
}

/// The sources of the arguments.
fn uses(handler: &Handler) -> TokenStream {
    let arguments = &handler.arguments;
    quote_spanned! {Span::mixed_site()=>
        __fhir_sub::Uses::NOTHING #(.and(__fhir_sub::Argument::<#arguments>::USES))*
    }
}

/// The start-up requirements of the arguments, and their resource types: a topic may also fire for other types, and
/// a `registration` function may write a criteria of another type.
fn require(subscription: &Subscription) -> TokenStream {
    let site = Span::mixed_site();
    let arguments = &subscription.handler.arguments;
    if arguments.is_empty() {
        return quote_spanned!(site=> |_| {});
    }
    let requirements = local("requirements");
    let may_differ = matches!(subscription.trigger, Trigger::Topic(_)) || subscription.registration.is_some();
    let read_from = may_differ.then(|| {
        quote_spanned! {site=>
            #(__fhir_sub::read_from(#requirements, __fhir_sub::Argument::<#arguments>::TYPE);)*
        }
    });
    quote_spanned!(site=> |#requirements| { #(__fhir_sub::require::<#arguments>(#requirements);)* #read_from })
}

/// Makes the arguments and runs the function.
///
/// The types are the user's own tokens, and the code has the place of the function's name. So the compiler
/// points at a wrong type, and at the name of a function if its future is not `Send`.
fn run(handler: &Handler) -> TokenStream {
    let Handler { name, arguments, output, .. } = handler;
    let at_name = Span::mixed_site().located_at(name.span());
    let notification = local("notification");
    let run = format_ident!("run_{}", arguments.len(), span = at_name);
    let output = match output {
        Output::Unit => quote_spanned!(at_name=> ()),
        Output::Type(output) => output.to_token_stream(),
        Output::Unnamed(span) => quote_spanned!(at_name.located_at(*span)=> _),
    };
    // The name is the user's (`call_site`), so no local variable of the macro shadows it, and no lint reports
    // it.
    let mut name = name.clone();
    name.set_span(Span::call_site().located_at(name.span()));
    quote_spanned! {at_name=>
        |#notification| __fhir_sub::#run::<#(#arguments,)* #output, _, _>(#notification, #name)
    }
}

/// The name of a local variable. A constant of the user's with the same name would change the meaning of the
/// pattern.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__fhir_sub_{name}"), Span::mixed_site())
}
