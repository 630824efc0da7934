//! Conversion schemas against hand-written Rust that does the same.
//!
//! `cargo bench -p e2e --bench mapping` — one process, one thread, CPU time; rounds of both kinds
//! alternate, and both have the same output for every record of the corpus.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::hint::black_box;
use std::time::Duration;

use mapping::{
    NoReferences, Program, Reading, RecordType, Schema, Scratch, Source, Types, compile,
};
use serde_json::{Value as Json, json};

#[path = "mapping/corpus.rs"]
mod corpus;
#[path = "mapping/native.rs"]
mod native;

const RECORDS: usize = 1_000;
/// Passes over the corpus in a round.
const PASSES: u32 = 20;
const ROUNDS: usize = 15;

fn main() {
    let corpus = corpus::records(RECORDS);
    let bytes = corpus.iter().map(Vec::len).sum::<usize>() / RECORDS;
    println!("records of {bytes} bytes, as HubSpot sends them");
    let plain = program(&corpus::plain_fields());
    compare("20 fields without operations", &corpus, &plain, native::plain);
    let fields = corpus::tidy_fields();
    let ops = fields.iter().map(|field| field["ops"].as_array().map_or(0, Vec::len)).sum::<usize>();
    compare(&format!("20 fields with {ops} operations"), &corpus, &program(&fields), native::tidy);
    compiling();
}

fn types(fields: &[Json]) -> Types {
    let kind = |field: &Json| json!({"name": field["to"], "kind": corpus::kind(&field["to"])});
    let record_type = json!({
        "name": "x_contact",
        "fields": fields.iter().map(kind).collect::<Vec<_>>(),
    });
    Types::built_in().with([RecordType::parse(&record_type.to_string()).unwrap()]).unwrap()
}

fn schema(fields: &[Json]) -> String {
    let schema = json!({
        "format": 1, "name": "bench", "entity": "contact", "type": "x_contact", "fields": fields,
    });
    schema.to_string()
}

fn program(fields: &[Json]) -> Program {
    let schema = Schema::parse(&schema(fields)).unwrap();
    compile(&schema, &types(fields), &Source::default()).unwrap().program
}

fn compare(what: &str, corpus: &[Vec<u8>], program: &Program, native: fn(&[u8]) -> Vec<u8>) {
    let mut scratch = Scratch::default();
    for record in corpus {
        let Reading::Mapped { doc, issues, .. } = program.read(record, &mut scratch, &NoReferences)
        else {
            panic!("a record of the corpus is rejected")
        };
        assert_eq!(issues, []);
        let ours: Json = serde_json::from_slice(doc).unwrap();
        let theirs: Json = serde_json::from_slice(&native(record)).unwrap();
        assert_eq!(ours, theirs);
    }
    let (mut mapped, mut written) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        mapped.push(round(corpus, |record| {
            match program.read(record, &mut scratch, &NoReferences) {
                Reading::Mapped { doc, .. } => doc.len(),
                Reading::Rejected { .. } => 0,
            }
        }));
        written.push(round(corpus, |record| native(record).len()));
    }
    let (mapped, written) = (median(mapped), median(written));
    let ratio = written.as_secs_f64() / mapped.as_secs_f64();
    println!(
        "{what}: {ratio:.2} x the records/s of hand-written Rust ({mapped:?} to {written:?} a record)"
    );
}

/// The CPU time of one record.
fn round(corpus: &[Vec<u8>], mut map: impl FnMut(&[u8]) -> usize) -> Duration {
    let start = cpu();
    for _ in 0..PASSES {
        for record in corpus {
            black_box(map(black_box(record)));
        }
    }
    cpu().saturating_sub(start) / PASSES / u32::try_from(corpus.len()).unwrap()
}

/// What this thread has spent.
fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// From text to program, for five times the fields above.
fn compiling() {
    let tidy = corpus::tidy_fields();
    let fields: Vec<Json> = (0..100)
        .map(|i| {
            let mut field = tidy[i % tidy.len()].clone();
            let kind = field["to"].as_str().unwrap().to_owned();
            field["to"] = json!(format!("{kind}_{i}"));
            field["direction"] = json!("in");
            field
        })
        .collect();
    let (types, text) = (types(&fields), schema(&fields));
    let times = (0..ROUNDS).map(|_| {
        let start = cpu();
        let schema = Schema::parse(&text).unwrap();
        black_box(compile(&schema, &types, &Source::default()).unwrap());
        cpu().saturating_sub(start)
    });
    let time = median(times.collect());
    println!("a schema of 100 fields is read and compiled in {time:?}");
}
