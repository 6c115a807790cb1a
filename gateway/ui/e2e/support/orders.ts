import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { APIRequestContext } from "@playwright/test";
import { required } from "./personas";

/** The example orders API as a process of its own, which follows the Turnpike under test. */
export class OrdersApi {
  private constructor(
    private readonly process: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(identifier: string, secret: string): Promise<OrdersApi> {
    const database = join(mkdtempSync(join(tmpdir(), "orders-")), "orders.sqlite");
    const child = spawn(
      required("TURNPIKE_ORDERS_API"),
      ["--listen", "127.0.0.1:0", "--identifier", identifier, "--database", database],
      {
        env: {
          ...process.env,
          ORDERS_API_SECRET: secret,
          ORDERS_API_TURNPIKE: required("TURNPIKE_BASE_URL"),
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      return new OrdersApi(child, (JSON.parse(line) as { url: string }).url);
    }
    throw new Error("the orders API ended before it listened");
  }

  /** The status of placing an order. */
  async place(request: APIRequestContext, token: string): Promise<number> {
    const answer = await request.post(`${this.url}/orders`, {
      headers: { authorization: `Bearer ${token}` },
      data: { order_id: randomUUID(), item: "oats", quantity: 3 },
    });
    return answer.status();
  }

  /** The status of listing orders, and the challenge that comes with a refusal. */
  async list(request: APIRequestContext, token: string) {
    const answer = await request.get(`${this.url}/orders`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: answer.status(), challenge: answer.headers()["www-authenticate"] ?? "" };
  }

  stop(): void {
    this.process.kill("SIGTERM");
  }
}
