/** `cdk synth`, or `npm run synth` without the CLI. TURNPIKE_SETTINGS names the settings; the example's without it. */
import { join } from "node:path";

import { build } from "../lib/app.js";
import { root } from "../lib/root.js";
import { readSettings } from "../lib/settings.js";

const settings = process.env["TURNPIKE_SETTINGS"] ?? join(root, "settings.example.json");
// The CLI says where to.
const outdir = process.env["CDK_OUTDIR"] ?? join(root, "cdk.out");
build(readSettings(settings), outdir).app.synth();
