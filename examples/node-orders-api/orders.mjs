// The orders, in memory, and the routes with the scope that each needs.
import { createServer } from "node:http";
import { authorize } from "./bearer.mjs";
import { identifier, listen } from "./settings.mjs";

const MAX_BODY = 16 * 1024;

/** By client and the client's own order id, the oldest first. */
const orders = new Map();

const routes = {
  "POST /orders": { scope: `${identifier}/place-order`, handle: placeOrder },
  "GET /orders": { scope: `${identifier}/list-orders`, handle: listOrders },
};

/** Serves until it is told to stop. */
export async function serve(verify) {
  const server = createServer((request, response) => {
    const send = ({ status, headers = {}, body }) => {
      const json = body === undefined ? {} : { "content-type": "application/json" };
      response.writeHead(status, { ...headers, ...json }).end(body === undefined ? "" : JSON.stringify(body));
    };
    answer(request, verify).then(send, (error) => {
      console.error(`orders-api: ${error.message}`);
      send({ status: 500 });
    });
  });
  await new Promise((listening) => server.listen(listen.port || 80, listen.hostname, listening));
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      server.close();
      server.closeIdleConnections();
    });
  }
  console.log(JSON.stringify({ url: `http://${listen.hostname}:${server.address().port}` }));
}

async function answer(request, verify) {
  const { pathname } = new URL(request.url, "http://orders");
  if (request.method === "GET" && pathname === "/healthz") return { status: 200, body: "ok" };
  const key = `${request.method} ${pathname}`;
  if (!Object.hasOwn(routes, key)) return { status: 404 };
  const { scope, handle } = routes[key];
  const { clientId, refusal } = await authorize(request, verify, scope);
  return refusal ?? handle(clientId, request);
}

/** The same order again is answered like the first time, so a caller that got no answer may repeat it. */
async function placeOrder(clientId, request) {
  const text = await read(request);
  if (text === undefined) return { status: 413 };
  let order;
  try {
    order = JSON.parse(text);
  } catch {
    return { status: 400 };
  }
  const problem = check(order);
  if (problem) return { status: 422, body: { problem } };

  const { order_id, item, quantity } = order;
  const key = JSON.stringify([clientId, order_id]);
  const before = orders.get(key);
  if (before) {
    const same = before.item === item && before.quantity === quantity;
    return same ? { status: 200, body: before } : { status: 409, body: { problem: "order_id is another order's" } };
  }
  const placed = { order_id, item, quantity, placed_at: new Date().toISOString() };
  orders.set(key, placed);
  return { status: 201, body: placed };
}

/** The newest orders of the client that calls. */
async function listOrders(clientId) {
  const own = [...orders].filter(([key]) => JSON.parse(key)[0] === clientId);
  return { status: 200, body: own.map(([, order]) => order).reverse().slice(0, 100) };
}

function check(order) {
  const known = ["order_id", "item", "quantity"];
  if (order === null || typeof order !== "object" || Array.isArray(order)) return "an order is an object";
  if (Object.keys(order).some((name) => !known.includes(name))) return `an order has ${known.join(", ")}`;
  const text = (value, max) => typeof value === "string" && value.trim() !== "" && Buffer.byteLength(value) <= max;
  if (!text(order.order_id, 64)) return "order_id: 1 to 64 bytes";
  if (!text(order.item, 200)) return "item: 1 to 200 bytes";
  const { quantity } = order;
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1000) return "quantity: 1 to 1000";
}

async function read(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
