//! `plughouse adapter build`: cargo, then the component encoder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use package::manifest::Profile;
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::pack::read_manifest;

use crate::Global;
use crate::exit::Exit;

/// The guest's stack: the linker's default of 1 MiB would make every instance start with 17 pages.
const STACK_BYTES: u32 = 256 << 10;

/// Where the results of `build` and `pack` go, within the adapter's folder.
pub(crate) const DIST: &str = "dist";

/// The component's name there, and in the package.
pub(crate) const COMPONENT: &str = "adapter.wasm";

/// Which adapter.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
}

/// What was built.
#[derive(Debug, Serialize)]
struct Built {
    component: PathBuf,
    bytes: u64,
}

/// Builds and says where the result is.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let component = build(&args.folder.find(&global.output())?)?;
    let bytes = component.metadata()?.len();
    let text = format!("built {} ({} KiB)", component.display(), bytes.div_ceil(1024));
    global.output().result(&Built { component, bytes }, text)?;
    Ok(Exit::Done)
}

/// Builds the adapter in `dir`; the path of its component.
pub(crate) fn build(dir: &Path) -> Result<PathBuf> {
    let profile = read_manifest(dir)?.adapter.profile;
    let module = compile(dir, &Crate::of(dir)?, target(profile))?;
    let bytes =
        std::fs::read(&module).with_context(|| format!("read module {}", module.display()))?;
    let component = match profile {
        Profile::Bare => componentise(&bytes).with_context(|| {
            let module = module.display();
            format!("make a component of {module}: does it call `plughouse_sdk::adapter!`?")
        })?,
        // The linker of that target has made one already.
        Profile::Wasi => bytes,
    };
    let dist = dir.join(DIST);
    std::fs::create_dir_all(&dist).with_context(|| format!("create {}", dist.display()))?;
    let path = dist.join(COMPONENT);
    // Whoever builds it at the same time, or takes it from there, has one or the other whole.
    let part = dist.join(format!(".{COMPONENT}-{}", std::process::id()));
    std::fs::write(&part, component).with_context(|| format!("write {}", part.display()))?;
    std::fs::rename(&part, &path).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

fn target(profile: Profile) -> &'static str {
    match profile {
        Profile::Bare => "wasm32-unknown-unknown",
        Profile::Wasi => "wasm32-wasip2",
    }
}

fn componentise(module: &[u8]) -> Result<Vec<u8>> {
    wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()
}

/// What cargo says of the crate.
struct Crate {
    name: String,
    target_dir: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl Crate {
    fn of(dir: &Path) -> Result<Self> {
        let manifest = dir
            .join("Cargo.toml")
            .canonicalize()
            .with_context(|| format!("{} is not an adapter's folder", dir.display()))?;
        let output = Command::new("cargo")
            .args(["metadata", "--format-version=1", "--no-deps", "--manifest-path"])
            .arg(&manifest)
            .output()
            .context("run cargo: is Rust installed?")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        let package = metadata
            .packages
            .into_iter()
            .find(|p| p.manifest_path == manifest)
            .with_context(|| format!("{} holds no package", manifest.display()))?;
        Ok(Self { name: package.name, target_dir: metadata.target_directory })
    }
}

/// Compiles for speed: measured, `opt-level = "s"` saves a fifth of the bytes and costs 1.4 times
/// the CPU. The profile is set here so that every adapter is built alike.
fn compile(dir: &Path, krate: &Crate, target: &str) -> Result<PathBuf> {
    let variable = target.to_ascii_uppercase().replace('-', "_");
    let status = Command::new("cargo")
        .current_dir(dir)
        .args(["build", "--release", "--lib", "--quiet", "--target", target])
        .arg("--target-dir")
        .arg(&krate.target_dir)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env(
            format!("CARGO_TARGET_{variable}_RUSTFLAGS"),
            format!("-Clink-arg=-zstack-size={STACK_BYTES}"),
        )
        .status()
        .context("run cargo: is Rust installed?")?;
    if !status.success() {
        bail!(
            "the adapter does not compile for {target}; if the target is missing, run \
             `rustup target add {target}`"
        );
    }
    let file = format!("{}.wasm", krate.name.replace('-', "_"));
    Ok(krate.target_dir.join(target).join("release").join(file))
}
