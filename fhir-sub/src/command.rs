//! The program of `fhir_lambda_main!`: the function under Lambda, and a command anywhere else.

mod arguments;
mod check;
mod cost;
mod dead_letters;
// Builds of `cargo run` have the commands of the desk, and release builds do not. Only this line decides that.
#[cfg_attr(not(all(feature = "inspector", debug_assertions)), path = "command/without_desk.rs")]
mod desk;
mod help;
mod policy;
#[cfg(feature = "registration")]
mod register;
#[cfg(all(feature = "local", feature = "registration"))]
#[cfg_attr(
    not(any(feature = "sandbox", all(feature = "inspector", debug_assertions))),
    path = "command/without_sandbox.rs"
)]
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
use crate::app::{App, AppBuilder, FLUSH_PATIENCE, flush};
use crate::error::{BoxError, Result};
use crate::logs::{self, Form};
use crate::problems::Problems;
use crate::settings::is_lambda;

/// The longest time of a command that asks the server.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// The exit code of a command. `--help` documents it, so that a pipeline can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All is well.
    Sound = 0,
    /// The command ran, and found something wrong.
    Unsound = 1,
    /// The command did not run: the arguments, the settings or the handlers are wrong.
    Unusable = 2,
}

/// The user's `setup`, without its types. So everything below [`main`] is compiled once, in this crate, and
/// not again for each program and each edit of a handler.
struct Setup<'a> {
    /// Its path.
    name: &'static str,
    /// Whether the program starts its own log.
    has_own_log: bool,
    run: Box<dyn FnOnce(AppBuilder) -> LocalBoxFuture<'a, Result<AppBuilder, BoxError>> + 'a>,
}

/// The setup of a program without one.
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
    run_program(Setup::of(setup, true))
}

/// Runs the program. `setup` starts its log.
pub fn main_without_logs<S, F>(setup: S) -> ExitCode
where
    S: FnOnce(AppBuilder) -> F,
    F: SetUp,
{
    run_program(Setup::of(setup, false))
}

impl<'a> Setup<'a> {
    fn of<S, F>(setup: S, has_own_log: bool) -> Self
    where
        S: FnOnce(AppBuilder) -> F + 'a,
        F: SetUp + 'a,
    {
        let run = Box::new(|app| -> LocalBoxFuture<'a, _> { Box::pin(async { setup(app).set_up().await }) });
        Self { name: std::any::type_name::<S>(), has_own_log, run }
    }

    /// Starts the program's own log, unless `setup` starts one.
    fn start_log(&self, form: Form) {
        match form {
            _ if self.has_own_log => logs::start(form),
            #[cfg(feature = "lambda")]
            Form::Json => logs::start_metrics(),
            _ => {}
        }
    }
}

/// The result of `setup`: a future of the app.
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
    let exit = if is_lambda() {
        run_lambda(setup)
    } else if cfg!(feature = "commands") {
        run_command(setup)
    } else {
        // Nothing else calls a command, so none of them is in such a program.
        complain(
            "this program was built without the feature `commands` of fhir-sub, and runs under AWS Lambda alone: add the feature \
             to its Cargo.toml",
        );
        Exit::Unusable
    };
    ExitCode::from(exit as u8)
}

/// Runs on one thread: for one task at a time, a second thread would only cost time.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    run_on(tokio::runtime::Builder::new_current_thread(), future)
}

/// Runs on several threads, so that a handler that computes does not delay other work.
#[cfg(any(feature = "local", feature = "lambda"))]
fn block_on_several_threads<T>(future: impl Future<Output = T>) -> T {
    run_on(tokio::runtime::Builder::new_multi_thread(), future)
}

#[cfg(not(any(feature = "local", feature = "lambda")))]
use block_on as block_on_several_threads;

fn run_on<T>(runtime: tokio::runtime::Builder, future: impl Future<Output = T>) -> T {
    let mut result = None;
    run_to_the_end(runtime, Box::pin(async { result = Some(future.await) }));
    result.expect("the future has ended")
}

/// It is not generic, because each copy would add kilobytes to the program.
fn run_to_the_end(mut runtime: tokio::runtime::Builder, future: LocalBoxFuture<'_, ()>) {
    let runtime = runtime.enable_all().build();
    let runtime = runtime.expect("an operating system that gives a process timers and sockets");
    runtime.block_on(future);
    // A handler that blocks its thread must not keep the process.
    runtime.shutdown_background();
}

