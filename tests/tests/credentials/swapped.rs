//! Sealed secrets that are exchanged in the file of the store, by somebody who can write there.

use std::fs;
use std::path::PathBuf;

use e2e::CONNECTION;
use redb::{Database, ReadableDatabase as _, TableDefinition};

use crate::world::{SHORT, World, authority};

const SEALED: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("sealed");

/// Where the generation of a secret stands in its row, and where what was sealed begins.
const GENERATION: std::ops::Range<usize> = 1..9;

/// The other tenant, with a connection of the same name.
const OTHER: &str = "other";

/// The file of the store, as it was, and the rows in it.
struct Vandal<'a> {
    world: &'a World,
    path: PathBuf,
    clean: Vec<u8>,
}

/// The key of a secret: whose, of a connection, which, under what name.
fn key(tenant: &str, connection: &str, field: &str) -> Vec<u8> {
    [tenant.as_bytes(), b"\0\x01", connection.as_bytes(), b"\0", field.as_bytes()].concat()
}

fn row(file: &PathBuf, key: &[u8]) -> Vec<u8> {
    let database = Database::open(file).unwrap();
    let table = database.begin_read().unwrap().open_table(SEALED).unwrap();
    table.get(key).unwrap().unwrap().value().to_vec()
}

impl Vandal<'_> {
    /// Puts these rows there and nothing else, and says which secret must not open then.
    #[track_caller]
    fn check(&self, rows: &[(&[u8], &[u8])], tenant: &str, field: &str) {
        fs::write(&self.path, &self.clean).unwrap();
        let database = Database::open(&self.path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(SEALED).unwrap();
            for (key, row) in rows {
                assert!(table.insert(*key, *row).unwrap().is_some(), "there is no such secret");
            }
        }
        transaction.commit().unwrap();
        drop(database);

        let asked = self.world.auth.request_count();
        let test = ["connection", "test", CONNECTION, "--tenant", tenant];
        let failed = self.world.host.run(&test);
        let place = format!("'{field}' of connection {CONNECTION} of tenant {tenant}");
        assert!(failed.code == Some(1) && failed.err.contains(&place), "{place}: {failed:?}");
        assert_eq!(self.world.auth.request_count(), asked, "nothing of it is sent");
    }

    /// Looking through all that is sealed finds it as well, and says that it was found.
    #[track_caller]
    fn is_reported(&self, tenant: &str, field: &str) {
        let rotated = self.world.host.run(&["vault", "rotate-key", "--all"]);
        let place = format!("'{field}' of connection {CONNECTION} of tenant {tenant}");
        let damaged = format!("DAMAGED  {place} does not open");
        assert!(rotated.code == Some(1) && rotated.out.contains(&damaged), "{rotated:?}");
    }

    /// Exchanges what was sealed of two rows; each keeps the generation that it has.
    #[track_caller]
    fn exchanged(&self, (one, other): (&[u8], &[u8]), tenant: &str, field: &str) {
        fs::write(&self.path, &self.clean).unwrap();
        let [mut a, mut b] = [one, other].map(|key| row(&self.path, key));
        let sealed = a.split_off(GENERATION.end);
        let taken = b.split_off(GENERATION.end);
        a.extend(taken);
        b.extend(sealed);
        self.check(&[(one, &a), (other, &b)], tenant, field);
    }
}

#[test]
fn sealed_secrets_open_nowhere_but_where_they_belong() {
    let world = World::connected(authority(SHORT));
    world.connecting(&["--tenant", OTHER]).goes_well();
    world.connecting_as("second", &[]).goes_well();
    let path = world.host.data().join("plughouse.redb");
    let access = key("main", CONNECTION, "access_token");
    let before = row(&path, &access);
    // The next generation.
    world.host.ok(&["connection", "test", CONNECTION]);
    world.host.ok(&["connection", "test", CONNECTION, "--tenant", OTHER]);
    let clean = fs::read(&path).unwrap();
    let vandal = Vandal { world: &world, path, clean };

    let refresh = key("main", CONNECTION, "refresh_token");
    let elsewhere = key(OTHER, CONNECTION, "access_token");
    let second = key("main", "second", "access_token");
    vandal.exchanged((&access, &elsewhere), "main", "access_token");
    vandal.exchanged((&access, &elsewhere), OTHER, "access_token");
    vandal.exchanged((&access, &refresh), "main", "access_token");
    vandal.is_reported("main", "access_token");
    vandal.is_reported("main", "refresh_token");
    vandal.exchanged((&access, &second), "main", "access_token");
    fs::write(&vandal.path, &vandal.clean).unwrap();
    // What was good before, as it lay there, and as if it were of now.
    let now = row(&vandal.path, &access);
    vandal.check(&[(&access, &before)], "main", "access_token");
    let mut of_now = before;
    of_now[GENERATION].copy_from_slice(&now[GENERATION]);
    vandal.check(&[(&access, &of_now)], "main", "access_token");
    let mut changed = now;
    *changed.last_mut().unwrap() ^= 1;
    vandal.check(&[(&access, &changed)], "main", "access_token");

    fs::write(&vandal.path, &vandal.clean).unwrap();
    world.host.ok(&["connection", "test", CONNECTION]);
    world.host.ok(&["connection", "test", CONNECTION, "--tenant", OTHER]);
    assert_eq!(world.chains(), (3, 0));
}
