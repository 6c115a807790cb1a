import { Button, Code, Text } from "@mantine/core";
import { IconBarrierBlock, IconMapQuestion } from "@tabler/icons-react";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { explain } from "~/api/errors";
import { paths } from "~/lib/paths";
import { ButtonLink } from "./links";
import { Empty, PageHeader, Panel } from "./page";
import { Words } from "./words";

export function ErrorPage({ error, reset }: ErrorComponentProps) {
  return <FaultPage error={error} retry={reset} />;
}

/** A page whose object could not be loaded. */
export function FaultPage({ error, retry }: { error: unknown; retry?: () => void }) {
  const fault = explain(error);
  return (
    <>
      <PageHeader title={fault.title} />
      <Panel>
        <Empty
          icon={<IconBarrierBlock size={24} />}
          title={fault.kind === "absent" ? "Nothing here for you" : fault.title}
          action={
            <>
              {retry !== undefined && fault.kind !== "absent" && (
                <Button onClick={retry}>Try again</Button>
              )}
              <ButtonLink variant="default" {...paths.overview()}>
                Go to the overview
              </ButtonLink>
            </>
          }
        >
          <Text size="sm">
            <Words text={fault.message} />
          </Text>
          {fault.kind === "absent" && (
            <Text size="sm" mt={4}>
              What belongs to a team you are not in looks the same as what does not exist.
            </Text>
          )}
          {fault.requestId !== undefined && (
            <Text size="sm" mt={4}>
              Request id: <Code>{fault.requestId}</Code>
            </Text>
          )}
        </Empty>
      </Panel>
    </>
  );
}

export function NotFoundPage() {
  return (
    <>
      <PageHeader title="No such page" />
      <Panel>
        <Empty
          icon={<IconMapQuestion size={24} />}
          title="This address leads nowhere"
          action={<ButtonLink {...paths.overview()}>Go to the overview</ButtonLink>}
        >
          The address may have been mistyped, or the page was moved.
        </Empty>
      </Panel>
    </>
  );
}
