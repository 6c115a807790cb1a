/** The templates as they are deployed, with references resolved to names that a test can compare. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build } from "../lib/app.js";
import { root } from "../lib/root.js";
import { parseSettings, type Settings } from "../lib/settings.js";

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, any>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Record<string, { Value: unknown; Export?: { Name: string } }>;
}

export const example: Settings = parseSettings(
  JSON.parse(readFileSync(join(root, "settings.example.json"), "utf8")),
);

export type StackName = "access" | "data" | "network" | "services" | "operations";

/** Synthesizes into a folder of its own. */
export function synthesize(settings: Settings = example): Record<StackName, Template> {
  const outdir = mkdtempSync(join(tmpdir(), "turnpike-cdk-"));
  try {
    const { app } = build(settings, outdir);
    const templates = Object.entries(app.synth().stacksRecursively).map(
      ([, stack]) => [stack.stackName.replace(`${settings.installation}-`, ""), stack.template] as const,
    );
    return resolve(Object.fromEntries(templates) as Record<StackName, Template>);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The resources of a type. */
export function ofType(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

function resolve(templates: Record<StackName, Template>): Record<StackName, Template> {
  const exported = new Map<string, unknown>();
  for (const { Outputs } of Object.values(templates)) {
    for (const { Value, Export } of Object.values(Outputs ?? {})) {
      if (Export) exported.set(Export.Name, Value);
    }
  }
  const walk = (value: any): any => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const keys = Object.keys(value);
    if (keys.length === 1) {
      const only = value[keys[0]!];
      switch (keys[0]) {
        case "Ref":
          return only;
        case "Fn::GetAtt":
          return only.join(".");
        case "Fn::ImportValue":
          return walk(exported.get(only));
        case "Fn::Join":
          return walk(only[1]).join(only[0]);
      }
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(templates);
}
