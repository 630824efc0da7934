//! The smallest adapter: it says what it is, and traps at everything else.

use std::fmt::Write as _;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the texts of the descriptor begin; before them lies the record itself.
const TEXTS: usize = 64;

/// A component whose `describe` answers this.
pub(crate) fn component(id: &str, version: &str, entities: &[&str]) -> Vec<u8> {
    let mut module = wat::parse_str(module(id, version, entities)).unwrap();
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (contract, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[contract], Some("adapter-base")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

fn module(id: &str, version: &str, entities: &[&str]) -> String {
    // The list of entities lies behind all texts, 8 bytes each: where and how long.
    let mut texts = format!("{id}{version}");
    let mut list = Vec::new();
    for entity in entities {
        list.extend([TEXTS + texts.len(), entity.len()]);
        texts.push_str(entity);
    }
    let behind = (TEXTS + texts.len()).next_multiple_of(4);
    let record = [TEXTS, id.len(), TEXTS + id.len(), version.len(), behind, entities.len(), 0, 0];
    format!(
        r#"(module
  (memory (export "memory") 1)
  (data (i32.const 0) "{record}")
  (data (i32.const {TEXTS}) "{texts}")
  (data (i32.const {behind}) "{list}")
  (func (export "plughouse:adapter/adapter@0.1.0#describe") (result i32) (i32.const 0))
  (func (export "plughouse:adapter/adapter@0.1.0#check") (result i32) unreachable)
  (func (export "plughouse:adapter/adapter@0.1.0#discover")
    (param i32 i32 i32 i32 i32 i32) (result i32) unreachable)
  (func (export "plughouse:adapter/adapter@0.1.0#pull")
    (param i32 i32 i32 i32 i32 i32 i64 i64 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
  (func (export "plughouse:adapter/adapter@0.1.0#push")
    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#,
        record = words(&record),
        list = words(&list),
    )
}

/// Little-endian words of 32 bits, as the text format writes bytes.
fn words(numbers: &[usize]) -> String {
    let mut text = String::new();
    for byte in numbers.iter().flat_map(|&n| u32::try_from(n).unwrap().to_le_bytes()) {
        write!(text, "\\{byte:02x}").unwrap();
    }
    text
}
