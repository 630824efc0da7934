//! A hardware module in software: `softhsm2`, where it is installed.
//!
//! The module reads its place from the environment, so what uses it runs in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use model::Clock;
use model::vault::{DataKey, KeyWrapper, VaultError};
use vault::{KeyFile, Setting, WrapperConfig, Wrappers};

use crate::memory::Memory;
use crate::service::Service;
use crate::{opened, place, seal};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PLACE: &str = "VAULT_TEST_SOFTHSM";
const PIN: &str = "4711";

#[test]
fn key_in_a_hardware_module_wraps_and_never_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("softhsm2.conf");
    let tokens = dir.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let begun = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "plughouse", "--so-pin", "0000", "--pin", PIN])
        .env("SOFTHSM2_CONF", &conf)
        .output();
    let Ok(begun) = begun else {
        println!("SKIPPED: softhsm2-util is not installed, and with it the hardware module");
        return;
    };
    assert!(begun.status.success(), "{begun:?}");
    let used = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pkcs11::used", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env(PLACE, dir.path())
        .output()
        .unwrap();
    assert!(used.status.success(), "{}", String::from_utf8_lossy(&used.stderr));
}

/// Runs in the process that the test above has started, and does nothing in any other.
#[tokio::test]
async fn used() {
    #[expect(clippy::disallowed_methods, reason = "nobody configures a test")]
    let Some(dir) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    make_key("kek");
    std::fs::write(dir.join("pin"), format!("{PIN}\n")).unwrap();
    wraps_and_unwraps(&dir).await;
    tells_what_is_missing(&dir).await;
    goes_on_in_a_new_session(&dir).await;
    seals_and_opens(&dir).await;
    tries_no_wrong_pin_twice(&dir).await;
}

fn make_key(label: &str) {
    let module = Pkcs11::new(MODULE).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let session = module.open_rw_session(module.get_slots_with_token().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let template = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::ValueLen(32.into()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
    session.logout().unwrap();
}

fn build(dir: &Path, token: &str, key: &str) -> Arc<dyn KeyWrapper> {
    let config: WrapperConfig = toml::from_str(&format!(
        "kind = 'pkcs11'\nmodule = '{MODULE}'\ntoken = '{token}'\nkey = '{key}'\n\
         pin_file = '{}'",
        dir.join("pin").display()
    ))
    .unwrap();
    let clock = Clock::manual(model::Timestamp::UNIX_EPOCH);
    let setting = Setting { data: dir, outbound: Service::new(|_| None), clock };
    config.build(&setting, KeyFile::MustExist).unwrap()
}

fn key() -> DataKey {
    DataKey::new([7; 32])
}

async fn wraps_and_unwraps(dir: &Path) {
    let wrapper = build(dir, "plughouse", "kek");
    let wrapped = wrapper.wrap(&key(), b"here").await.unwrap();
    assert_ne!(wrapped, wrapper.wrap(&key(), b"here").await.unwrap());
    assert_eq!(*wrapper.unwrap(&wrapped, b"here").await.unwrap(), *key());
    for at in 0..wrapped.len() {
        let mut changed = wrapped.to_vec();
        changed[at] ^= 1;
        let refused = wrapper.unwrap(&changed, b"here").await;
        assert!(matches!(refused, Err(VaultError::WrongKey(_))), "byte {at}: {refused:?}");
        let refused = wrapper.unwrap(&wrapped[..at], b"here").await;
        assert!(matches!(refused, Err(VaultError::WrongKey(_))), "cut at {at}: {refused:?}");
    }
    let refused = wrapper.unwrap(&wrapped, b"there").await;
    assert!(matches!(refused, Err(VaultError::WrongKey(_))), "{refused:?}");
    assert_eq!(*wrapper.unwrap(&wrapped, b"here").await.unwrap(), *key());
}

async fn tells_what_is_missing(dir: &Path) {
    for (token, key_label, wanted) in [
        ("other", "kek", "has no token labelled 'other'"),
        ("plughouse", "other", "has 0 AES keys labelled 'other'"),
    ] {
        let error = build(dir, token, key_label).wrap(&key(), b"").await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    make_key("twice");
    make_key("twice");
    let error = build(dir, "plughouse", "twice").wrap(&key(), b"").await.unwrap_err().to_string();
    assert!(error.contains("has 2 AES keys"), "{error}");
}

async fn goes_on_in_a_new_session(dir: &Path) {
    let wrapper = build(dir, "plughouse", "kek");
    let wrapped = wrapper.wrap(&key(), b"here").await.unwrap();
    Pkcs11::new(MODULE).unwrap().finalize().unwrap();
    assert_eq!(*wrapper.unwrap(&wrapped, b"here").await.unwrap(), *key());
}

async fn seals_and_opens(dir: &Path) {
    let (store, clock) = (Arc::<Memory>::default(), Clock::manual(model::Timestamp::UNIX_EPOCH));
    let vault = || {
        let wrappers = Wrappers::only(build(dir, "plughouse", "kek"));
        crate::open(&store, wrappers, &clock)
    };
    let sealed = seal(&vault().await.unwrap(), &place("acme", "crm"), "a").await.unwrap();
    assert_eq!(opened(&vault().await.unwrap(), sealed).await.unwrap(), "a");
}

async fn tries_no_wrong_pin_twice(dir: &Path) {
    let wrapper = build(dir, "plughouse", "kek");
    std::fs::write(dir.join("pin"), "wrong").unwrap();
    for _ in 0..20 {
        let error = wrapper.wrap(&key(), b"").await.unwrap_err().to_string();
        assert!(error.contains("does not take the PIN in '"), "{error}");
        assert!(!error.contains("wrong"), "{error}");
    }
    std::fs::write(dir.join("pin"), PIN).unwrap();
    wrapper.wrap(&key(), b"").await.unwrap();
}
