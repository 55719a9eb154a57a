//! Runs a handler: makes its arguments one after the other, and calls the function with them.
//!
//! This code is here instead of in the expansion of the attribute for two reasons: a handler adds little
//! compile time to its crate, and a wrong type is reported only once. An `await` in the expansion would
//! report it again.

use crate::declaration::BoxFuture;
use crate::extract::FromNotification;
use crate::notification::Notification;
use crate::outcome::{IntoOutcome, Outcome};

macro_rules! run {
    ($run:ident: $($argument:ident: $Argument:ident),*) => {
        /// Runs a handler with as many arguments as the name says.
        ///
        /// The types of the arguments and of the result come first, so that the expansion names them by the
        /// user's own tokens.
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
