//! The sandbox's background tasks.

use tokio::task::JoinHandle;

use super::delivery::BoxFuture;

/// Starts a task.
///
/// The future is boxed, because tokio's code for each type of task adds ten kilobytes to the program.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: BoxFuture<'static, ()> = Box::pin(task);
    tokio::spawn(task)
}
