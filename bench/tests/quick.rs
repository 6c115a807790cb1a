//! Everything can be measured: the servers start, answer and end. What comes out is not judged.

use std::process::Command;

use serde_json::Value;

#[test]
fn everything_can_be_measured() {
    let bench = env!("CARGO_BIN_EXE_turnpike-bench");
    let run = Command::new(bench).arg("--quick").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench/quick.json");
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(rows.len() > 10);
    assert_eq!(table.lines().count(), rows.len() + 2);
    for row in rows {
        let numbers = ["floor", "figure", "ratio"].map(|name| row[name].as_f64());
        assert!(numbers.iter().all(|number| number.is_some_and(|n| n > 0.0)), "{row}");
        assert!(table.contains(row["subject"].as_str().unwrap()), "{row}");
    }
}

#[test]
fn a_subject_that_is_none_is_a_failure() {
    let bench = env!("CARGO_BIN_EXE_turnpike-bench");
    let run = Command::new(bench).args(["--only", "unicorns"]).output().unwrap();
    assert!(!run.status.success());
    assert_eq!(
        String::from_utf8(run.stderr).unwrap(),
        "bench: no subject has `unicorns` in its name\n"
    );
}
