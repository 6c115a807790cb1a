import { Breadcrumbs, Group, Text, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { PageActions } from "~/shell/page-actions";
import { usePageTitle } from "./announcer";
import { TextLink } from "./links";
import classes from "./page.module.css";

/** A page above another one. */
export interface Parent {
  readonly label: string;
  readonly link: { to: string; params?: object; search?: object };
}

/** The head of a page: its h1 takes the focus and is announced when the page is opened. */
export function PageHeader({
  title,
  badge,
  subtitle,
  actions,
  parents = [],
}: {
  title: string;
  badge?: ReactNode;
  subtitle?: ReactNode;
  actions?: ReactNode;
  /** The pages above this one, outermost first. */
  parents?: readonly Parent[];
}) {
  const heading = usePageTitle(title);
  const navigate = useNavigate();
  return (
    <header className={classes.header}>
      <PageActions
        actions={parents.map(({ label, link }) => ({
          label: `Go up to ${label}`,
          keywords: "back parent",
          run: () => void navigate(link),
        }))}
      />
      {parents.length > 0 && (
        <nav aria-label="Breadcrumb">
          <Breadcrumbs separator="/" className={classes.crumbs}>
            {parents.map(({ label, link }) => (
              <TextLink key={link.to} {...link}>
                {label}
              </TextLink>
            ))}
          </Breadcrumbs>
        </nav>
      )}
      <div className={classes.bar}>
        <div className={classes.titles}>
          <Group gap="sm" align="center">
            <Title order={1} size="h2" ref={heading} tabIndex={-1} className={classes.title}>
              {title}
            </Title>
            {badge}
          </Group>
          {subtitle !== undefined && (
            <Text component="div" c="dimmed" className={classes.subtitle}>
              {subtitle}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </div>
    </header>
  );
}

/** A titled block of a page. */
export function Panel({
  title,
  hint,
  actions,
  children,
  tone,
  flush = false,
}: {
  title?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  tone?: "danger" | "attention";
  /** Lets a table reach the edges. */
  flush?: boolean;
}) {
  return (
    <section className={classes.panel} data-tone={tone} data-flush={flush || undefined}>
      {title !== undefined && (
        <div className={classes.panelHead}>
          <div>
            <Title order={2} size="h5">
              {title}
            </Title>
            {hint !== undefined && (
              <Text size="sm" c="dimmed" component="div">
                {hint}
              </Text>
            )}
          </div>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </div>
      )}
      <div className={classes.panelBody}>{children}</div>
    </section>
  );
}

/** Says that there is nothing here, why, and what to do next. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      {icon !== undefined && <div className={classes.emptyIcon}>{icon}</div>}
      <Text fw={650}>{title}</Text>
      <Text size="sm" c="dimmed" maw="44ch" ta="center" component="div">
        {children}
      </Text>
      {action !== undefined && <Group mt="sm">{action}</Group>}
    </div>
  );
}

/** Name and value pairs. */
export function Facts({ children }: { children: ReactNode }) {
  return (
    <div className={classes.facts}>
      <dl className={classes.factGrid}>{children}</dl>
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
