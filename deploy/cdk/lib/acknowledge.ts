import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Context under which nothing is acknowledged: by it a test sees that every acknowledgement is needed. */
export const unacknowledged = "turnpike:unacknowledged";

/** Says why a rule of cdk-nag does not hold for a construct. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  if (construct.node.tryGetContext(unacknowledged) === true) return;
  Validations.of(construct).acknowledge({ id: rule, reason });
}
