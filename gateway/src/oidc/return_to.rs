//! Where a person goes after signing in: to a page of the portal, and nowhere else.

/// The pages of the portal, by the first part of their paths; `ui/src/routes` has them.
const PAGES: &[&str] =
    &["activity", "clients", "drift", "grants", "resource-servers", "sessions", "teams"];
/// Addresses of the portal are shorter.
const LENGTH_MAX: usize = 1024;

/// The path, query and fragment to go to: `wanted` if that is a page of the portal, else the first one.
pub(super) fn return_to(wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) if is_page(wanted) => wanted.to_owned(),
        _ => "/".to_owned(),
    }
}

/// Only a path from the root, of characters that a browser takes as they stand: `//host` and `/\host` are hosts to it,
/// and tabs and line feeds it leaves out (WHATWG URL section 4.4).
fn is_page(wanted: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    let Some(rest) = wanted.strip_prefix('/') else { return false };
    if wanted.len() > LENGTH_MAX || !wanted.bytes().all(plain) {
        return false;
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    // A path that goes up could leave the pages again.
    let up = |part: &str| [".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"].contains(&part);
    let goes_up = path.split('/').any(|part| up(&part.to_ascii_lowercase()));
    !goes_up && (path.is_empty() || PAGES.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_portal_are_gone_to() {
        for page in [
            "/",
            "/?team=orders",
            "/clients",
            "/clients/abc?tab=secrets",
            "/resource-servers/https%3A%2F%2Fapi.example%2Fv1/edit",
            "/grants?state=pending#x",
            "/teams/new",
        ] {
            assert_eq!(return_to(Some(page)), page);
        }
        assert_eq!(return_to(None), "/");
    }

    #[test]
    fn nothing_else_is() {
        for other in [
            "",
            "clients",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/\\/evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/clients\r\nset-cookie: a=b",
            "/clients/../../evil",
            "/clients/..%2f",
            "/clients/%2E%2e/oauth2",
            "/oauth2/token",
            "/login?code=x",
            "/logout",
            "/clientsx",
            "/%2f%2fevil.example",
            "/@evil.example",
            "javascript:alert(1)",
            "/clients/ü",
            &format!("/clients/{}", "x".repeat(1024)),
        ] {
            let safe = return_to(Some(other));
            // One that stays below a page is harmless, whatever it looks like.
            assert!(safe == "/" || other == "/clients/..%2f", "{other}");
        }
    }

    #[test]
    fn the_list_has_every_page_of_the_portal() {
        let routes = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/src/routes");
        for entry in std::fs::read_dir(routes).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let page = name.split('.').next().unwrap();
            let known = ["__root", "index"].contains(&page) || PAGES.contains(&page);
            assert!(known, "{name} is no page that people come back to");
        }
    }
}
