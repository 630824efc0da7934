//! Plugins: the installed packages, and those that wait for approval.

mod change;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use engine::install::InstallError;
use model::catalogue::{Catalogue, Installed, PendingPackage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Tag, Tagged};
use crate::auth::Operator;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::ports::Installer;
use crate::problem::Problem;
use view::{PluginRow, PluginView};

/// What packages need.
#[derive(Clone)]
pub(crate) struct Ports {
    catalogue: Arc<dyn Catalogue>,
    installer: Arc<dyn Installer>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { catalogue: ports.store.clone(), installer: ports.installer.clone() }
    }

    /// A package that is installed, waits for approval, or both.
    async fn find(&self, name: &str) -> Result<Tagged<PluginView>, Problem> {
        let installed = self.catalogue.package(name).await?;
        let pending = self.waiting(name).await?;
        if installed.is_none() && pending.is_none() {
            return Err(Problem::not_found());
        }
        let mut view = PluginView::new(name);
        if let Some(installed) = installed {
            let standing = self.installer.standing(&installed).await;
            view.install(installed, standing.map_err(told))?;
        }
        if let Some(pending) = pending {
            let plan = self.installer.review(&pending).await;
            view.wait(pending, plan.map_err(told))?;
        }
        Ok(Tagged(Tag::content(&view), view))
    }

    async fn waiting(&self, name: &str) -> Result<Option<PendingPackage>, Problem> {
        let mut waiting = self.catalogue.pending().await?.into_iter();
        Ok(waiting.find(|pending| pending.name == name))
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).merge(change::routes())
}

/// Which packages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists plugins
///
/// Those that are installed, and those that wait for approval.
#[utoipa::path(get, path = "/api/plugins", tag = "plugins",
    security(("api_key" = ["operator"])), params(Listing),
    responses((status = 200, body = Page<PluginRow>)))]
async fn list(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<PluginRow>>, Problem> {
    let mut rows = BTreeMap::<String, PluginRow>::new();
    for Installed { name, version, digest, at, disabled, .. } in ports.catalogue.packages().await? {
        let row = PluginRow::new(&name).installed((version, digest, at), disabled);
        rows.insert(name, row);
    }
    for PendingPackage { name, version, digest, at, .. } in ports.catalogue.pending().await? {
        let row = rows.remove(&name).unwrap_or_else(|| PluginRow::new(&name));
        rows.insert(name, row.waiting((version, digest, at)));
    }
    let rows = rows.into_values().collect();
    Page::of(rows, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows a plugin
///
/// With what was granted to it, whose signatures count for it today, and, where another version
/// waits for approval, what that one asks for beyond it.
#[utoipa::path(get, path = "/api/plugins/{publisher}/{id}", tag = "plugins",
    security(("api_key" = ["operator"])),
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 200, body = PluginView)))]
async fn show(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
) -> Result<Tagged<PluginView>, Problem> {
    ports.find(&format!("{publisher}/{id}")).await
}

/// Why a package does not pass, to be shown; or that nobody could look.
fn told(error: InstallError) -> Result<String, Problem> {
    match error {
        InstallError::Store(_) | InstallError::Trust(_) | InstallError::Unreadable(_) => {
            Err(problem(error))
        }
        refused => Ok(refused.to_string()),
    }
}

fn problem(error: InstallError) -> Problem {
    match error {
        InstallError::Store(error) => error.into(),
        error => Problem::of_host(error.into()),
    }
}
