//! A stand-in for Altinn, and innfri's client of it for an agency and a bank.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innfri::altinn_simulator::{
    Config, FaultSettings, NewKey, ResourceConfig, Route, Running, start,
};
use innfri::channel::altinn::{
    Acting, Altinn, AltinnConfig, AltinnError, ArrivedFile, Kept, NotKept, Parcel, Patience,
    PropertyList, SetupError, Take, TransferId,
};
use innfri::kernel::OrganisationId;
use innfri::port::SystemClock;
use serde_json::Value;
use tempfile::TempDir;

pub const AGENT: &str = "910753614";
pub const BANK: &str = "926018159";
/// Nobody's: it has no system user.
pub const OTHER: &str = "987464291";
pub const RESOURCE: &str = "kv_dsve_test";

/// One key for all tests: making one takes a while.
pub static KEY: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate().unwrap());

pub fn organisation(number: &str) -> OrganisationId {
    OrganisationId::norwegian(number).unwrap()
}

pub fn simulated() -> Config {
    Config::default()
        .with_client("vendor", &KEY, [AGENT, BANK].map(organisation))
        .with_resource(ResourceConfig::open(RESOURCE))
        .with_scan_millis(30)
}

pub struct World {
    pub running: Running,
    folder: TempDir,
}

impl World {
    pub async fn plain() -> Self {
        Self::of(simulated()).await
    }

    pub async fn of(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        KEY.write_private(&folder.path().join("key.pem")).unwrap();
        Self { running: start(config).await.unwrap(), folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Settings with which everything is right.
    pub fn settings(&self) -> AltinnConfig {
        let text = format!(
            r#"
            platform_url = "{}/"
            resource_id = "{RESOURCE}"
            organisations = ["{AGENT}", "NO:{BANK}"]
            follow_milliseconds = 20
            follow_seconds = 10
            list_lag_seconds = 0
            timeout_seconds = 10
            most_bytes = 1000
            allow_private_addresses = true
            [maskinporten]
            issuer = "{}"
            client_id = "vendor"
            key_file = {:?}
            key_id = "key-1"
            "#,
            self.running.base_url(),
            self.running.issuer().trim_end_matches('/'),
            self.path("key.pem"),
        );
        toml::from_str(&text).unwrap()
    }

    pub fn client(&self) -> Altinn {
        self.client_with(|_| {}).unwrap()
    }

    pub fn client_with(
        &self,
        change: impl FnOnce(&mut AltinnConfig),
    ) -> Result<Altinn, SetupError> {
        let mut settings = self.settings();
        change(&mut settings);
        Altinn::open(&settings, Arc::new(SystemClock))
    }

    pub fn acting(&self, number: &str) -> Acting {
        self.client().acting_for(&organisation(number))
    }

    /// Calls of a route that came in.
    pub fn calls(&self, route: Route) -> u64 {
        let name = serde_json::to_value(route).unwrap();
        self.running.state()["calls"][name.as_str().unwrap()].as_u64().unwrap_or(0)
    }

    pub fn transfers(&self) -> Vec<Value> {
        self.running.state()["transfers"].as_array().unwrap().clone()
    }

    /// Transfers that receivers could or can fetch.
    pub fn published(&self) -> usize {
        let is = |one: &&Value| {
            ["Published", "AllConfirmedDownloaded"]
                .contains(&one["fileTransferStatus"].as_str().unwrap())
        };
        self.transfers().iter().filter(is).count()
    }

    pub fn lose(&self, routes: impl IntoIterator<Item = (Route, u32)>) {
        let lost = routes.into_iter().collect();
        self.running.switch(FaultSettings { lost, ..FaultSettings::default() });
    }

    /// A file of the agency that is published for the bank.
    pub async fn file(&self, agent: &Acting, reference: &str, bytes: &[u8]) -> TransferId {
        let mut sending = innfri::channel::altinn::Sending::new();
        let parcel = parcel(reference, bytes);
        self.send(agent, &mut sending, &parcel).await.unwrap()
    }

    pub async fn send(
        &self,
        agent: &Acting,
        sending: &mut innfri::channel::altinn::Sending,
        parcel: &Parcel,
    ) -> Result<TransferId, AltinnError> {
        let patience = Patience::of(&self.settings());
        innfri::channel::altinn::send(agent, &SystemClock, sending, parcel, &patience).await
    }
}

pub fn parcel(reference: &str, bytes: &[u8]) -> Parcel {
    let said = PropertyList::new([("messageType", "Restgjeldsforespoersel")]).unwrap();
    let name = "restgjeldsforespoersel.zip";
    Parcel::new(name, reference, organisation(BANK), said, bytes.to_vec()).unwrap()
}

/// Keeps what arrives, each transfer once.
#[derive(Default)]
pub struct Shelf(pub Mutex<BTreeMap<TransferId, ArrivedFile>>);

#[async_trait]
impl Take for Shelf {
    async fn take(&self, arrived: ArrivedFile) -> Result<Kept, NotKept> {
        self.0.lock().unwrap().insert(arrived.transfer, arrived);
        Ok(Kept)
    }
}

/// Waits for what comes by itself; only a bound, nothing is measured.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
