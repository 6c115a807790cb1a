//! AuditService.
