use super::*;

/// What is told where `setup` fails so.
fn told<F, E>(setup: impl FnOnce(AppBuilder) -> F) -> String
where
    F: Future<Output = Result<AppBuilder, E>>,
    E: Into<BoxError>,
{
    let run =
        Box::new(|app| -> LocalBoxFuture<'_, _> { Box::pin(async { setup(app).await.map_err(Into::into) }) });
    match block_on(set_up(Setup { name: "program::setup", run })) {
        Ok(_) => panic!("it did not fail"),
        Err(error) => error.to_string(),
    }
}

#[derive(Debug)]
struct Unreachable(std::num::ParseIntError);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the pool has no size")
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_of_setup_names_what_failed_and_where() {
    async fn question_mark(app: AppBuilder) -> Result<AppBuilder> {
        let _: u16 = "twelve".parse()?;
        Ok(app)
    }
    async fn own_error(app: AppBuilder) -> Result<AppBuilder, Unreachable> {
        let _: u16 = "twelve".parse().map_err(Unreachable)?;
        Ok(app)
    }
    async fn own_error_by_question_mark(app: AppBuilder) -> Result<AppBuilder> {
        Ok(own_error(app).await?)
    }
    let text = told(question_mark);
    assert!(text.contains("setup failed: invalid digit found in string (in `program::setup`, at "), "{text}");
    assert!(text.contains("command/tests.rs:"), "{text}");
    let text = told(own_error);
    assert!(
        text.contains("the pool has no size: invalid digit found in string (in `program::setup`)"),
        "{text}"
    );
    let text = told(own_error_by_question_mark);
    assert!(text.contains("the pool has no size: invalid digit") && text.contains("tests.rs:"), "{text}");
    // What is wrong whatever it does is told with it: this test links no handler.
    assert!(text.contains("no handler is linked into this program"), "{text}");
    // What it may have been about to set is not.
    assert!(!text.contains("APP_BASE_URL"), "{text}");
}
