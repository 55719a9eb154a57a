//! [`fhir_lambda_main!`](crate::fhir_lambda_main).

/// Makes the program's `main`: an AWS Lambda, and a command-line program anywhere else.
///
/// Under Lambda (`AWS_LAMBDA_RUNTIME_API` is set) the program handles events. Anywhere else it runs the command that its
/// arguments name: `serve` (the default), `register`, `status`, `sweep`, `dead-letters` or `check`. `--help` lists the
/// commands and their options.
///
/// ```
/// # mod form_1 {
/// fhir_sub::fhir_lambda_main!();
/// # }
/// ```
///
/// `crates` links handlers that live in library crates. Name the package's own library too if it has handlers. Rust does
/// not link a crate that nothing names, so its handlers would be missing.
///
/// ```
/// # mod form_2 { use fhir_sub::prelude::*;
/// # extern crate serde_json as billing_handlers;
/// # /*
/// fhir_lambda_main!(crates = [billing_handlers]);
/// # */
/// # }
/// ```
///
/// `setup` names an async function that gives the app its state, settings, token provider, root certificates or proxy.
/// You may write both `crates` and `setup`.
///
/// ```
/// # mod form_3 {
/// use fhir_sub::prelude::*;
///
/// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
///     Ok(app.set("FHIR_VERSION", "R4B"))
/// }
///
/// fhir_lambda_main!(setup = setup);
/// # }
/// ```
#[macro_export]
macro_rules! fhir_lambda_main {
    ($(crates = [$($handlers:ident),* $(,)?])? $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($($handlers)*)?] $crate::__private::no_setup }
    };
    (setup = $setup:path $(, crates = [$($handlers:ident),* $(,)?])? $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($($handlers)*)?] $setup }
    };
    (crates = [$($handlers:ident),* $(,)?], setup = $setup:path $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($handlers)*] $setup }
    };
    // What follows is no form of it: each arm says which.
    (crates = [$($handlers:path),* $(,)?] $($rest:tt)*) => {
        $crate::fhir_lambda_main! { @wrong
            "`crates` takes the names of crates, and no paths: write `crates = [my_handlers]` for all handlers of a crate, \
             whichever module they stand in"
        }
    };
    (setup = $setup:path, crates = [$($handlers:path),* $(,)?] $($rest:tt)*) => {
        $crate::fhir_lambda_main! { crates = [a::b] }
    };
    (@wrong $message:literal) => {
        ::core::compile_error!($message);

        // So that nothing is said of a program without a `main`.
        fn main() {}
    };
    (@main [$($handlers:ident)*] $setup:path) => {
        $(extern crate $handlers as _;)*

        fn main() -> ::std::process::ExitCode {
            $crate::__private::main($setup)
        }
    };
    ($($other:tt)*) => {
        $crate::fhir_lambda_main! { @wrong
            "`fhir_lambda_main!` takes `crates = [my_handlers]`, the names of crates with handlers, and `setup = my_setup`, \
             the path of an async function; each may be left out"
        }
    };
}
