//! The section of the configuration, and opening by it.

use std::path::Path;
use std::sync::Arc;

use model::Clock;
use model::vault::VaultError;
use vault::{KeyFile, Sealer, Setting, WrapperConfig};

use crate::memory::Memory;
use crate::service::Service;
use crate::{opened, place, quiet, seal};

fn setting(data: &Path) -> Setting<'_> {
    let clock = Clock::manual(model::Timestamp::UNIX_EPOCH);
    Setting { data, outbound: Service::new(|_| None), clock }
}

fn file(path: &str) -> WrapperConfig {
    toml::from_str(&format!("kind = 'file'\npath = '{path}'")).unwrap()
}

async fn open(
    store: &Arc<Memory>,
    config: &WrapperConfig,
    before: Option<&WrapperConfig>,
    data: &Path,
) -> Result<Sealer, VaultError> {
    vault::open(store.clone(), config, before, &setting(data)).await
}

#[tokio::test]
async fn first_start_makes_the_key_file_and_later_ones_use_it() {
    let (store, dir) = (Arc::<Memory>::default(), tempfile::tempdir().unwrap());
    let config = WrapperConfig::default();
    let vault = open(&store, &config, None, dir.path()).await.unwrap();
    let sealed = seal(&vault, &place("acme", "crm"), "a").await.unwrap();
    let key = std::fs::read(dir.path().join("vault.key")).unwrap();
    let again = open(&store, &config, None, dir.path()).await.unwrap();
    assert_eq!(opened(&again, sealed).await.unwrap(), "a");
    assert_eq!(std::fs::read(dir.path().join("vault.key")).unwrap(), key);
}

#[tokio::test]
async fn no_key_file_is_made_beside_data() {
    let (store, dir) = (Arc::<Memory>::default(), tempfile::tempdir().unwrap());
    let config = WrapperConfig::default();
    open(&store, &config, None, dir.path()).await.unwrap();
    std::fs::remove_file(dir.path().join("vault.key")).unwrap();
    let error = open(&store, &config, None, dir.path()).await.err().unwrap();
    assert!(matches!(error, VaultError::WrongKey(_)), "{error}");
    assert!(error.to_string().contains("put the key of this data back"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn key_file_of_other_data_is_refused() {
    let (store, dir) = (Arc::<Memory>::default(), tempfile::tempdir().unwrap());
    let config = WrapperConfig::default();
    open(&store, &config, None, dir.path()).await.unwrap();
    std::fs::remove_file(dir.path().join("vault.key")).unwrap();
    open(&Arc::default(), &config, None, dir.path()).await.unwrap();
    let error = open(&store, &config, None, dir.path()).await.err().unwrap();
    assert!(matches!(error, VaultError::WrongKey(_)), "{error}");
}

#[tokio::test]
async fn rotation_to_a_new_key_file_makes_it_once() {
    let (store, dir) = (Arc::<Memory>::default(), tempfile::tempdir().unwrap());
    let (one, two) = (WrapperConfig::default(), dir.path().join("two.key"));
    let new = file(two.to_str().unwrap());
    let vault = open(&store, &one, None, dir.path()).await.unwrap();
    let sealed = seal(&vault, &place("acme", "crm"), "a").await.unwrap();
    store.put(&sealed).unwrap();

    let both = open(&store, &new, Some(&one), dir.path()).await.unwrap();
    assert_eq!(opened(&both, sealed.clone()).await.unwrap(), "a");
    assert_eq!(both.rewrap(&quiet).await.unwrap(), 1);
    let alone = open(&store, &new, None, dir.path()).await.unwrap();
    assert_eq!(opened(&alone, sealed).await.unwrap(), "a");

    std::fs::remove_file(&two).unwrap();
    let error = open(&store, &new, Some(&one), dir.path()).await.err().unwrap();
    assert!(matches!(error, VaultError::WrongKey(_)), "{error}");
    assert!(!two.exists());
}

#[track_caller]
fn check(section: &str, wanted: Result<&str, &str>) {
    let dir = tempfile::tempdir().unwrap();
    let built =
        toml::from_str::<WrapperConfig>(section).map_err(|e| e.to_string()).and_then(|config| {
            config.build(&setting(dir.path()), KeyFile::MayBeMade).map_err(|e| e.to_string())
        });
    match (built, wanted) {
        (Ok(built), Ok(id)) => assert!(built.id().starts_with(id), "{}", built.id()),
        (Err(error), Err(wanted)) => assert!(error.contains(wanted), "{error}"),
        (built, _) => panic!("{section}: {:?}", built.map(|built| built.id().to_owned())),
    }
}

#[test]
fn section_names_the_kind_and_its_own_keys() {
    check("kind = 'file'", Ok("file:"));
    check("kind = 'file'\npasword = 'x'", Err("unknown field `pasword`"));
    check("kind = 'vault'", Err("unknown variant `vault`"));
    check("path = 'x'", Err("missing field `kind`"));
    let transit = "kind = 'transit'\nkey = 'a'\ntoken_file = '/x'\naddress = ";
    check(&format!("{transit}'https://v.example'"), Ok("transit:v.example/transit/a"));
    let mounted = format!("{transit}'https://v.example'\nmount = 'team/keys'");
    check(&mounted, Ok("transit:v.example/team/keys/a"));
    check(&format!("{transit}'https://v.example/v1'"), Err("'address' of [vault]"));
    check(&format!("{transit}'https://v.example'\nmount = '../sys'"), Err("'mount' of [vault]"));
    check(&format!("{transit}'https://v.example'\ntoken = 'x'"), Err("unknown field `token`"));
    check("kind = 'azure'\nkey = 'a'", Err("missing field `address`"));
}

#[test]
fn hardware_module_needs_the_feature() {
    let section = "kind = 'pkcs11'\nmodule = '/x.so'\ntoken = 't'\nkey = 'k'\npin_file = '/pin'";
    let built = cfg!(feature = "pkcs11");
    check(section, if built { Ok("pkcs11:t/k") } else { Err("with the feature `pkcs11`") });
}
