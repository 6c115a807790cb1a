import { ActionIcon, Button, NativeSelect, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { Panel } from "~/components/page";
import type { ServerForm } from "~/components/server-form";
import { useSession } from "~/session/session";
import classes from "./form.module.css";

export type ResourceServerValues = {
  identifier: string;
  displayName: string;
  description: string;
  team: string;
  scopes: { name: string; description: string; key: string }[];
};

let keys = 0;

/** A row of the scope editor; its key follows it when rows above it go. */
export function scopeRow(name = "", description = "") {
  keys += 1;
  return { name, description, key: `scope-${keys}` };
}

/** The fields of a resource server, for creating and for editing one. */
export function ResourceServerForm({
  server,
  isNew,
  submitLabel,
  cancel,
  reload,
  children,
}: {
  server: ServerForm<ResourceServerValues>;
  isNew: boolean;
  submitLabel: string;
  cancel: ReactNode;
  reload?: () => void;
  /** What stands between the scopes and the buttons. */
  children?: ReactNode;
}) {
  const { form } = server;
  const { scopes, identifier } = form.getValues();
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
            label="Identifier"
            description={
              isNew
                ? "Prefix of the scopes, such as lj-health-food or https://orders.example.com. An identifier can never be changed."
                : "An identifier can never be changed"
            }
            withAsterisk={isNew}
            disabled={!isNew}
            spellCheck={false}
            autoCapitalize="off"
            classNames={{ input: classes.mono ?? "" }}
            {...server.field("identifier")}
          />
          <Textarea
            label="Description"
            description="What the API is for, in a few sentences. People who look for an API read this in the catalogue."
            autosize
            minRows={2}
            {...server.field("description")}
          />
          <TeamField server={server} what="Its members decide who gets the scopes" />
        </Stack>
      </Panel>
      <Panel
        title="Scopes"
        hint="Each is a permission that can be granted on its own: keep them small"
        actions={
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            disabled={scopes.length >= 100}
            onClick={() => form.insertListItem("scopes", scopeRow())}
          >
            Add a scope
          </Button>
        }
      >
        {scopes.length === 0 ? (
          <Text size="sm" c="dimmed">
            No scopes yet. Without one, nobody can be given access.
          </Text>
        ) : (
          <>
            {/* Each field says its name itself. */}
            <div className={classes.heads} aria-hidden="true">
              <span>Name</span>
              <span>What a client may do with it</span>
            </div>
            <ol className={classes.scopes}>
              {scopes.map((scope, index) => (
                <li key={scope.key} className={classes.scope}>
                  <TextInput
                    aria-label={`Name of scope ${index + 1}`}
                    placeholder="place-order"
                    spellCheck={false}
                    autoCapitalize="off"
                    classNames={{ input: classes.mono ?? "" }}
                    {...server.field(`scopes.${index}.name`)}
                  />
                  <TextInput
                    aria-label={`Description of scope ${index + 1}`}
                    placeholder="Place an order"
                    {...server.field(`scopes.${index}.description`)}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="lg"
                    aria-label={`Remove scope ${scope.name === "" ? index + 1 : scope.name}`}
                    onClick={() => form.removeListItem("scopes", index)}
                  >
                    <IconTrash size={17} />
                  </ActionIcon>
                </li>
              ))}
            </ol>
          </>
        )}
        {scopes.some((scope) => scope.name !== "") && (
          <Text size="sm" c="dimmed" mt="sm">
            Clients ask for{" "}
            <code>{`${identifier || "identifier"}/${scopes.find((scope) => scope.name !== "")?.name}`}</code>
          </Text>
        )}
      </Panel>
      {children}
    </PageForm>
  );
}

/** The owning team: one of those the user may act for. */
export function TeamField<Values extends { team: string } & Record<string, unknown>>({
  server,
  what,
}: {
  server: ServerForm<Values>;
  what: string;
}) {
  const session = useSession();
  const current = server.form.getValues().team;
  const teams = [...new Set([...session.actingTeams.map((team) => team.team), current])].filter(
    (team) => team !== "",
  );
  return (
    <NativeSelect
      label="Owning team"
      description={what}
      withAsterisk
      disabled={teams.length < 2 && current !== ""}
      data={[
        ...(current === "" ? [{ value: "", label: "Choose a team" }] : []),
        ...teams.map((team) => ({ value: team, label: session.teamName(team) })),
      ]}
      {...server.field("team")}
    />
  );
}
