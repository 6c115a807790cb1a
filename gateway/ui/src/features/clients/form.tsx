import { Group, Input, NativeSelect, NumberInput, Stack, Textarea, TextInput } from "@mantine/core";
import { Panel } from "~/components/page";
import type { ServerForm } from "~/components/server-form";
import { TeamField } from "~/features/resource-servers/form";
import { secondsPer, splitDuration, type DurationUnit } from "~/lib/time";

export type ClientValues = {
  displayName: string;
  description: string;
  team: string;
  tokenLifetime: { amount: number | string; unit: DurationUnit };
};

export function lifetimeValue(seconds: number): ClientValues["tokenLifetime"] {
  return splitDuration(seconds);
}

/** Whole seconds; what is not a number counts as none, which the server refuses at the field. */
export function lifetimeSeconds({ amount, unit }: ClientValues["tokenLifetime"]): bigint {
  const number = typeof amount === "number" ? amount : Number.parseInt(amount, 10);
  return Number.isFinite(number) ? BigInt(Math.trunc(number) * secondsPer[unit]) : 0n;
}

export function clientInput(values: ClientValues) {
  return {
    displayName: values.displayName,
    description: values.description,
    team: values.team,
    tokenLifetime: { seconds: lifetimeSeconds(values.tokenLifetime) },
  };
}

/** What a client is, for registering and for editing one. */
export function ClientFields<Values extends ClientValues & Record<string, unknown>>({
  server,
}: {
  server: ServerForm<Values>;
}) {
  const lifetime = server.problem("tokenLifetime") ?? server.problem("tokenLifetime.amount");
  return (
    <Panel title="What it is">
      <Stack>
        <TextInput
          label="Display name"
          description="The system, as its people call it"
          withAsterisk
          {...server.field("displayName")}
        />
        <Textarea
          label="Description"
          description="What the system does, and whom to call about it"
          autosize
          minRows={2}
          {...server.field("description")}
        />
        <TeamField server={server} what="Its members manage the client and the client’s secrets" />
        <Input.Wrapper
          label="Token lifetime"
          labelElement="div"
          description="5 minutes to 1 day. A short one limits what a stolen token can do."
          error={lifetime}
        >
          <Group gap="xs" wrap="nowrap" mt={5}>
            <NumberInput
              aria-label="Token lifetime"
              flex={1}
              min={1}
              allowDecimal={false}
              {...server.field("tokenLifetime.amount")}
              error={lifetime !== undefined && lifetime !== null}
            />
            <NativeSelect
              aria-label="Unit of the token lifetime"
              data={["seconds", "minutes", "hours", "days"]}
              {...server.field("tokenLifetime.unit")}
            />
          </Group>
        </Input.Wrapper>
      </Stack>
    </Panel>
  );
}
