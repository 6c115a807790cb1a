//! Whether others than the owner get at the file. A file that was made elsewhere, copied or restored keeps the mode that
//! it was given there, and so does a folder that was there before.

use std::path::Path;

use crate::open::OpenError;

/// Looks at the database, what lies beside it, and their folder.
///
/// Files that group or others may read or write are refused, not mended: whoever read them has the keys, and somebody
/// should know. So is a folder in which others may put another file in their place. One that others may only look into
/// shows names and sizes; it is warned of.
#[cfg(unix)]
pub(crate) fn check(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o077;
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;

    let mode = |path: &Path| {
        let found = std::fs::metadata(path).map(|found| found.permissions().mode() & 0o7777);
        match found {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(0),
            found => found.map_err(|source| OpenError::io("look at the mode of", path, source)),
        }
    };
    for beside in ["", "-wal", "-shm", ".lock"] {
        let mut file = path.as_os_str().to_owned();
        file.push(beside);
        let file = Path::new(&file);
        let mode = mode(file)?;
        if mode & OTHERS != 0 {
            let cure = "it holds the keys that sign tokens. Take the rights away (chmod 600), and \
                        make new keys and secrets if somebody may have read it";
            return Err(OpenError::Exposed { path: file.to_owned(), mode, cure });
        }
    }
    let Some(folder) = path.parent() else { return Ok(()) };
    let mode = mode(folder)?;
    // In a sticky folder nobody replaces the files of others.
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        let cure = "somebody else could replace the database. Take the rights away (chmod 700), or \
                    use a folder of its own in it, which is made as it should be";
        return Err(OpenError::Exposed { path: folder.to_owned(), mode, cure });
    }
    if mode & OTHERS != 0 {
        tracing::warn!(
            folder = %folder.display(),
            mode = format!("{mode:04o}"),
            "store.folder_open_to_others"
        );
    }
    Ok(())
}

/// Elsewhere rights are not modes.
#[cfg(not(unix))]
pub(crate) fn check(_path: &Path) -> Result<(), OpenError> {
    Ok(())
}
