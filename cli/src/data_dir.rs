//! `--data-dir`, a flag of several commands.

use std::path::PathBuf;

/// The setting that `--data-dir` stands for.
///
/// # Errors
///
/// The path is not UTF-8.
pub(crate) fn setting(flag: Option<PathBuf>) -> Result<Option<(String, String)>, String> {
    let flag = flag.map(|dir| dir.into_os_string().into_string()).transpose();
    let flag = flag.map_err(|_| "--data-dir: must be UTF-8")?;
    Ok(flag.map(|dir| ("store.data_dir".to_owned(), dir)))
}
