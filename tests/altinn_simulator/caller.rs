//! A caller of the stand-in as plain as can be: what it sends is what a test says.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use innfri::altinn_simulator::{Config, NewKey, ResourceConfig, Running, start};
use innfri::kernel::OrganisationId;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub const AGENT: &str = "910753614";
pub const BANK: &str = "926018159";
pub const OTHER: &str = "987464291";
pub const RESOURCE: &str = "kv_dsve_test";
pub const BOTH: &str = "altinn:broker.read altinn:broker.write";
/// Longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One key for all tests: making one takes a while.
pub static KEY: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate().unwrap());

pub fn organisation(number: &str) -> OrganisationId {
    OrganisationId::norwegian(number).unwrap()
}

pub fn config() -> Config {
    Config::default()
        .with_client("vendor", &KEY, [AGENT, BANK, OTHER].map(organisation))
        .with_resource(ResourceConfig::open(RESOURCE))
        .with_scan_millis(30)
}

pub struct Altinn {
    pub running: Running,
    pub client: Client,
}

/// One organisation, signed in.
#[derive(Clone)]
pub struct Caller {
    pub base: String,
    pub client: Client,
    pub token: String,
    pub number: &'static str,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("assertion-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Altinn {
    pub async fn start(config: Config) -> Self {
        Self { running: start(config).await.unwrap(), client: Client::new() }
    }

    pub async fn plain() -> Self {
        Self::start(config()).await
    }

    /// Claims with which everything is right.
    pub fn claims(&self, number: &str, scope: &str) -> Value {
        json!({
            "iss": "vendor", "aud": self.running.issuer(), "scope": scope, "iat": now(),
            "exp": now() + 100, "jti": unique(),
            "authorization_details": [{
                "type": "urn:altinn:systemuser",
                "systemuser_org": {
                    "authority": "iso6523-actorid-upis", "ID": format!("0192:{number}"),
                },
            }],
        })
    }

    pub async fn token(&self, header: &Header, claims: &Value, key: &NewKey) -> Response {
        let key = EncodingKey::from_rsa_pem(key.private_pem().as_bytes()).unwrap();
        let assertion = encode(header, claims, &key).unwrap();
        self.ask_token("urn:ietf:params:oauth:grant-type:jwt-bearer", &assertion).await
    }

    pub async fn ask_token(&self, grant_type: &str, assertion: &str) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", grant_type)
            .append_pair("assertion", assertion)
            .finish();
        let request = self.client.post(format!("{}token", self.running.issuer()));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.unwrap()
    }

    pub async fn exchange(&self, token: &str) -> Response {
        let path = "/authentication/api/v1/exchange/maskinporten";
        let request = self.client.get(format!("{}{path}", self.running.base_url()));
        request.bearer_auth(token).send().await.unwrap()
    }

    pub async fn with_scope(&self, number: &'static str, scope: &str) -> Caller {
        let answer = self.token(&header(), &self.claims(number, scope), &KEY).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let first = answer["access_token"].as_str().unwrap();
        let token = self.exchange(first).await.text().await.unwrap();
        let base = self.running.base_url().to_owned();
        Caller { base, client: self.client.clone(), token, number }
    }

    pub async fn caller(&self, number: &'static str) -> Caller {
        self.with_scope(number, BOTH).await
    }

    pub async fn switch(&self, faults: Value) {
        let url = format!("{}/simulator/faults", self.running.base_url());
        let answer = self.client.post(url).body(faults.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

pub fn header() -> Header {
    Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::RS256) }
}

impl Caller {
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/broker/api/v1/filetransfer{path}", self.base);
        self.client.request(method, url).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str) -> Response {
        self.call(Method::POST, path).send().await.unwrap()
    }

    pub fn announcement(&self, to: &str) -> Value {
        json!({
            "fileName": "dsve.zip", "resourceId": RESOURCE, "sendersFileTransferReference": "ref-1",
            "sender": format!("0192:{}", self.number), "recipients": [format!("0192:{to}")],
            "propertyList": { "messageType": "Restgjeldsforespoersel" },
        })
    }

    pub async fn announce(&self, body: &Value) -> Response {
        self.call(Method::POST, "").json(body).send().await.unwrap()
    }

    pub async fn initialise(&self, to: &str) -> String {
        let answer = self.announce(&self.announcement(to)).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        answer["fileTransferId"].as_str().unwrap().to_owned()
    }

    pub async fn upload(&self, id: &str, bytes: &'static [u8]) -> Response {
        let request = self.call(Method::POST, &format!("/{id}/upload"));
        let request = request.header("content-type", "application/octet-stream");
        request.body(bytes).send().await.unwrap()
    }

    pub async fn overview(&self, id: &str) -> Value {
        self.get(&format!("/{id}")).await.json().await.unwrap()
    }

    /// The overview, once the status is there.
    pub async fn until(&self, id: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let overview = self.overview(id).await;
                if overview["fileTransferStatus"] == status {
                    return overview;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the status in time")
    }

    /// A published transfer of these bytes.
    pub async fn send(&self, to: &str, bytes: &'static [u8]) -> String {
        let id = self.initialise(to).await;
        assert_eq!(self.upload(&id, bytes).await.status(), 200);
        self.until(&id, "Published").await;
        id
    }

    pub async fn list(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("?resourceId={RESOURCE}{query}")).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }
}

/// Status and code of a refusal, which must be problem details.
pub async fn refused(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string() && body["detail"].is_string() && body["traceId"].is_string());
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}
