import { Stack, Textarea, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { Panel } from "~/components/page";
import type { ServerForm } from "~/components/server-form";

export type TeamValues = {
  team: string;
  displayName: string;
  contact: string;
  /** One a line. */
  directoryGroups: string;
  /** One a line. */
  appRoles: string;
};

/** The lines that say something. */
export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The team of the contract that a form describes. */
export function teamOf(values: TeamValues) {
  return {
    team: values.team,
    displayName: values.displayName,
    contact: values.contact,
    directoryGroups: lines(values.directoryGroups),
    appRoles: lines(values.appRoles),
  };
}

/** The fields of a team, for making and for editing one. */
export function TeamForm({
  server,
  isNew,
  submitLabel,
  cancel,
  reload,
}: {
  server: ServerForm<TeamValues>;
  isNew: boolean;
  submitLabel: string;
  cancel: ReactNode;
  reload?: () => void;
}) {
  return (
    <PageForm
      onSubmit={server.submit}
      error={server.error}
      busy={server.busy}
      submitLabel={submitLabel}
      cancel={cancel}
      {...(reload === undefined ? {} : { reload })}
    >
      <LeaveGuard when={server.isDirty} />
      <Panel title="What it is">
        <Stack>
          <TextInput
            label="Display name"
            description="What people call it"
            withAsterisk
            {...server.field("displayName")}
          />
          <TextInput
            label="Key"
            description={
              isNew
                ? "Lower-case letters, digits and hyphens, such as orders. A key can never be changed."
                : "A key can never be changed"
            }
            withAsterisk={isNew}
            disabled={!isNew}
            spellCheck={false}
            autoCapitalize="off"
            {...server.field("team")}
          />
          <TextInput
            label="Contact"
            description="Where to reach the team, such as an address or a channel. Everyone signed in sees it."
            {...server.field("contact")}
          />
        </Stack>
      </Panel>
      <Panel
        title="Who its members are"
        hint="Whoever has one of these is a member. A change takes effect within seconds for those who are signed in."
      >
        <Stack>
          <Textarea
            label="App roles"
            description="Values of the claim roles, one a line. The directory always tells them, so prefer them to groups."
            autosize
            minRows={2}
            spellCheck={false}
            {...server.field("appRoles")}
          />
          <Textarea
            label="Directory groups"
            description="Object ids of groups, one a line; of another directory than Entra ID, what its claim groups says."
            autosize
            minRows={2}
            spellCheck={false}
            {...server.field("directoryGroups")}
          />
        </Stack>
      </Panel>
    </PageForm>
  );
}