#[cfg(feature = "lambda")]
fn run_lambda(setup: Setup<'_>) -> Exit {
    setup.start_log(Form::Json);
    let lambda = async {
        let program = match set_up(setup).await {
            Ok(builder) => lambda::Program::start(builder).await,
            Err(error) => Err(error),
        };
        let program = match program {
            Ok(program) => program,
            Err(error) => {
                tracing::error!(problems = %error, "the program cannot start");
                // `setup` failed before it has started its log.
                if !tracing::dispatcher::has_been_set() {
                    complain(&format!("the program cannot start:\n{error}"));
                }
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
    // An instance handles one event at a time, unless it is a managed one.
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
            let words = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok());
            let named = words.into_iter().find(|word| !word.starts_with('-'));
            complain(&format!("{message}\n\n{}", help::of(named.as_deref()).unwrap_or(help::PROGRAM)));
            return Exit::Unusable;
        }
    };
    if let Command::Help(text) = arguments.command {
        say(text);
        return Exit::Sound;
    }
    let is_server = arguments.command.is_server();
    // A command prints its result to standard output, which a pipeline may read.
    setup.start_log(if is_server { Form::Text } else { Form::Aside });
    block_on_several_threads(async {
        match run(arguments, setup).await {
            Ok(exit) => exit,
            Err(CannotGoOn::Start(problems)) => {
                let what = if is_server { "the program cannot start" } else { "the command did not run" };
                complain(&format!("{what}:\n{problems}"));
                Exit::Unusable
            }
            Err(CannotGoOn::Arguments(mistake)) => {
                complain(&mistake);
                Exit::Unusable
            }
            Err(CannotGoOn::Run(error)) => {
                complain(&format!("the command failed: {error}"));
                Exit::Unsound
            }
        }
    })
}

enum CannotGoOn {
    /// `setup`, the settings or the handlers are wrong.
    Start(BoxError),
    /// The arguments do not fit the program.
    Arguments(String),
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
    let mut builder = set_up(setup).await?;
    // Every command reads the settings of each tenant.
    builder.expand();
    let flushes = builder.flushes();
    let exit = run_with(arguments, builder).await;
    if !flushes.is_empty() {
        flush(flushes, FLUSH_PATIENCE).await;
    }
    exit
}

async fn run_with(arguments: Arguments, builder: AppBuilder) -> Result<Exit, CannotGoOn> {
    let json = arguments.json;
    if let Command::Policy(place) = arguments.command {
        // Before they are read: the role that may read them is yet to be made.
        return Ok(policy::print(&builder.variables_of_all(), &place.with_environment(), json));
    }
    if let Command::Cost(words) = &arguments.command {
        return Ok(cost::print(&builder, words, json));
    }
    let builder = builder.resolve().await;
    let (known, tenant) = (arguments.known.as_deref(), arguments.tenant.as_deref());
    let choice = Choice { tenant, known, json };
    match arguments.command {
        Command::Help(_) | Command::Policy(_) | Command::Cost(_) => unreachable!("it was answered before"),
        Command::Check => Ok(check::check(builder, tenant, json)),
        Command::DeadLetters(what) => {
            let app = begun(builder)?;
            let apps = dead_letters::concerned(choice.of(&app)?, &what).await?;
            let run = async |app: &App| Ok(dead_letters::dead_letters(app, what.clone(), json).await?);
            for_each(apps, choice, run).await
        }
        #[cfg(feature = "local")]
        Command::Serve { is_shown } => Ok(serve::serve(builder, desk::Watch::shown(is_shown)).await?),
        Command::Desk(command) => command.run(builder, choice).await,
        #[cfg(feature = "registration")]
        Command::Register(options) => {
            let run = async |app: &App| {
                let notebook = notebook(app, choice.known)?;
                let exit = register::register(app, options, json).await;
                if let Some(notebook) = notebook.filter(|_| !options.dry_run) {
                    notebook.write(app).map_err(|reason| CannotGoOn::Run(reason.into()))?;
                }
                Ok(exit)
            };
            for_each(choice.of(&begun(builder)?)?, choice, run).await
        }
        #[cfg(feature = "registration")]
        Command::Status => {
            let run = async |app: &App| {
                notebook(app, choice.known)?;
                Ok(status::status(app, json).await)
            };
            for_each(choice.of(&begun(builder)?)?, choice, run).await
        }
        #[cfg(feature = "registration")]
        Command::Sweep(options) => {
            let run = async |app: &App| {
                notebook(app, choice.known)?;
                Ok(sweep::sweep(app, options.clone(), json).await)
            };
            for_each(choice.of(&begun(builder)?)?, choice, run).await
        }
    }
}

