//! What `fhir_lambda_main!` runs: the Lambda under Lambda, and a command anywhere else.

mod arguments;
mod check;
mod dead_letters;
mod help;
#[cfg(feature = "registration")]
mod register;
#[cfg(all(feature = "local", feature = "sandbox", feature = "registration"))]
mod sandbox;
#[cfg(feature = "local")]
mod serve;
#[cfg(feature = "registration")]
mod status;
#[cfg(feature = "registration")]
mod sweep;
mod table;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use self::arguments::{Arguments, Command};
#[cfg(feature = "lambda")]
use crate::adapter::lambda;
use crate::app::{App, AppBuilder};
use crate::error::{BoxError, Result};
use crate::logs::{self, Form};
use crate::problems::Problems;
use crate::settings::is_lambda;

/// How long a command that asks the server may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// How a command ended: documented in `--help`, so that a pipeline can go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Sound = 0,
    /// It ran, and something is not as it should be.
    Unsound = 1,
    /// It did not run: the arguments, the settings or the handlers are wrong.
    Unusable = 2,
}

/// What `setup` names, whatever its types: all below [`main`] is compiled once, in this crate, and not anew in each program
/// and at each edit of a handler.
struct Setup<'a> {
    /// Its path.
    name: &'static str,
    run: Box<dyn FnOnce(AppBuilder) -> LocalBoxFuture<'a, Result<AppBuilder, BoxError>> + 'a>,
}

/// The setup of a program that names none.
///
/// # Errors
///
/// None.
pub async fn no_setup(app: AppBuilder) -> Result<AppBuilder> {
    Ok(app)
}

/// Runs the program.
pub fn main<S, F>(setup: S) -> ExitCode
where
    S: FnOnce(AppBuilder) -> F,
    F: SetUp,
{
    let name = std::any::type_name::<S>();
    let run = Box::new(|app| -> LocalBoxFuture<'_, _> { Box::pin(async { setup(app).set_up().await }) });
    run_program(Setup { name, run })
}

/// What `setup` gives back: a future of the app.
#[diagnostic::on_unimplemented(
    message = "`setup` is not an async function that returns the app",
    label = "expected `async fn setup(app: AppBuilder) -> Result<AppBuilder>`",
    note = "`setup` is awaited before the program begins: write `async fn`, and `Ok(app)` at its end"
)]
pub trait SetUp {
    /// The app, or why there is none.
    fn set_up(self) -> impl Future<Output = Result<AppBuilder, BoxError>>;
}

#[diagnostic::do_not_recommend]
impl<F, E> SetUp for F
where
    F: Future<Output = Result<AppBuilder, E>>,
    E: Into<BoxError>,
{
    async fn set_up(self) -> Result<AppBuilder, BoxError> {
        self.await.map_err(Into::into)
    }
}

fn run_program(setup: Setup<'_>) -> ExitCode {
    let exit = if is_lambda() { run_lambda(setup) } else { run_command(setup) };
    ExitCode::from(exit as u8)
}

/// One thread: where there is one thing to do at a time, a second would only be handed things.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    run_on(tokio::runtime::Builder::new_current_thread(), future)
}

/// Several threads: a handler that computes must not keep all else that is under way waiting.
#[cfg(any(feature = "local", feature = "lambda"))]
fn block_on_several_threads<T>(future: impl Future<Output = T>) -> T {
    run_on(tokio::runtime::Builder::new_multi_thread(), future)
}

#[cfg(not(any(feature = "local", feature = "lambda")))]
use block_on as block_on_several_threads;

fn run_on<T>(mut runtime: tokio::runtime::Builder, future: impl Future<Output = T>) -> T {
    let runtime = runtime.enable_all().build();
    runtime.expect("an operating system that gives a process timers and sockets").block_on(future)
}

#[cfg(feature = "lambda")]
fn run_lambda(setup: Setup<'_>) -> Exit {
    logs::start(Form::Json);
    let lambda = async {
        let program = match set_up(setup).await {
            Ok(builder) => lambda::Program::start(builder).await,
            Err(error) => Err(error),
        };
        let program = match program {
            Ok(program) => program,
            Err(error) => {
                tracing::error!(problems = %error, "the program cannot start");
                #[cfg(feature = "registration")]
                lambda::tell_a_stack(&error.to_string()).await;
                return Exit::Unusable;
            }
        };
        match lambda::run(program).await {
            Ok(()) => Exit::Sound,
            Err(_) => {
                tracing::error!("the Lambda runtime ended");
                Exit::Unsound
            }
        }
    };
    // An instance has one event at a time, unless it is a managed one.
    if lambda::has_several_at_once() { block_on_several_threads(lambda) } else { block_on(lambda) }
}

#[cfg(not(feature = "lambda"))]
fn run_lambda(_setup: Setup<'_>) -> Exit {
    logs::start(Form::Text);
    tracing::error!("this program was built without the feature `lambda` of fhir-sub, and cannot run as one");
    Exit::Unusable
}

