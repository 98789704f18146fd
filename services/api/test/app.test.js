import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createApp } from "../src/app.js";

let server;
let url;

before(async () => {
  server = createApp({ flags: new Set(["related"]), version: "1" }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

async function get(path) {
  const answer = await fetch(url + path);
  return [answer.status, await answer.json()];
}

test("it is healthy", async () => {
  assert.deepEqual(await get("/healthz"), [200, { status: "ok", version: "1" }]);
});

test("products have prices and related ones", async () => {
  const [status, product] = await get("/products/2");
  assert.equal(status, 200);
  assert.deepEqual([product.price, product.related], ["€59.00", [1]]);
});

test("an unknown product is 404", async () => {
  assert.equal((await get("/products/9"))[0], 404);
});