/// The options that choose the apps a command is for, and how it prints.
#[derive(Clone, Copy)]
struct Choice<'a> {
    tenant: Option<&'a str>,
    known: Option<&'a std::path::Path>,
    json: bool,
}

impl Choice<'_> {
    /// The chosen apps.
    fn of<'a>(&self, app: &'a App) -> Result<Vec<&'a App>, String> {
        chosen(app, self.tenant, self.known)
    }
}

/// Runs a command for one app after the other. The gravest result is the result of all. If it fails for a tenant, such as without the
/// tenant's store, the others still have their turn.
async fn for_each(
    apps: Vec<&App>,
    choice: Choice<'_>,
    run: impl AsyncFn(&App) -> Result<Exit, CannotGoOn>,
) -> Result<Exit, CannotGoOn> {
    let mut exit = Exit::Sound;
    for app in apps {
        head(app, choice.json);
        exit = exit.max(match (run(app).await, app.tenant_name()) {
            (Err(CannotGoOn::Run(error)), Some(tenant)) => {
                complain(&format!("tenant {tenant}: the command failed: {error}"));
                Exit::Unsound
            }
            (ended, _) => ended?,
        });
    }
    Ok(exit)
}

impl From<String> for CannotGoOn {
    fn from(mistake: String) -> Self {
        Self::Arguments(mistake)
    }
}

/// The apps that a command is for: the app of the named tenant, or all apps.
fn chosen<'a>(
    app: &'a App,
    tenant: Option<&str>,
    known: Option<&std::path::Path>,
) -> Result<Vec<&'a App>, String> {
    let Some(name) = tenant else {
        return match known {
            Some(_) if app.has_tenants() => {
                let problem = "--known FILE is of one FHIR server, and this program has several: choose one by --tenant NAME";
                Err(problem.to_owned())
            }
            _ => Ok(app.apps().collect()),
        };
    };
    let names: Vec<_> = app.apps().filter_map(App::tenant_name).collect();
    let problem = || match names.is_empty() {
        true => format!("--tenant is {name:?}, and this program has no tenants: leave it out"),
        false => format!("--tenant is {name:?}, and the tenants are {}", names.join(", ")),
    };
    app.tenant(name).map(|app| vec![app]).ok_or_else(problem)
}

/// Prints the tenant's name before its result, if there are tenants. In JSON, the report contains the name.
fn head(app: &App, json: bool) {
    if let Some(tenant) = app.tenant_name().filter(|_| !json) {
        say(&format!("tenant {tenant}"));
    }
}

/// Prints a report, a JSON object, on a line of its own.
fn say_report(app: &App, report: &str) {
    match (app.tenant_name(), report.strip_prefix('{')) {
        (Some(tenant), Some(rest)) => say(&format!("{{\"tenant\":{},{rest}", serde_json::json!(tenant))),
        _ => say(report),
    }
}

/// The file of `--known`; `app` loads its content.
#[cfg(feature = "registration")]
fn notebook<'p>(
    app: &App,
    known: Option<&'p std::path::Path>,
) -> Result<Option<crate::registration::Notebook<'p>>, String> {
    let Some(path) = known else { return Ok(None) };
    let notebook = crate::registration::Notebook::read(path)?;
    notebook.open(app);
    Ok(Some(notebook))
}

/// The app after the user's `setup`. If `setup` fails, the error includes all problems that are known by
/// then.
async fn set_up(setup: Setup<'_>) -> Result<AppBuilder, BoxError> {
    let Setup { name, run, .. } = setup;
    let error = match run(AppBuilder::from_environment()).await {
        Ok(builder) => return Ok(builder),
        Err(error) => error,
    };
    let mut problems = Problems::from(setup_failed(name, error));
    problems.append(AppBuilder::from_environment().resolve().await.problems_whatever_setup_does());
    Err(problems.into())
}

/// The error of `setup`, with its place and its causes.
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
    // An error from `map_err(Error::permanent)` has a place in the standard library, which helps nobody.
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

/// Prints `text` and the end of the line. If the reader has gone, that is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests;