fn run_command(setup: Setup<'_>) -> Exit {
    let arguments = match Arguments::parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            complain(&format!("{message}\n\n{}", help::PROGRAM));
            return Exit::Unusable;
        }
    };
    if let Command::Help(text) = arguments.command {
        say(text);
        return Exit::Sound;
    }
    #[cfg(feature = "local")]
    let is_server = arguments.command == Command::Serve;
    #[cfg(not(feature = "local"))]
    let is_server = false;
    // What a command prints is its result; a pipeline reads it.
    logs::start(if is_server { Form::Text } else { Form::Aside });
    block_on_several_threads(async {
        match run(arguments, setup).await {
            Ok(exit) => exit,
            Err(CannotGoOn::Start(problems)) => {
                complain(&format!("the program cannot start:\n{problems}"));
                Exit::Unusable
            }
            Err(CannotGoOn::Run(error)) => {
                complain(&format!("the command failed: {error}"));
                Exit::Unsound
            }
        }
    })
}

/// Why a command ended early.
enum CannotGoOn {
    /// `setup`, the settings or the handlers are wrong.
    Start(BoxError),
    /// The command itself failed.
    Run(BoxError),
}

impl From<BoxError> for CannotGoOn {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Problems>() {
            Ok(problems) => Self::Start(problems),
            Err(error) => Self::Run(error),
        }
    }
}

impl From<Problems> for CannotGoOn {
    fn from(problems: Problems) -> Self {
        Self::Start(problems.into())
    }
}

async fn run(arguments: Arguments, setup: Setup<'_>) -> Result<Exit, CannotGoOn> {
    let json = arguments.json;
    let builder = set_up(setup).await?.resolve().await;
    match arguments.command {
        Command::Help(_) => unreachable!("it was answered before"),
        Command::Check => Ok(check::check(builder, json)),
        Command::DeadLetters(what) => Ok(dead_letters::dead_letters(&begun(builder)?, what, json).await?),
        #[cfg(feature = "local")]
        Command::Serve => Ok(serve::serve(builder).await?),
        #[cfg(feature = "registration")]
        Command::Register(options) => {
            let app = begun(builder)?;
            let notebook = notebook(&app, arguments.known.as_deref())?;
            let exit = register::register(&app, options, json).await;
            if let Some(notebook) = notebook.filter(|_| !options.dry_run) {
                notebook.write(&app).map_err(|reason| CannotGoOn::Run(reason.into()))?;
            }
            Ok(exit)
        }
        #[cfg(feature = "registration")]
        Command::Status => {
            let app = begun(builder)?;
            notebook(&app, arguments.known.as_deref())?;
            Ok(status::status(&app, json).await)
        }
        #[cfg(feature = "registration")]
        Command::Sweep(options) => {
            let app = begun(builder)?;
            notebook(&app, arguments.known.as_deref())?;
            Ok(sweep::sweep(&app, options, json).await)
        }
    }
}

/// The file of `--known`, of which `app` remembers what it says.
#[cfg(feature = "registration")]
fn notebook<'p>(
    app: &App,
    known: Option<&'p std::path::Path>,
) -> Result<Option<crate::registration::Notebook<'p>>, BoxError> {
    let Some(path) = known else { return Ok(None) };
    let notebook = crate::registration::Notebook::read(path).map_err(Problems::from)?;
    notebook.open(app);
    Ok(Some(notebook))
}

/// The app as the user's `setup` leaves it; or what failed in it, and all else that is known to be wrong by then.
async fn set_up(setup: Setup<'_>) -> Result<AppBuilder, BoxError> {
    let Setup { name, run } = setup;
    let error = match run(AppBuilder::from_environment()).await {
        Ok(builder) => return Ok(builder),
        Err(error) => error,
    };
    let mut problems = Problems::from(setup_failed(name, error));
    problems.append(AppBuilder::from_environment().resolve().await.problems_whatever_setup_does());
    Err(problems.into())
}

/// What failed in `setup`, where, and for which reasons.
fn setup_failed(name: &str, error: BoxError) -> String {
    let error = crate::Error::from_boxed("", error);
    let mut text = format!("setup failed: {error}");
    let mut cause = error.source().source();
    while let Some(reason) = cause {
        let reason_text = reason.to_string();
        // Many errors repeat their cause in their own text.
        if !text.ends_with(&reason_text) {
            text.push_str(&format!(": {reason_text}"));
        }
        cause = reason.source();
    }
    // An error that was made within `map_err(Error::permanent)` has the standard library's place, which helps no one.
    match error.place().filter(|place| !place.file().starts_with("/rustc/")) {
        Some(place) => format!("{text} (in `{name}`, at {place})"),
        None => format!("{text} (in `{name}`)"),
    }
}

fn begun(builder: AppBuilder) -> Result<App, Problems> {
    let app = builder.build()?;
    app.begin();
    Ok(app)
}

/// Prints `text` and a line's end; a reader that has gone is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests;
