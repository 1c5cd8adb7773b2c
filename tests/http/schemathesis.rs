//! Everything that the published contract allows, and much that it does not, asked of the live program by
//! schemathesis: no server error, and no answer that the contract does not describe.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::whole_program::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_that_the_contract_describes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let validators = std::env::var_os("INNFRI_VALIDATORS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("validators"),
        Into::into,
    );
    let scripts = root.join("tests/validators");
    let prepared = Command::new(scripts.join("prepare")).arg(&validators).status().unwrap();
    assert!(prepared.success(), "tests/validators/prepare has failed: see above");
    let mut world =
        World::new("longest_wait_seconds = 1\nrequests_per_second = 10000\nburst = 10000");
    let ran = Command::new(scripts.join("schemathesis"))
        .arg(world.address())
        .env("INNFRI_TOKEN", &world.agent.token)
        .env("INNFRI_VALIDATORS", &validators)
        .env("INNFRI_SCHEMATHESIS_SECONDS", "45")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{wrong}");
    assert!(world.innfri.ended().is_none(), "innfri still runs");
}
