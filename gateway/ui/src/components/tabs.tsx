import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useSetSearch } from "./list-page";
import classes from "./tabs.module.css";

export interface TabSpec<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly count?: number;
  readonly content: () => ReactNode;
}

/** Tabs whose state is the URL's `tab`; the first is the default. Only the open one is mounted. */
export function UrlTabs<T extends string>({
  label,
  tab,
  tabs,
}: {
  label: string;
  tab: T | undefined;
  tabs: readonly TabSpec<T>[];
}) {
  const setSearch = useSetSearch();
  const first = tabs[0];
  const open = tabs.find((one) => one.value === tab) ?? first;
  if (open === undefined || first === undefined) return null;
  return (
    <Tabs
      value={open.value}
      onChange={(value) =>
        setSearch({ tab: value === null || value === first.value ? undefined : value })
      }
      keepMounted={false}
      classNames={{ list: classes.list ?? "", tab: classes.tab ?? "" }}
    >
      <Tabs.List aria-label={label}>
        {tabs.map((one) => (
          <Tabs.Tab key={one.value} value={one.value}>
            {one.label}
            {one.count !== undefined && <span className={classes.count}>{one.count}</span>}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map((one) => (
        <Tabs.Panel key={one.value} value={one.value} pt="lg">
          {one === open && one.content()}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
