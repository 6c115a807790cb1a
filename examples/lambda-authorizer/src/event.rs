//! What API Gateway asks, and the answers that it understands.
//!
//! [Payload 1.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html) is
//! that of REST APIs, and of HTTP APIs that are set to it;
//! [payload 2.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html) of HTTP APIs.

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy as Policy,
    ApiGatewayCustomAuthorizerRequestTypeRequest as RequestV1,
    ApiGatewayCustomAuthorizerResponse as ResponseV1,
    ApiGatewayV2CustomAuthorizerIamPolicyResponse as PolicyV2,
    ApiGatewayV2CustomAuthorizerSimpleResponse as SimpleV2,
    ApiGatewayV2CustomAuthorizerV2Request as RequestV2,
};
use aws_lambda_events::iam::{IamPolicyEffect, IamPolicyStatement};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::{Value, json};
use turnpike_sdk::{Answer, Refusal, Verified};

use crate::authorizer::Decision;

/// A request that waits for a decision.
pub(crate) struct Question {
    /// Every `Authorization` header of it.
    pub(crate) authorization: Vec<HeaderValue>,
    /// Method and path of the route that it matched, as in `POST /orders`.
    pub(crate) route: String,
    payload: Payload,
    /// The request, for a policy to name.
    resource: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    V1,
    V2,
}

/// How an HTTP API is set to be answered to payload 2.0; the event does not say.
#[derive(Clone, Copy)]
pub(crate) enum Answers {
    Policy,
    /// `EnableSimpleResponses`.
    Simple,
}

/// An answer.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    PolicyV2(PolicyV2),
    SimpleV2(SimpleV2),
    V1(ResponseV1),
}

/// Why there is no answer. The gateway lets nobody in then.
#[derive(Debug)]
pub(crate) enum Trouble {
    CannotTell(Refusal),
    NoRequest(String),
    /// Said in the gateway's own word, it answers 401 to payload 1.0, not 500.
    Unauthorized,
}

impl Question {
    pub(crate) fn read(event: Value) -> Result<Self, Trouble> {
        let no_request = |e: serde_json::Error| Trouble::NoRequest(e.to_string());
        let missing = |name: &str| Trouble::NoRequest(format!("{name} is missing"));
        if event["version"] == "2.0" {
            let request: RequestV2 = serde_json::from_value(event).map_err(no_request)?;
            return Ok(Self {
                authorization: request.headers.get_all(AUTHORIZATION).iter().cloned().collect(),
                route: request.route_key.ok_or_else(|| missing("routeKey"))?,
                payload: Payload::V2,
                resource: request.route_arn.ok_or_else(|| missing("routeArn"))?,
            });
        }
        let request: RequestV1 = serde_json::from_value(event).map_err(no_request)?;
        let method = request.http_method.ok_or_else(|| missing("httpMethod"))?;
        let path = request.resource.ok_or_else(|| missing("resource"))?;
        // A REST API tells of a header that is sent twice only here.
        let all = &request.multi_value_headers;
        let headers = if all.contains_key(AUTHORIZATION) { all } else { &request.headers };
        Ok(Self {
            authorization: headers.get_all(AUTHORIZATION).iter().cloned().collect(),
            route: format!("{method} {path}"),
            payload: Payload::V1,
            resource: request.method_arn.ok_or_else(|| missing("methodArn"))?,
        })
    }

    pub(crate) fn reply(self, decision: Decision, answers: Answers) -> Result<Reply, Trouble> {
        let (allowed, caller) = match decision {
            Decision::Allowed(caller) => (true, Some(caller)),
            Decision::NotAllowed(caller, _) => (false, Some(caller)),
            Decision::Refused(refusal) if refusal.answer() == Answer::Unavailable => {
                return Err(Trouble::CannotTell(refusal));
            }
            Decision::Refused(_) if self.payload == Payload::V1 => {
                return Err(Trouble::Unauthorized);
            }
            Decision::Refused(_) => (false, None),
        };
        let context = caller.as_ref().filter(|_| allowed).map_or_else(|| json!({}), context);
        let principal = caller.map(|caller| caller.client_id().to_owned());
        Ok(match (self.payload, answers) {
            (Payload::V1, _) => {
                let mut answer = ResponseV1::default();
                answer.principal_id = principal;
                answer.policy_document = policy(allowed, self.resource);
                answer.context = context;
                Reply::V1(answer)
            }
            (Payload::V2, Answers::Policy) => {
                let mut answer = PolicyV2::default();
                answer.principal_id = principal.or_else(|| Some("nobody".into()));
                answer.policy_document = policy(allowed, self.resource);
                answer.context = context;
                Reply::PolicyV2(answer)
            }
            (Payload::V2, Answers::Simple) => {
                let mut answer = SimpleV2::default();
                answer.is_authorized = allowed;
                answer.context = context;
                Reply::SimpleV2(answer)
            }
        })
    }
}

impl From<Trouble> for Diagnostic {
    fn from(trouble: Trouble) -> Self {
        let (kind, words) = match trouble {
            Trouble::CannotTell(refusal) => ("CannotTell", refusal.reason().to_owned()),
            Trouble::NoRequest(problem) => ("NoRequest", problem),
            Trouble::Unauthorized => ("Unauthorized", "Unauthorized".to_owned()),
        };
        Self { error_type: kind.into(), error_message: words }
    }
}

/// What the API is told of its caller: texts, because a REST API passes nothing else on.
fn context(caller: &Verified) -> Value {
    let scopes: Vec<_> = caller.scopes().collect();
    json!({ "clientId": caller.client_id(), "scope": scopes.join(" ") })
}

/// About this request alone. The gateway keeps a policy for other requests with the same token, if it is set to: a wider
/// one would let a caller from one route into all.
fn policy(allowed: bool, resource: String) -> Policy {
    let mut statement = IamPolicyStatement::default();
    statement.action = vec!["execute-api:Invoke".into()];
    statement.effect = if allowed { IamPolicyEffect::Allow } else { IamPolicyEffect::Deny };
    statement.resource = vec![resource];
    let mut policy = Policy::default();
    policy.version = Some("2012-10-17".into());
    policy.statement = vec![statement];
    policy
}
