import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { DriftKind, DriftSchema, PendingSchema } from "~/api/gen/turnpike/v1/reconcile_pb";
import type { World } from "./world";

const minute = 60_000;
const day = 86_400_000;

/** A user pool in which people have worked by hand, and which is busy. */
export function seedPool(world: World): void {
  const ago = (milliseconds: number) => new Date(world.now().getTime() - milliseconds);
  const seen = (first: number) => ({
    firstSeenTime: timestampFromDate(ago(first)),
    lastSeenTime: timestampFromDate(ago(25 * minute)),
  });
  const idOf = (displayName: string) =>
    [...world.clients.values()].find((client) => client.displayName === displayName)?.clientId ??
    "";
  const drifts = [
    create(DriftSchema, {
      subject: `clients/${idOf("Nature Basket")}`,
      kind: DriftKind.DIFFERENT,
      name: "Nature Basket tp-7k2m",
      fields: [
        { field: "token_lifetime_seconds", ours: "3600", theirs: "86400" },
        { field: "CallbackURLs", ours: "", theirs: "https://shop.example/callback" },
      ],
      ...seen(2 * day),
    }),
    create(DriftSchema, {
      subject: `clients/${idOf("Old price feed")}`,
      kind: DriftKind.MISSING,
      name: "Old price feed",
      ...seen(9 * day),
    }),
    create(DriftSchema, {
      subject: "clients/4f9q2m7xk1v8c3n6b5z0legacy",
      kind: DriftKind.UNMANAGED,
      name: "nightly-export",
      ...seen(31 * day),
    }),
    create(DriftSchema, {
      subject: "resource-servers/gift-cards",
      kind: DriftKind.MISSING,
      name: "Gift cards",
      ...seen(3 * 60 * minute),
    }),
    create(DriftSchema, {
      subject: "resource-servers/https://reports.lj.example/v1",
      kind: DriftKind.UNMANAGED,
      name: "Reports",
      ...seen(31 * day),
    }),
  ];
  world.pool = {
    drifts: new Map(drifts.map((drift) => [drift.subject, drift])),
    pending: [
      create(PendingSchema, {
        subject: `clients/${idOf("Orders dashboard")}`,
        sinceTime: timestampFromDate(ago(4 * minute)),
        failures: 6,
        error: "the authorization server is asked too much at the moment",
      }),
      create(PendingSchema, {
        subject: "resource-servers/lj-health-food",
        sinceTime: timestampFromDate(ago(2_000)),
      }),
    ],
    unmanagedScopes: new Map([
      [
        "4f9q2m7xk1v8c3n6b5z0legacy",
        ["https://reports.lj.example/v1/read", "lj-health-food/list-orders"],
      ],
    ]),
    walk: { start: ago(29 * minute), end: ago(25 * minute), lookedAt: 26 },
    walking: false,
  };
}
