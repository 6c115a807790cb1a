//! Code generation: `proto/turnpike/v1/*.proto` to `proto/src/gen`, without `protoc`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// Writes `proto/src/gen` anew, or with `check` compares it with what would be written.
///
/// # Errors
///
/// What could not be read, compiled or written, or which committed file differs.
pub(crate) fn run(check: bool) -> Result<(), String> {
    let committed = root().join("proto/src/gen");
    let fresh = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    write(fresh.path())?;
    for file in ["turnpike.v1.rs", "turnpike.v1.binpb"] {
        let new = read(&fresh.path().join(file))?;
        let path = committed.join(file);
        if !check {
            fs::create_dir_all(&committed).map_err(|e| e.to_string())?;
            fs::write(&path, new).map_err(|e| format!("{}: {e}", path.display()))?;
        } else if read(&path)? != new {
            return Err(format!(
                "proto/src/gen/{file} is not what proto/turnpike says: run `cargo xtask generate`"
            ));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(out: &Path) -> Result<(), String> {
    let proto = root().join("proto");
    let mut files: Vec<PathBuf> = fs::read_dir(proto.join("turnpike/v1"))
        .map_err(|e| e.to_string())?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "proto"))
        .collect();
    files.sort();

    let mut compiler = protox::Compiler::new([&proto]).map_err(|e| e.to_string())?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files).map_err(|e| e.to_string())?;
    let set = compiler.file_descriptor_set();

    tonic_prost_build::configure()
        .build_transport(false)
        // proto/src/lib.rs gives these a `Debug` that shows nothing.
        .skip_debug([
            "turnpike.v1.IntrospectRequest",
            "turnpike.v1.NewSecret",
            "turnpike.v1.RevokeTokenRequest",
        ])
        .out_dir(out)
        .compile_fds(set)
        .map_err(|e| e.to_string())?;

    // Reflection and tests need no comments; without them the set is a third.
    let mut bare = protox::Compiler::new([&proto]).map_err(|e| e.to_string())?;
    bare.include_imports(true).include_source_info(false);
    bare.open_files(&files).map_err(|e| e.to_string())?;
    fs::write(out.join("turnpike.v1.binpb"), bare.encode_file_descriptor_set())
        .map_err(|e| e.to_string())
}
