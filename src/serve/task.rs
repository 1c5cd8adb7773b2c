//! Tasks: each has a kind, and a kind says what its end means.

use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Takes messages in from AMQP.
    Consumer,
    /// Fetches files from Altinn.
    Altinn,
    /// Answers HTTP requests.
    Http,
    /// Decides and delivers.
    Exchange,
    /// Seals days that are over.
    Sealing,
    /// Removes discarded dead letters when their date has come.
    Purging,
    /// Waits for the signal to stop.
    Signals,
    /// Reads the directory again when asked.
    Reload,
    /// Answers those who watch.
    Watch,
    /// Counts what the journal holds.
    Sampling,
}

impl TaskKind {
    /// The task's name, for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Altinn => "altinn",
            Self::Http => "http",
            Self::Exchange => "exchange",
            Self::Sealing => "sealing",
            Self::Purging => "purging",
            Self::Signals => "signals",
            Self::Reload => "reload",
            Self::Watch => "watch",
            Self::Sampling => "sampling",
        }
    }
}

/// A task ended though nobody had asked it to: silence would hide it, so the process stops, and whoever
/// supervises it starts it anew.
#[derive(Debug, thiserror::Error)]
#[error("the task `{}` ended by itself; innfri stops, to be started anew", .0.name())]
pub struct EndedByItself(pub TaskKind);

/// The tasks of a process.
#[derive(Default)]
pub struct Tasks {
    running: JoinSet<TaskKind>,
}

impl Tasks {
    /// Starts a task.
    pub fn start(&mut self, kind: TaskKind, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            task.await;
            kind
        });
    }

    /// Waits until all have ended after `stop`, or until one ends before it; then stops the others.
    ///
    /// # Errors
    /// When a task ended by itself, or panicked.
    pub async fn wait(mut self, stop: &CancellationToken) -> Result<(), EndedByItself> {
        let mut outcome = Ok(());
        while let Some(ended) = self.running.join_next().await {
            if stop.is_cancelled() {
                continue;
            }
            let kind = ended.unwrap_or(TaskKind::Exchange);
            outcome = Err(EndedByItself(kind));
            stop.cancel();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_stops_the_others() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::default();
        let waits = stop.clone();
        tasks.start(TaskKind::Exchange, async move { waits.cancelled().await });
        tasks.start(TaskKind::Consumer, async {});
        let error = tasks.wait(&stop).await.unwrap_err();
        assert!(error.to_string().contains("consumer"));
    }

    #[tokio::test]
    async fn tasks_that_were_asked_to_stop_are_no_error() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::default();
        let waits = stop.clone();
        tasks.start(TaskKind::Exchange, async move { waits.cancelled().await });
        stop.cancel();
        assert!(tasks.wait(&stop).await.is_ok());
    }
}
