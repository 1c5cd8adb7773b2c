//! A bell: wakes those of this process who wait for one case, or for one receiver's post, and nobody
//! else. What another process commits rings no bell here, so whoever waits also looks now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::kernel::{CaseId, OrganisationId};

/// What can be waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Something happened in this case.
    Case(CaseId),
    /// There is something to collect for this receiver.
    Post(OrganisationId),
}

/// Who listens to what; a topic that nobody listens to is not kept.
type Listeners = BTreeMap<Topic, Vec<Arc<Notify>>>;

/// The bell of one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bell {
    listeners: Arc<Mutex<Listeners>>,
}

/// Somebody who listens, for as long as this value lives.
#[derive(Debug)]
pub struct Listener {
    bell: Bell,
    topics: Vec<Topic>,
    notify: Arc<Notify>,
}

impl Bell {
    /// Listens from now on: what rings between this call and [`Listener::rung`] is not missed.
    pub fn listen(&self, topics: Vec<Topic>) -> Listener {
        let notify = Arc::new(Notify::new());
        let mut listeners = self.lock();
        for topic in &topics {
            listeners.entry(topic.clone()).or_default().push(Arc::clone(&notify));
        }
        drop(listeners);
        Listener { bell: self.clone(), topics, notify }
    }

    /// Wakes whoever listens to this.
    pub fn ring(&self, topic: &Topic) {
        for listener in self.lock().get(topic).into_iter().flatten() {
            listener.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Waits until one of the topics has rung since the last call. The wait can be given up at any time.
    pub async fn rung(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = self.bell.lock();
        for topic in &self.topics {
            if let Some(heard) = listeners.get_mut(topic) {
                heard.retain(|notify| !Arc::ptr_eq(notify, &self.notify));
                if heard.is_empty() {
                    listeners.remove(topic);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Topic {
        Topic::Case(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn only_whoever_listens_to_the_topic_is_woken() {
        let bell = Bell::default();
        let mine = case("6d864d0d-f294-5b4e-beb5-02b95e0dcd79");
        let other = case("0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d");
        let listener = bell.listen(vec![mine.clone()]);
        bell.ring(&other);
        let soon = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(soon, listener.rung()).await.is_err());
        bell.ring(&mine);
        listener.rung().await;
    }

    #[test]
    fn nobody_is_kept_who_listens_no_longer() {
        let bell = Bell::default();
        let topic = case("6d864d0d-f294-5b4e-beb5-02b95e0dcd79");
        let listeners = (bell.listen(vec![topic.clone()]), bell.listen(vec![topic]));
        drop(listeners);
        assert!(bell.lock().is_empty());
    }
}
