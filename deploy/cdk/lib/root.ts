import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this app: of `dist/lib/`, the one above `dist`. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
