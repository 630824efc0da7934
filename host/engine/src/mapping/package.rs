//! The schemas that a package brings.

use mapping::{Schema, Types};
use package::Verified;
use package::manifest::Entity;

use super::{Mapping, MappingError, Origin};

/// Refuses a package one of whose schemas does not compile, or is not of its entity.
pub fn check_package(package: &Verified) -> Result<(), MappingError> {
    let types = Types::built_in();
    let mut entities = package.manifest().entities.keys();
    entities.try_for_each(|entity| own(package, &types, entity).map(drop))
}

/// The schema that a package brings for an entity, if it does.
pub(super) fn own(
    package: &Verified,
    types: &Types,
    name: &str,
) -> Result<Option<Mapping>, MappingError> {
    let entity = package.manifest().entities.get(name);
    let Some((entity, path)) = entity.and_then(|e| Some((e, e.mapping.as_ref()?))) else {
        return Ok(None);
    };
    one(package, types, (name, entity), path).map(Some)
}

fn one(
    package: &Verified,
    types: &Types,
    (name, entity): (&str, &Entity),
    path: &str,
) -> Result<Mapping, MappingError> {
    let refuse = |why: String| MappingError::Unsuitable(format!("{path}: {why}"));
    let file = package.bundle().members().get(path);
    let file = file.ok_or_else(|| refuse(format!("entity `{name}` names it; add the file")))?;
    let text = std::str::from_utf8(file)
        .map_err(|error| refuse(format!("it is not UTF-8 ({error}); save it as UTF-8")))?;
    let schema = Schema::parse(text).map_err(|found| MappingError::refused(path, found))?;
    if schema.entity() != name {
        let theirs = schema.entity();
        let why = format!("it maps entity `{theirs}`, and the manifest names it for `{name}`");
        return Err(refuse(why));
    }
    if entity.record_type.as_ref().is_some_and(|ours| ours != schema.record_type()) {
        let (theirs, ours) = (schema.record_type(), entity.record_type.as_deref());
        let ours = ours.unwrap_or_default();
        let why = format!("it maps to `{theirs}`; the manifest says `{ours}` for entity `{name}`");
        return Err(refuse(why));
    }
    let origin = Origin::Package(format!("{} {}", package.name(), package.version()));
    Mapping::new(text, origin, types).map_err(|error| match error {
        MappingError::Refused { diagnostics, .. } => MappingError::refused(path, diagnostics),
        other => other,
    })
}
