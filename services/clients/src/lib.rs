//! ClientService and GrantService.
