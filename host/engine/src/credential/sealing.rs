//! From secrets to what the store keeps, and back.

use model::credential::place;
use model::masking::Masked;
use model::vault::{Place, Sealed};
use model::{Error, ErrorKind, Secret};

use super::error;
use super::{Inner, Key};

/// Opened secrets, by field. They are masked in everything that is written as long as they live.
pub(super) struct Fields {
    fields: Vec<(String, Secret)>,
    masked: Masked,
}

impl Fields {
    /// All of them.
    pub(super) fn all(&self) -> &[(String, Secret)] {
        &self.fields
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, secret)| secret)
    }

    /// All of them, masked by whoever takes them.
    pub(super) fn into_inner(self) -> Vec<(String, Secret)> {
        drop(self.masked);
        self.fields
    }
}

impl Inner {
    /// Masks fields from now on.
    pub(super) fn masked(&self, fields: Vec<(String, Secret)>) -> Fields {
        let secrets: Vec<_> = fields.iter().map(|(_, secret)| secret.clone()).collect();
        let masked = self.ports.masking.mask(&secrets);
        Fields { fields, masked }
    }

    /// Seals fields for a generation of a connection's credential.
    pub(super) async fn seal(
        &self,
        key: &Key,
        generation: u64,
        fields: &Fields,
    ) -> Result<Vec<Sealed>, Error> {
        let placed = fields.fields.iter().map(|(name, secret)| {
            (place(&key.tenant, &key.connection, name, generation), secret.clone())
        });
        let placed: Vec<_> = placed.collect();
        if placed.is_empty() {
            return Ok(Vec::new());
        }
        self.ports.vault.seal(placed).await.map_err(error::vault)
    }

    /// Seals one secret.
    pub(super) async fn seal_one(&self, place: Place, secret: Secret) -> Result<Sealed, Error> {
        let mut sealed =
            self.ports.vault.seal(vec![(place, secret)]).await.map_err(error::vault)?;
        sealed.pop().ok_or_else(missing)
    }

    /// Opens fields of a generation of a connection's credential, and none of anything else.
    pub(super) async fn open(
        &self,
        key: &Key,
        generation: u64,
        sealed: Vec<Sealed>,
    ) -> Result<Fields, Error> {
        let mut names = Vec::with_capacity(sealed.len());
        for Sealed { place: found, .. } in &sealed {
            let due = place(&key.tenant, &key.connection, &found.field, generation);
            if *found != due {
                return Err(misplaced(found, &due));
            }
            names.push(found.field.clone());
        }
        if sealed.is_empty() {
            return Ok(self.masked(Vec::new()));
        }
        let secrets = self.ports.vault.open(sealed).await.map_err(error::vault)?;
        Ok(self.masked(names.into_iter().zip(secrets).collect()))
    }

    /// Opens one secret, which must belong there.
    pub(super) async fn open_one(&self, place: &Place, sealed: Sealed) -> Result<Secret, Error> {
        if sealed.place != *place {
            return Err(misplaced(&sealed.place, place));
        }
        let mut opened = self.ports.vault.open(vec![sealed]).await.map_err(error::vault)?;
        opened.pop().ok_or_else(missing)
    }
}

fn misplaced(found: &Place, due: &Place) -> Error {
    let message = format!(
        "where {due} of generation {} should be, there is {found} of generation {}: it was moved or \
         put back from earlier, and is not opened; enter or authorise it again",
        due.generation, found.generation
    );
    Error::new(ErrorKind::Other, "credential.sealed", message)
}

/// A vault that does not keep to what it promises.
fn missing() -> Error {
    Error::new(ErrorKind::Other, "credential.sealed", "the vault has given nothing back")
}
