//! How a handler is run: its arguments are made, one after the other, and the function is called with them.
//!
//! This stands here, and not in what the attribute expands to, so that a handler adds little to its crate's
//! compile time, and so that a type which does not belong is reported once: an `await` in the expansion would
//! report it again.

use crate::declaration::BoxFuture;
use crate::extract::FromNotification;
use crate::notification::Notification;
use crate::outcome::{IntoOutcome, Outcome};

macro_rules! run {
    ($run:ident: $($argument:ident: $Argument:ident),*) => {
        /// Runs a handler that takes as many arguments as the name says.
        ///
        /// The arguments' types and the result's stand first, for the expansion to name them by the user's
        /// own tokens.
        pub fn $run<'a, $($Argument,)* Output, Running, Handler>(
            notification: &'a Notification<'a>,
            handler: Handler,
        ) -> BoxFuture<'a, Outcome>
        where
            $($Argument: FromNotification + Send + 'a,)*
            Output: IntoOutcome,
            Running: Future<Output = Output> + Send + 'a,
            Handler: FnOnce($($Argument),*) -> Running + Send + 'a,
        {
            let _ = notification;
            Box::pin(async move {
                $(
                    let $argument = match $Argument::from_notification(notification).await {
                        Ok(argument) => argument,
                        Err(rejection) => return Outcome::Rejected(rejection),
                    };
                )*
                handler($($argument),*).await.into_outcome()
            })
        }
    };
}

run!(run_0:);
run!(run_1: a: A);
run!(run_2: a: A, b: B);
run!(run_3: a: A, b: B, c: C);
run!(run_4: a: A, b: B, c: C, d: D);
run!(run_5: a: A, b: B, c: C, d: D, e: E);
run!(run_6: a: A, b: B, c: C, d: D, e: E, f: F);
run!(run_7: a: A, b: B, c: C, d: D, e: E, f: F, g: G);
run!(run_8: a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
