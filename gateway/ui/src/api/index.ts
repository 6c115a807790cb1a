/** The one door to the generated code: services, messages and enums of the contract. */
export {
  AuditService,
  type Event,
  type FieldChange,
  type VerifyLogResponse,
} from "./gen/turnpike/v1/audit_pb";
export { ClientService } from "./gen/turnpike/v1/clients_pb";
export { GrantService } from "./gen/turnpike/v1/grants_pb";
export { IntrospectionService, type Verifier } from "./gen/turnpike/v1/introspection_pb";
export {
  DriftKind,
  ReconcileService,
  type AdoptResponse,
  type Drift,
  type DriftField,
  type ListDriftResponse,
  type Pending,
} from "./gen/turnpike/v1/reconcile_pb";
export { ResourceServerService } from "./gen/turnpike/v1/resource_servers_pb";
export {
  ClientState,
  EffectKind,
  GrantState,
  PrincipalKind,
  type Client,
  type Effect,
  type Grant,
  type Impact,
  type NewSecret,
  type Principal,
  type ResourceServer,
  type Scope,
  type Secret,
} from "./gen/turnpike/v1/resources_pb";
export {
  Role,
  SessionService,
  SessionState,
  type Deployment,
  type GetSessionResponse,
  type Session as BrowserSession,
} from "./gen/turnpike/v1/session_pb";
export { TeamService, TeamState, type Team } from "./gen/turnpike/v1/teams_pb";
