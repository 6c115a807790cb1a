//! ResourceServerService.
