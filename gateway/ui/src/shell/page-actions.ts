import { useEffect, useRef } from "react";

/** Something that can be done on the page that is open, offered by the palette. */
export interface PageAction {
  readonly label: string;
  /** Other words by which it is found. */
  readonly keywords?: string;
  readonly run: () => void;
}

const offered = new Map<object, readonly PageAction[]>();

/** What the open page offers, in the order of its parts. */
export function pageActions(): readonly PageAction[] {
  return [...offered.values()].flat();
}

/** Offers what this part of the page can do, for as long as it is there; shows nothing itself. */
export function PageActions({ actions }: { actions: readonly PageAction[] }): null {
  const key = useRef({});
  useEffect(() => {
    offered.set(key.current, actions);
  });
  useEffect(() => {
    const mine = key.current;
    return () => {
      offered.delete(mine);
    };
  }, []);
  return null;
}
