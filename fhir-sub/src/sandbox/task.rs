//! What the sandbox does by itself.

use tokio::task::JoinHandle;

use super::delivery::BoxFuture;

/// Starts a task.
///
/// It is boxed: tokio's code for each type of task is ten kilobytes of the program.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: BoxFuture<'static, ()> = Box::pin(task);
    tokio::spawn(task)
}
