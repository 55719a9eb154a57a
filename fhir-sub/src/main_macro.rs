//! [`fhir_lambda_main!`](crate::fhir_lambda_main).

/// Makes the program's `main`: an AWS Lambda, and a command-line program anywhere else.
///
/// Under Lambda (`AWS_LAMBDA_RUNTIME_API` is set) the program handles events. Anywhere else it runs the command that its
/// arguments name: `serve` (the default), `register`, `status`, `sweep`, `dead-letters` or `check`, and at the desk `trigger`,
/// `record`, `replay`, `sandbox` or `pull`. `--help` lists the commands and their options.
///
/// ```
/// # mod form_1 {
/// fhir_sub::fhir_lambda_main!();
/// # }
/// ```
///
/// `crates` links handlers that are in library crates, because Rust does not link a crate that nothing names. Name the
/// package's own library too if it has handlers.
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
///
/// `logs = off`, as the last argument, leaves the log to you: `setup` starts your own subscriber, for example with
/// OpenTelemetry ([`AppBuilder::trace`](crate::AppBuilder::trace)). Without `logs = off`, the program starts its own
/// log before `setup` runs, and a process can have only one. The lines with CloudWatch's metrics are written beside
/// your log, unless `FHIR_SUBSCRIPTION_METRICS` is `off`.
///
/// Do not let your subscriber record `TRACE` or `DEBUG` of `lambda_runtime`, `hyper` and the other crates below the program: these
/// lines contain resources and secrets.
///
/// ```
/// # mod form_4 {
/// use fhir_sub::prelude::*;
///
/// async fn setup(app: AppBuilder) -> Result<AppBuilder> {
///     tracing_subscriber::fmt().init();
///     Ok(app)
/// }
///
/// fhir_lambda_main!(setup = setup, logs = off);
/// # }
/// ```
#[macro_export]
macro_rules! fhir_lambda_main {
    (logs = off $(,)?) => {
        $crate::fhir_lambda_main! { @main [] $crate::__private::no_setup, main_without_logs }
    };
    (crates = [$($handlers:ident),* $(,)?], logs = off $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($handlers)*] $crate::__private::no_setup, main_without_logs }
    };
    (setup = $setup:path $(, crates = [$($handlers:ident),* $(,)?])?, logs = off $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($($handlers)*)?] $setup, main_without_logs }
    };
    (crates = [$($handlers:ident),* $(,)?], setup = $setup:path, logs = off $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($handlers)*] $setup, main_without_logs }
    };
    ($(crates = [$($handlers:ident),* $(,)?])? $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($($handlers)*)?] $crate::__private::no_setup, main }
    };
    (setup = $setup:path $(, crates = [$($handlers:ident),* $(,)?])? $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($($handlers)*)?] $setup, main }
    };
    (crates = [$($handlers:ident),* $(,)?], setup = $setup:path $(,)?) => {
        $crate::fhir_lambda_main! { @main [$($handlers)*] $setup, main }
    };
    // Any other input is a mistake: each arm reports one kind.
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

        // Otherwise the compiler would also report a missing `main`.
        fn main() {}
    };
    (@main [$($handlers:ident)*] $setup:path, $main:ident) => {
        $(extern crate $handlers as _;)*

        fn main() -> ::std::process::ExitCode {
            $crate::__private::$main($setup)
        }
    };
    ($($other:tt)*) => {
        $crate::fhir_lambda_main! { @wrong
            "`fhir_lambda_main!` takes `crates = [my_handlers]`, the names of crates with handlers, and `setup = my_setup`, \
             the path of an async function, and `logs = off` at the end; each may be left out"
        }
    };
}
