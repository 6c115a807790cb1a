/**
 * The table's keys and indexes. They are what `crates/store-dynamodb` reads and writes: `table.json` beside this app is
 * read here, and a test of that crate holds its constants against the same file.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "./root.js";

export interface KeyPair {
  readonly partition: string;
  readonly sort: string;
}

export interface TableLayout {
  readonly key: KeyPair;
  readonly indexes: readonly ({ readonly name: string } & KeyPair)[];
}

export const tableLayout: TableLayout = JSON.parse(readFileSync(join(root, "table.json"), "utf8"));
